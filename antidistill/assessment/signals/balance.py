"""`balance`: those who share a frame use it evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antidistill.assessment.frame import Standing
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie, tightest
from antidistill.model import Evidence, Family

MOST = 1.5

_TENANTS = 6
_USES = 3


class Balance(Signal):
    """Load over the tenants that share a frame is even, as a load balancer makes it, not heavy-tailed, as it is among strangers.

    Threat: a pool of accounts, each with its part of the work.
    Formula: 1.5 · max sᵢxᵢ · (1 − ramp(vᵢ, 0.3, 1)) over shared frames i with 6 tenants or more and 3 uses by each on average: sᵢ
        strength, xᵢ exposure, vᵢ the squared coefficient of variation of uses per tenant beyond what chance alone (Poisson) gives.
        Independent customers exceed 1 (29 of 2,412 make up nine tenths in ServeGen). One-sided: an operator may be uneven.
    State: none of its own; reads the profile's frames.
    Gamed by: loading accounts unevenly.
    Honest use that looks like it: accounts that all use up the same allowance with the same tool.
    """

    name = "balance"
    family: Family = "coordination"
    falls = "The load over the accounts that share the wording becomes uneven, as it is among independent customers."

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Takes the frame whose load is most clearly balanced."""
        part, standing = tightest(ties, _evenness)
        if not part:
            return None
        reason = (
            f"{standing.fillings} uses of a shared frame spread over {standing.tenants} tenants with a squared variation of "
            f"{standing.spread:.2f} beyond chance; strangers exceed 1"
        )
        return Evidence(self.name, self.family, MOST * part, reason)


def _evenness(standing: Standing) -> float:
    if standing.tenants < _TENANTS or standing.fillings < _USES * standing.tenants:
        return 0.0
    return 1 - ramp(standing.spread, 0.3, 1.0)
