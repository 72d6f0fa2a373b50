"""`failover`: what one account is refused or has begun, another goes on with."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

_GIVERS = 8


class Takeovers(Struct, gc=False):
    """Work taken over from others, from how many, and prompts sent."""

    count: int = 0
    givers: tuple[str, ...] = ()
    sent: int = 0


class Failover(Signal):
    """The account asks, word for word, what another tenant was refused within the minute before, or goes on with its conversation.

    Threat: a pool of accounts with automatic failover, or behind a dispatcher that deals out the turns of a conversation; survives
        any change of address, header and timing.
    Formula: 1.5 for the first, 2.5 from the second takeover on, 3 from the fourth on where they came from three accounts; of prompts
        and conversations of nine words or more. A prompt counts once, and one that two tenants begin with belongs to neither.
        One-sided: refusals are rare, so that no takeover says nothing.
    State: two counters and the names of eight accounts.
    Gamed by: waiting a minute, or staying with the account until it is served; conversations that stay where they began.
    Honest use that looks like it: keys of an organisation that is not known as one; people who go on with their own work on a
        second account. A class that sends one exercise while the service is down is taken for one takeover.
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
        if reading.handover is not None:
            state.count += 1
            state.givers = tuple(dict.fromkeys([*state.givers, reading.handover.giver]))[:_GIVERS]

    def weigh(self, state: Takeovers, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs takeovers."""
        if not state.count:
            return None
        many = state.count >= 4 and len(state.givers) >= 3
        weight = 1.5 if state.count == 1 else BOUND if many else 2.5
        reason = (
            f"{state.count} of {state.sent} requests went on with what {len(state.givers)} other accounts had just been refused, "
            "or with conversations that those had begun"
        )
        return Evidence(self.name, self.family, weight, reason)
