"""The frames in use: which there are, and who fills which."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from antidistill.assessment.breath import breathing, hold
from antidistill.assessment.drafts import Drafts
from antidistill.assessment.filling import Filling
from antidistill.assessment.frame import Frame
from antidistill.assessment.observation import Observation
from antidistill.striped import Striped

_TENANTS = 32
"""Of a frame, as a rule."""


class Frames:
    """The frames in use, bounded in number; the one longest unused goes first.

    Args:
        limit: Most frames.

    Attributes:
        drafts: Wording that is not shared yet.
    """

    def __init__(self, limit: int = 2048) -> None:
        self._frames: dict[int, Frame] = {}  # the one longest unused first
        self.drafts = Drafts()
        self._stirred: dict[int, None] = {}
        self._used: Striped[int, dict[int, None]] = Striped(_TENANTS * limit)
        self._limit = limit

    def __len__(self) -> int:
        return len(self._frames)

    def get(self, anchor: int) -> Frame | None:
        """Finds a frame."""
        return self._frames.get(anchor)

    def use(self, observation: Observation, filling: Filling) -> Filling:
        """Counts a use of a frame, which begins with it where it is unknown. Returns it as the frame knows it."""
        anchor, tenant = filling.anchor, observation.tenant
        self._frames[anchor] = frame = self._frames.pop(anchor, None) or self._begin(filling, observation.ts)
        self._stirred[anchor] = None
        new = frame.use(observation, filling)
        if new:
            used = self._used.get(tenant)
            if used is None:
                self._used[tenant] = used = {}
            used[anchor] = None
        return filling._replace(new=new)

    def _begin(self, filling: Filling, ts: float) -> Frame:
        frame = Frame(filling.anchor, ts)
        frame.adopt(self.drafts.take(filling))
        if len(self._frames) >= self._limit:
            self._drop(next(iter(self._frames)))
        return frame

    def _drop(self, anchor: int) -> None:
        frame = self._frames.pop(anchor)
        self._stirred.pop(anchor, None)
        for tenant in frame.tenants():
            if (used := self._used.get(tenant)) is not None:
                used.pop(anchor, None)
                if not used:
                    self._used.pop(tenant)

    def follow(self, anchor: int, tenant: int) -> None:
        """Notes that somebody asked back in a conversation that a use of the frame began."""
        frame = self._frames.get(anchor)
        if frame is not None:
            frame.follow(tenant)
            self._stirred[anchor] = None

    def rate(self, population: int, breathe: Callable[[], None] = hold) -> Iterator[Frame]:
        """Rates the frames used since the last time, one by one; yields those whose strength changed noticeably."""
        stirred, self._stirred = self._stirred, {}
        for anchor in breathing(stirred, breathe):
            frame = self._frames.get(anchor)
            if frame is not None and frame.settle(population, self._used, breathe):
                yield frame

    def strong(self, floor: float) -> list[Frame]:
        """The frames with at least this strength."""
        return [frame for frame in self._frames.values() if frame.standing.strength >= floor]
