"""`sharing`: a rare frame that many tenants fill with values that never meet."""

from __future__ import annotations

import math
from typing import Any

from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import Frame
from antidistill.assessment.profile import Fillings, Profile
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.model import Evidence, Family


class Sharing(Signal):
    """The account fills frames that other tenants fill too.

    Threat: a seed set cut into shards, sent from many accounts through one dispatcher's prompt templates; also where the
        accounts carry real customers besides (hydra clusters). Needs no timing, headers or volume.
    Formula: 3 · (1 − Π (1 − sᵢ (1 − 2^−kᵢ) / (1 + eᵢ/4)²)) over frames i: sᵢ strength of the frame, kᵢ its uses by the account
        with new values since others share it, eᵢ those before. Somebody's template that others copied to frame them is
        thus not held against its author. One-sided: most campaigns share no frame, so that none speaks for nobody.
    State: none of its own; reads the profile's frames.
    Gamed by: wording every prompt anew with a model, or nonces inside the frame every few words; frames under twelve words.
    Honest use that looks like it: a prompt out of a popular tool (rated down where a tenth of all share it, or where most use
        it once or unevenly), pupils with one worksheet (their values repeat), colleagues (one organisation is one tenant).
    """

    name = "sharing"
    family: Family = "coordination"

    def weigh(self, state: Any, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Adds up the frames in use."""
        shared = shared_frames(profile, crowd)
        bond = 1 - math.prod(1 - frame.standing.strength * exposure(used) for frame, used in shared)
        if bond < 0.02:
            return None
        uses, others = sum(used.new for _, used in shared), max(frame.standing.tenants for frame, _ in shared) - 1
        reason = f"{uses} of {profile.prompts} prompts fill wording that up to {others} other tenants fill with values of their own"
        return Evidence(self.name, self.family, BOUND * bond, reason)


def shared_frames(profile: Profile, crowd: Crowd) -> list[tuple[Frame, Fillings]]:
    """The frames that an account fills with new values while others do, each with the account's use of it."""
    found = ((crowd.frames.get(anchor), used) for anchor, used in profile.frames.items() if used.new)
    return [(frame, used) for frame, used in found if frame is not None]


def exposure(used: Fillings) -> float:
    """How far an account's use of a frame ties it to the others, from 0 to 1."""
    return float((1 - 0.5**used.new) / (1 + used.early / 4) ** 2)
