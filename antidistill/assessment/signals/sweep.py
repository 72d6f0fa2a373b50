"""`sweep`: the same frames over and over, and never the same value twice."""

from __future__ import annotations

import math
from typing import Any

from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import Frame, ramp
from antidistill.assessment.profile import Fillings, Profile
from antidistill.assessment.signals.sharing import shared_frames
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.model import Evidence, Family

ALONE = 2.0
"""Most that an account's own prompts weigh: every batch job looks like it."""


class Sweep(Signal):
    """Prompts are frames around values that never repeat: a data set is being worked through.

    Threat: seed sets, slot filling, self-chat over a list of topics.
    Formula: the greater of two. Alone: 2 · ramp(k, 8, 40) · ramp(k/n, 0.2, 0.8) · ramp(k/(k+r), 0.5, 0.9), with k uses of frames
        with new values and r without, out of n prompts. Pooled over all who share a frame, because a shard is too small to
        tell: 3 · (1 − Π (1 − ramp(Kᵢ, 15, 45) · ramp(Kᵢ/(Kᵢ+Rᵢ), 0.4, 0.8) · (1 − 2^−kᵢ))) over frames i. One-sided: asking freely speaks for nobody.
    State: none of its own; reads the profile's frames.
    Gamed by: repeating values (which costs queries), or no frame at all.
    Honest use that looks like it: batch jobs, classifiers and evaluations, all of them. That is why it convicts nobody alone.
    """

    name = "sweep"
    family: Family = "content"

    def weigh(self, state: Any, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Weighs the account's own prompts, and those of all who share its frames."""
        shared = shared_frames(profile, crowd)
        alone, pooled = _alone(profile), BOUND * (1 - math.prod(1 - _pooled(frame, used) for frame, used in shared))
        if max(alone, pooled) < 0.05:
            return None
        return Evidence(self.name, self.family, max(alone, pooled), _reason_alone(profile) if alone >= pooled else _reason_pooled(shared))


def _alone(profile: Profile) -> float:
    new, repeats = _uses(profile)
    if not new:
        return 0.0
    return ALONE * ramp(new, 8, 40) * ramp(new / max(new, profile.prompts), 0.2, 0.8) * ramp(new / (new + repeats), 0.5, 0.9)


def _pooled(frame: Frame, used: Fillings) -> float:
    unrepeated = frame.standing.fillings / (frame.standing.fillings + frame.standing.repeats)
    return float(ramp(frame.standing.fillings, 15, 45) * ramp(unrepeated, 0.4, 0.8) * (1 - 0.5**used.new))


def _uses(profile: Profile) -> tuple[int, int]:
    frames = profile.frames.values()
    return sum(used.early + used.new for used in frames), sum(used.repeats for used in frames)


def _reason_alone(profile: Profile) -> str:
    new, repeats = _uses(profile)
    frames = sum(used.early + used.new > 0 for used in profile.frames.values())
    return f"{new} of {profile.prompts} prompts fill {frames} frames with a value not used before; {repeats} repeat one"


def _reason_pooled(shared: list[tuple[Frame, Fillings]]) -> str:
    new, repeats = sum(frame.standing.fillings for frame, _ in shared), sum(frame.standing.repeats for frame, _ in shared)
    own = sum(used.new for _, used in shared)
    return f"{new} of {new + repeats} uses of the {len(shared)} frames that it shares bring a new value; {own} of them are its own"
