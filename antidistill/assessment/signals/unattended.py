"""`unattended`: conversations that nobody takes up again."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

MOST = 1.0


class Conversations(Struct, gc=False):
    """Conversations begun, and questions asked in one that was under way."""

    begun: int = 0
    followed: int = 0


class Unattended(Signal):
    """Conversations are begun and answered, and nobody ever asks back.

    Threat: harvests of any kind, agentic ones too: an answer is stored, not read, so that there is nothing to ask back.
    Formula: 1.0 · ramp(b, 1, 5) · (1 − ramp(f/b, 0.02, 0.15)), with b conversations begun and f questions asked in one that was
        under way; tools' results are no questions. One-sided: accounts that carry real customers beside the harvest have follow-ups.
    State: two counters.
    Gamed by: asking something back now and then, which costs queries; real customers.
    Honest use that looks like it: every script, agent and bot, and people who ask single questions. It ranks, it never convicts.
    """

    name = "unattended"
    family: Family = "temporal"
    falls = "Questions are asked back in conversations that are under way: one in seven is enough."

    def begin(self) -> Conversations:
        """No conversation yet."""
        return Conversations()

    def learn(self, state: Conversations, observation: Observation, reading: Reading) -> None:
        """Counts what was asked."""
        if observation.answered and observation.prompt:
            state.begun += observation.turns == 1
            state.followed += observation.turns > 1

    def weigh(self, state: Conversations, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how rarely somebody asks back."""
        weight = MOST * ramp(state.begun, 1, 5) * (1 - ramp(state.followed / max(1, state.begun), 0.02, 0.15))
        if not weight:
            return None
        reason = f"{state.begun} conversations were begun, and {state.followed} questions asked back"
        return Evidence(self.name, self.family, weight, reason)
