"""`corpus`: one account works through a large set of prompts, each asked once, and stores the answers unread."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.cadence import READING
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family
from antidistill.text.sketch import Tally

MOST = 1.0

_FEW, _MANY = 400, 460
_BITS = 2048


class Set(Struct, gc=False):
    """Prompts asked in haste: how many, and a map of which; conversations begun and taken up again; when the latest answer is read."""

    tally: Tally | None = None
    hasty: int = 0
    begun: int = 0
    followed: int = 0
    until: float = -math.inf

    def distinct(self) -> int:
        """How many different prompts there were, by estimate."""
        return self.tally.count() if self.tally is not None else 0


class Corpus(Signal):
    """Hundreds of single prompts, none asked twice, each answered with text that nobody could have read before the next one came.

    Threat: a loud sweep of a seed corpus through one account, whatever the prompts look like.
    Formula: 1.0 · ramp(2d − n, 400, 460) · (1 − ramp(f/b, 0.02, 0.15)), with n prompts that began a conversation, were answered with
        more than a label and came before the answer before could have been read (12 tokens a second), d different ones among them
        (linear counting), b conversations begun and f questions asked in one that was under way. Every prompt that comes again
        takes back one that did not: who evaluates runs the same set over several models or versions. Honest accounts of two logs
        reach 385, loud ones pass 448 before their six hundredth request. One-sided:
        few campaigns are so careless.
    State: four numbers and, from the first hasty prompt on, a map of 256 bytes.
    Gamed by: asking at the pace of a reader (under 3,000 answers a day); asking everything twice; several accounts.
    Honest use that looks like it: one run of one model over a benchmark of 450 free-text items and more. It cannot be told from
        a sweep by what it sends: declare it to the host, who exempts it.
    """

    name = "corpus"
    family: Family = "content"
    falls = "Prompts come again, at the pace of a reader, or in conversations that go on."

    def begin(self) -> Set:
        """No prompt yet."""
        return Set()

    def learn(self, state: Set, observation: Observation, reading: Reading) -> None:
        """Notes a prompt."""
        if not observation.answered or not observation.prompt:
            return
        unread = observation.ts < state.until
        state.until = observation.ts + observation.duration + observation.output_tokens / READING
        if observation.turns > 1:
            state.followed += 1
            return
        state.begun += 1
        if unread and not observation.label:
            self._note(state, observation.prompt)

    @staticmethod
    def _note(state: Set, prompt: int) -> None:
        if state.tally is None:
            state.tally = Tally(_BITS)
        state.hasty += 1
        state.tally.add(prompt)

    def weigh(self, state: Set, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how large the set is."""
        if state.hasty < _FEW:
            return None
        distinct = state.distinct()
        weight = MOST * ramp(2 * distinct - state.hasty, _FEW, _MANY) * (1 - ramp(state.followed / state.begun, 0.02, 0.15))
        if not weight:
            return None
        reason = f"about {distinct} different prompts, {state.hasty} in all, came before the answer to the one before could be read"
        return Evidence(self.name, self.family, weight, reason)
