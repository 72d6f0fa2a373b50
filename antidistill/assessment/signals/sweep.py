"""`sweep`: the same frames over and over, and never the same value twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

ALONE = 0.4
"""Most that an account's own prompts weigh: every batch job looks like that. Too little to make a family speak against anybody."""


class Sweep(Signal):
    """Prompts are frames around values that never repeat: a data set is being worked through.

    Threat: seed sets, slot filling, self-chat over a list of topics.
    Formula: the greater of two. Alone: 0.4 · ramp(k, 8, 40) · ramp(k/n, 0.2, 0.8) · ramp(k/(k+r), 0.5, 0.9), with k uses of frames
        that bring a new value and r that do not, out of n prompts. Pooled with all who share a frame, because a shard is too small
        to tell: 3 · (1 − Π (1 − ramp(Kᵢ, 15, 45) · ramp(Kᵢ/(Kᵢ+Rᵢ), 0.4, 0.8) · (1 − 2^−kᵢ))) over frames i, with Kᵢ and Rᵢ uses by
        all. One-sided: asking freely speaks for nobody.
    State: none of its own; reads the profile's frames.
    Gamed by: repeating values, which costs queries; having no frame.
    Honest use that looks like it: batch jobs, classifiers and evaluations, all of them. Therefore it convicts nobody alone.
    """

    name = "sweep"
    family: Family = "content"
    falls = "Values repeat, or most new prompts have another form."

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs the account's own prompts, and those of all who share its frames."""
        alone, pooled = ALONE * _alone(profile), BOUND * _pooled(ties)
        if max(alone, pooled) < 0.05:
            return None
        reason = _alone_reason(profile) if alone >= pooled else _pooled_reason(ties)
        return Evidence(self.name, self.family, max(alone, pooled), reason)


def _alone(profile: Profile) -> float:
    new, repeats = _uses(profile)
    if not new:
        return 0.0
    return ramp(new, 8, 40) * ramp(new / max(new, profile.prompts), 0.2, 0.8) * ramp(new / (new + repeats), 0.5, 0.9)


def _pooled(ties: Sequence[Tie]) -> float:
    return 1 - math.prod([1 - _unrepeated(tie) for tie in ties])


def _unrepeated(tie: Tie) -> float:
    fillings, repeats = tie.standing.fillings, tie.standing.repeats
    return float(ramp(fillings, 15, 45) * ramp(fillings / max(1, fillings + repeats), 0.4, 0.8) * (1 - 0.5**tie.used.new))


def _uses(profile: Profile) -> tuple[int, int]:
    frames = profile.frames.values()
    return sum(used.early + used.new for used in frames), sum(used.repeats for used in frames)


def _alone_reason(profile: Profile) -> str:
    new, repeats = _uses(profile)
    frames = sum(used.early + used.new > 0 for used in profile.frames.values())
    return f"{new} of {profile.prompts} prompts put a value that is new into one of {frames} frames; {repeats} repeat one"


def _pooled_reason(ties: Sequence[Tie]) -> str:
    new, repeats = sum(tie.standing.fillings for tie in ties), sum(tie.standing.repeats for tie in ties)
    own = sum(tie.used.new for tie in ties)
    return f"{new} of {new + repeats} uses of the {len(ties)} frames that the account shares bring a new value, {own} of them its own"
