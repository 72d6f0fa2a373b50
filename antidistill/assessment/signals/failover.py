"""`failover`: what one account is refused, another asks within a minute."""

from __future__ import annotations

from collections.abc import Sequence

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family


class Takeovers:
    """Prompts taken over from others, and prompts sent."""

    __slots__ = ("count", "sent")

    def __init__(self) -> None:
        self.count = 0
        self.sent = 0


class Failover(Signal):
    """The account asks, word for word, what another tenant was refused within the minute before.

    Threat: a pool of accounts with automatic failover; survives any change of address, header and timing.
    Formula: 1.5 for the first, 2.5 from the second takeover on, of prompts of nine words or more. One-sided: refusals
        are rare, so that no takeover says nothing.
    State: two counters.
    Gamed by: waiting a minute, or staying with the account until it is served.
    Honest use that looks like it: a class that sends one exercise in the same minute; keys of an organisation that is not known
        as one.
    """

    name = "failover"
    family: Family = "coordination"
    falls = "It does not fall by itself: it ends when the profile is forgotten, or the accounts are named as one organisation."

    def begin(self) -> Takeovers:
        """No takeover yet."""
        return Takeovers()

    def learn(self, state: Takeovers, observation: Observation, reading: Reading) -> None:
        """Counts a takeover."""
        state.sent += 1
        state.count += reading.took_over

    def weigh(self, state: Takeovers, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs takeovers."""
        if not state.count:
            return None
        reason = f"{state.count} of {state.sent} prompts had been refused to another tenant less than a minute before"
        return Evidence(self.name, self.family, 1.5 if state.count == 1 else 2.5, reason)
