"""`release_pivot`: the work moves to a new model as soon as there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.models import YOUNG
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

MOST = 0.8

_DAY = 86_400.0
_BEFORE = 5
_AFTER = 3


class Move(Struct, gc=False):
    """Requests before the first one to a new model; in the three days after it those to new models and to others; the age it had.

    And whether anybody else asks for that model.
    """

    before: int = 0
    moved: int = 0
    stayed: int = 0
    age: float = 0.0
    until: float = math.inf
    public: bool = False


class ReleasePivot(Signal):
    """An account that worked with other models turns to one that has just come out, and does not turn back.

    Threat: harvests that want the newest model; one campaign moved half of its traffic within a day of a release.
    Formula: 0.8 · ramp(m, 0, 3) · (1 − ramp(a, 1, 3)) · ramp(m/(m+o), 0.5, 0.9), with a the days since the model's release when the
        account first asked for it, m requests to new models in the three days since and o to others; from 5 requests before on, and
        as soon as three tenants have asked for the model. A member of a campaign needs neither: the campaign has worked
        before, and what it turns to is its own affair. One-sided: most campaigns stay where they are.
    State: three counters, an age, a time and a mark.
    Gamed by: waiting; moving bit by bit.
    Honest use that looks like it: whoever likes to try what is new, evaluators above all. Hence the low bound.
    """

    name = "release_pivot"
    family: Family = "coordination"
    falls = "Half of the work goes back to other models within three days; later, only when the profile is forgotten."

    def begin(self) -> Move:
        """Nothing asked for yet."""
        return Move()

    def learn(self, state: Move, observation: Observation, reading: Reading) -> None:
        """Counts what was asked for."""
        if not observation.answered or observation.ts > state.until:
            return
        if reading.release is not None:
            if not state.moved:
                state.age, state.until = reading.release.age, observation.ts + YOUNG
            state.moved += 1
            state.public = state.public or reading.release.public
        elif state.moved:
            state.stayed += 1
        else:
            state.before += 1

    def weigh(self, state: Move, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how soon and how wholly the work moved."""
        if not state.moved or not (profile.linked or (state.public and state.before >= _BEFORE)):
            return None
        share = state.moved / (state.moved + state.stayed)
        weight = MOST * ramp(state.moved, 0, _AFTER) * (1 - ramp(state.age, _DAY, 3 * _DAY)) * ramp(share, 0.5, 0.9)
        if not weight:
            return None
        reason = f"{share:.0%} of its requests went to a new model from {state.age / 3600:.1f} hours after its release on"
        return Evidence(self.name, self.family, weight, reason)
