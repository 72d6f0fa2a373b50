"""What an account can be compared with: everything that all accounts sent, as hashes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from antidistill.assessment.breath import hold
from antidistill.assessment.filling import Filling, read
from antidistill.assessment.frames import Frame, Frames
from antidistill.assessment.models import Models
from antidistill.assessment.observation import Observation
from antidistill.assessment.sightings import Sightings
from antidistill.text.sketch import Tally

DISTINCTIVE = 5
"""Shingles of a prompt that nobody else asks by chance: nine words."""

FAILOVER_SECONDS = 60.0
_OPENINGS = 1 << 14
_REFUSED = frozenset({401, 403, 429, 500, 502, 503, 504, 529})


class Reading(NamedTuple):
    """What an observation says in the light of all others.

    Attributes:
        filling: The frame that the prompt fills, or None.
        took_over: True where another tenant was refused this very prompt within the last minute.
        release: Seconds since the model asked for came out, or None where it is not new.
    """

    filling: Filling | None = None
    took_over: bool = False
    release: float | None = None


class Crowd:
    """Memory of all accounts together, bounded: about 16 MiB for the sightings, some more for the frames.

    Attributes:
        frames: Wording that several tenants share.
    """

    def __init__(self, bits: int = 20) -> None:
        self.frames = Frames()
        self._sightings = Sightings(bits)
        self._refusals = Refusals()
        self._models = Models()
        self._openings: OrderedDict[int, int] = OrderedDict()
        self._tenants = Tally(1 << 17)

    def read(self, observation: Observation) -> Reading:
        """Compares an observation with what was seen before, and remembers it."""
        self._tenants.add(observation.tenant)
        took_over = self._refusals.meet(observation)
        release = self._models.age(observation)
        if not observation.answered or not observation.prompt:
            return Reading(None, took_over, release)
        if observation.turns > 1 and (anchor := self._openings.get(observation.lineage)) is not None:
            self.frames.follow(anchor, observation.tenant)
        return Reading(self._fill(observation) if observation.skeleton else None, took_over, release)

    def _fill(self, observation: Observation) -> Filling | None:
        marks = self._sightings.see(observation.skeleton, observation.tenant, observation.ts)
        filling = read(observation.skeleton, marks)
        if filling is None or not filling.shared:
            return filling
        if observation.turns == 1:
            self._open(observation.lineage, filling.anchor)
        return self.frames.use(observation, filling)

    def _open(self, lineage: int, anchor: int) -> None:
        """Remembers which frame a conversation began with, to learn whether anybody asks back."""
        self._openings[lineage] = anchor
        if len(self._openings) > _OPENINGS:
            self._openings.popitem(last=False)

    def rate(self, breathe: Callable[[], None] = hold) -> Iterator[Frame]:
        """Rates the frames used since the last time, one by one; yields those about which that says something new."""
        return self.frames.rate(self._tenants.count(), breathe)


class Refusals:
    """Prompts that were refused lately, and whom they came from.

    Args:
        limit: Most prompts.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._refused: OrderedDict[int, tuple[int, float]] = OrderedDict()
        self._limit = limit

    def meet(self, observation: Observation) -> bool:
        """Notes a refusal; says whether this prompt was refused to another tenant just before."""
        if len(observation.skeleton) < DISTINCTIVE:
            return False
        tenant, ts = self._refused.get(observation.prompt, (observation.tenant, 0.0))
        if observation.status in _REFUSED:
            self._refused[observation.prompt] = (observation.tenant, observation.ts)
            if len(self._refused) > self._limit:
                self._refused.popitem(last=False)
        return tenant != observation.tenant and 0 <= observation.ts - ts <= FAILOVER_SECONDS
