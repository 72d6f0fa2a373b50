"""How far a leader has come in the stream of observations, and what it knows by then."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import DecodeError, ValidationError, msgpack

from antidistill.assessment import snapshot
from antidistill.assessment.breath import Breath
from antidistill.assessment.loop import Assessor
from antidistill.assessment.observation import Observation
from antidistill.model import Assessment
from antidistill.stores.redis import Entry, Read

Publish: TypeAlias = Callable[[Sequence[Assessment]], None]
Make: TypeAlias = Callable[[Publish], Assessor]
"""Makes an assessor that publishes to where it is told."""

SILENCE = 5.0
"""Seconds without observations after which a leader looks whether a tick has passed."""

_decode = msgpack.Decoder(Observation).decode


def place(id: str) -> tuple[int, int]:
    """An id as what it is ordered by."""
    time, _, number = id.partition("-")
    return int(time), int(number)


class Course:
    """A way through the stream. Its order is the order of everything, and its times are the clock.

    Whoever takes it again from a snapshot on comes to the same assessments.

    Args:
        make: Makes an assessor.
        tick: Seconds between two publications.

    Attributes:
        assessor: What is known.
        position: The entry that was read last.
        terms: The policy under which what is known was told.
        read: Observations read.
        broken: Entries that could not be read.
        lost: Observations that had to make room before they were read.
    """

    def __init__(self, make: Make, tick: float) -> None:
        self._found: deque[tuple[str, Sequence[Assessment]]] = deque()
        self.assessor = make(lambda found: self._found.append((self.position, found)))
        self.position = "0-0"
        self.terms = ""
        self.read = 0
        self.broken = 0
        self.lost = 0
        self._tick = tick
        self._now = -math.inf
        self._arrived = math.inf
        self._index = -1

    # --- forward -----------------------------------------------------------------------------------------------------

    def learn(self, found: Read) -> None:
        """Takes in what was read."""
        self._count(found)
        breathe = Breath()
        for entry in found.entries:
            self.position, self._arrived = entry.id, entry.arrived
            self._take(entry)
            breathe()  # the lease has to be kept meanwhile

    def due(self, now: float) -> float | None:
        """The time that it is by the clock of the stream, where a tick has passed in silence; `now` is that of the wall."""
        silence = now - self._arrived
        if silence < SILENCE or (self._now + silence) // self._tick <= self._now // self._tick:
            return None
        return self._now + silence

    def _take(self, entry: Entry) -> None:
        try:
            observation = _decode(entry.observation) if entry.observation else None
        except (DecodeError, ValidationError):
            self.broken += 1
            return
        came = entry.time if observation is None else observation.ts + observation.duration
        self._now = max(self._now, min(came, entry.arrived))  # a worker whose clock is ahead does not carry all others along
        self.assessor.advance(self._now)
        if observation is not None:
            self.assessor.recall(observation)
            self.read += 1

    def _count(self, found: Read) -> None:
        """Notes what was removed from the stream before it was read."""
        if self._index < 0 or found.added < self._index:  # the first look, or another stream than before
            self._index = found.removed
        self.lost += max(0, found.removed - self._index)
        self._index = max(self._index, found.removed) + len(found.entries)

    def next(self) -> tuple[str, list[Assessment]] | None:
        """What is to be published first: the entry that gave rise to it, and all that it did."""
        if not self._found:
            return None
        entry = self._found[0][0]
        return entry, [assessment for cause, part in self._found if cause == entry for assessment in part]

    def told(self, entry: str) -> None:
        """Forgets what an entry gave rise to."""
        while self._found and self._found[0][0] == entry:
            self._found.popleft()

    # --- and back ----------------------------------------------------------------------------------------------------

    def snapshot(self, key: bytes) -> Iterator[bytes]:
        """What is known here, piece by piece."""
        notes = {"position": self.position, "now": self._now, "arrived": self._arrived, "index": self._index, "terms": self.terms}
        return snapshot.write(self.assessor, key, notes)

    def restore(self, data: bytes, key: bytes) -> None:
        """Goes to where a snapshot was made. Raises `SnapshotError` where it cannot be used; then this course leads nowhere."""
        notes: Mapping[str, Any] = snapshot.read(data, self.assessor, key)
        self.position, self.terms = notes["position"], notes["terms"]
        self._now, self._arrived, self._index = notes["now"], notes["arrived"], notes["index"]
