"""`dispatch`: uses of a shared frame go round the accounts as if dealt out."""

from __future__ import annotations

from typing import Any

from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import ramp
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.sharing import exposure, shared_frames
from antidistill.assessment.signals.signal import Signal
from antidistill.model import Evidence, Family

MOST = 1.5
_USES = 20


class Dispatch(Signal):
    """The next use of a shared frame comes from another account, as often as if one queue dealt them out.

    Threat: a load balancer over a pool of accounts.
    Formula: 1.5 · max sᵢ (1 − 2^−kᵢ) ramp(aᵢ, 0.4, 0.8) over frames i with 20 uses or more: sᵢ strength, kᵢ uses by the account,
        aᵢ changes of tenant from use to use over what dealing at random would give. Users who found the same prompt work in
        stretches of their own (aᵢ about 0.1). One-sided: workers with a shard each come in stretches too.
    State: none of its own; reads the profile's frames.
    Gamed by: one account after the other, which is slow.
    Honest use that looks like it: a prompt that very many use now and then.
    """

    name = "dispatch"
    family: Family = "temporal"

    def weigh(self, state: Any, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Takes the frame that is dealt out most clearly."""
        best, reason = 0.0, ""
        for frame, used in shared_frames(profile, crowd):
            if frame.standing.fillings < _USES:
                continue
            weight = MOST * frame.standing.strength * exposure(used) * ramp(frame.standing.alternation, 0.4, 0.8)
            if weight > best:
                best = weight
                reason = f"{frame.standing.fillings} uses of a shared frame go round {frame.standing.tenants} tenants, {frame.standing.alternation:.2f} of what random dealing would give"
        return Evidence(self.name, self.family, best, reason) if best else None
