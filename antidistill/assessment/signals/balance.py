"""`balance`: those who share a frame use it evenly."""

from __future__ import annotations

from typing import Any

from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import ramp
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.sharing import exposure, shared_frames
from antidistill.assessment.signals.signal import Signal
from antidistill.model import Evidence, Family

MOST = 1.5
_TENANTS, _USES = 6, 3


class Balance(Signal):
    """Load over the tenants that share a frame is even, as from a load balancer, not heavy-tailed, as among strangers.

    Threat: accounts in a pool that each get their part of the work.
    Formula: 1.5 · max sᵢ (1 − 2^−kᵢ) (1 − ramp(vᵢ, 0.3, 1)) over frames i with 6 tenants or more and 3 uses by each on
        average: sᵢ strength, kᵢ uses by the account, vᵢ the squared coefficient of variation of uses per tenant beyond Poisson's.
        Independent customers vary by more than their mean (vᵢ > 1). One-sided: operators may be uneven.
    State: none of its own; reads the profile's frames.
    Gamed by: loading accounts unevenly.
    Honest use that looks like it: accounts that all use up the same allowance with the same tool.
    """

    name = "balance"
    family: Family = "coordination"

    def weigh(self, state: Any, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Takes the frame whose load is most clearly balanced."""
        best, reason = 0.0, ""
        for frame, used in shared_frames(profile, crowd):
            _, tenants, _, fillings, _, _, spread = standing = frame.standing
            if tenants < _TENANTS or fillings < _USES * tenants:
                continue
            weight = MOST * standing.strength * exposure(used) * (1 - ramp(spread, 0.3, 1.0))
            if weight > best:
                best = weight
                reason = f"{fillings} uses of a shared frame spread evenly over {tenants} tenants (squared variation {spread:.2f}; strangers exceed 1)"
        return Evidence(self.name, self.family, best, reason) if best else None
