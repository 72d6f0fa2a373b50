"""`company`: the same tenants again and again, across several shared frames."""

from __future__ import annotations

from typing import Any

from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import ramp
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.sharing import exposure, shared_frames
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.model import Evidence, Family

_STRONG = 0.25
_FRAMES = 8


class Company(Signal):
    """Other tenants share not one but several of the account's frames.

    Threat: an operator with a set of wraps, each seed in one of them, over many accounts.
    Formula: 3 · s₂ · ramp(c, 0, 6), s₂ the strength of the second strongest frame, c the other tenants that fill at least two of the eight strongest shared frames that this account
        fills. By chance two tenants meet on one rare frame at most. One-sided: a single frame is enough for many campaigns.
    State: none of its own; reads the profile's frames and their tenants (the first 256 of each).
    Gamed by: one frame per account.
    Honest use that looks like it: colleagues without a known organisation; users of a tool that has several prompts.
    """

    name = "company"
    family: Family = "coordination"

    def weigh(self, state: Any, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Counts the tenants met more than once."""
        shared = [frame.standing for frame, used in shared_frames(profile, crowd) if frame.standing.strength * exposure(used) >= _STRONG]
        strong = sorted(shared, key=lambda standing: -standing.strength)[:_FRAMES]
        met: set[int] = set()
        again: set[int] = set()
        for standing in strong:
            again |= met & standing.company
            met |= standing.company
        again.discard(profile.tenant)
        if not again:
            return None
        reason = f"{len(again)} other tenants fill at least two of the {len(strong)} frames that this one shares"
        return Evidence(self.name, self.family, BOUND * strong[1].strength * ramp(len(again), 0, 6), reason)
