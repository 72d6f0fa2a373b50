"""What an account can be compared with: everything that all accounts sent, as hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from antidistill.assessment.breath import hold
from antidistill.assessment.filling import Filling, read
from antidistill.assessment.frame import Frame
from antidistill.assessment.frames import Frames
from antidistill.assessment.handovers import Handover, Handovers, Unfinished
from antidistill.assessment.models import Models, Release
from antidistill.assessment.observation import Observation
from antidistill.assessment.sightings import Sightings
from antidistill.striped import Striped
from antidistill.text.sketch import Tally

_OPENINGS = 1 << 14


class Reading(NamedTuple):
    """What an observation says in the light of all others.

    Attributes:
        filling: The frame that the prompt fills, or None.
        handover: Where the work comes from that another account was refused or had begun, or None.
        release: How the model asked for came out lately, or None where it is not new.
    """

    filling: Filling | None = None
    handover: Handover | None = None
    release: Release | None = None


class Crowd:
    """Memory of all accounts together, bounded: about 16 MiB for the sightings, some more for the frames.

    Attributes:
        frames: Wording that several tenants share.
        handovers: Accounts that hand work to one another.
    """

    def __init__(self, bits: int = 20) -> None:
        self.frames = Frames()
        self._sightings = Sightings(bits)
        self.handovers = Handovers()
        self._unfinished = Unfinished()
        self._models = Models()
        self._openings: Striped[int, int] = Striped(_OPENINGS)
        self._tenants = Tally(1 << 17)

    def read(self, observation: Observation) -> Reading:
        """Compares an observation with what was seen before, and remembers it."""
        self._tenants.add(observation.tenant)
        handover = self._unfinished.meet(observation)
        if handover is not None:
            self.handovers.note(handover.giver, observation.account, observation.ts)
        release = self._models.release(observation)
        if not observation.answered or not observation.prompt:
            return Reading(None, handover, release)
        if observation.turns > 1 and (anchor := self._openings.get(observation.lineage)) is not None:
            self.frames.follow(anchor, observation.tenant)
        return Reading(self._fill(observation) if observation.skeleton else None, handover, release)

    def _fill(self, observation: Observation) -> Filling | None:
        marks = self._sightings.see(observation.skeleton, observation.tenant, observation.ts)
        filling = read(observation.skeleton, marks)
        if filling is None or not filling.shared:
            if filling is not None and filling.new:
                self.frames.drafts.note(observation, filling)
            return filling
        if observation.turns == 1:
            self._open(observation.lineage, filling.anchor)
        return self.frames.use(observation, filling)

    def _open(self, lineage: int, anchor: int) -> None:
        """Remembers which frame a conversation began with, to learn whether anybody asks back."""
        self._openings.keep(lineage, anchor, _OPENINGS)

    def rate(self, breathe: Callable[[], None] = hold) -> Iterator[Frame]:
        """Rates the frames used since the last time, one by one; yields those about which that says something new."""
        return self.frames.rate(self._tenants.count(), breathe)
