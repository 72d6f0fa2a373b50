"""`handoff`: a refused prompt comes from another account within seconds."""

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

MOST = 2.5

SECONDS = 5.0
"""Seconds in which nobody carries a prompt from one account to another by hand."""


class Swift(Struct, gc=False):
    """Takeovers faster than by hand."""

    count: int = 0


class Handoff(Signal):
    """What one account was refused, this one asks within seconds: a program passes it on.

    Threat: automatic failover in a pool of accounts. Tells it from people who meet in time by chance, which `failover` does not.
    Formula: 2.5 · ramp(k, 0, 3), with k takeovers within 5 seconds of the refused request. One-sided: refusals are rare.
    State: one counter.
    Gamed by: waiting before the next account is tried.
    Honest use that looks like it: a fallback key of an organisation that is not known as one.
    """

    name = "handoff"
    family: Family = "temporal"
    falls = "It does not fall by itself: it ends when the profile is forgotten, or the accounts are named as one organisation."

    def begin(self) -> Swift:
        """No takeover yet."""
        return Swift()

    def learn(self, state: Swift, observation: Observation, reading: Reading) -> None:
        """Counts a swift takeover."""
        handover = reading.handover
        state.count += handover is not None and handover.delay is not None and handover.delay <= SECONDS

    def weigh(self, state: Swift, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how many there were."""
        if not state.count:
            return None
        reason = f"{state.count} prompts came within {SECONDS:.0f} seconds of being refused to another account"
        return Evidence(self.name, self.family, MOST * ramp(state.count, 0, 3), reason)
