"""A worker's copy of the assessments that another process publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest

from msgspec import DecodeError, ValidationError, msgpack

from antidistill.assessment.breath import breathing, hold
from antidistill.model import Assessment
from antidistill.striped import Striped

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Assessment).decode

_PART = 16

Know = Callable[[Sequence[Assessment]], None]


def pack(assessments: Iterable[Assessment]) -> list[tuple[str, bytes]]:
    """Assessments as they travel, by account."""
    return [(assessment.account, _encode(assessment)) for assessment in assessments]


class Table:
    """The latest assessment of every account that has one. One thread writes, any may read.

    Args:
        limit: Most assessments; where there are more, some with the least risk go.
        breathe: Called between pieces of work.

    Attributes:
        version: The version that it has reached.
        broken: Assessments that could not be read.
    """

    def __init__(self, limit: int, breathe: Callable[[], None] = hold) -> None:
        self._limit = limit
        self._breathe = breathe
        self._found: Striped[str, Assessment] = Striped(limit)
        self.version = 0
        self.broken = 0

    def __len__(self) -> int:
        return len(self._found)

    def get(self, account: str) -> Assessment | None:
        """The latest assessment of an account, or None."""
        return self._found.get(account)

    def all(self) -> list[Assessment]:
        """All assessments."""
        return list(self._found.values())

    def take(self, version: int, published: Iterable[bytes]) -> list[Assessment]:
        """Takes in what was published up to a version; returns what is new. A version that goes back begins anew."""
        if version < self.version:
            self._found = Striped(self._limit)
        self.version = version
        news = [assessment for data in breathing(published, self._breathe) if (assessment := self._read(data)) is not None]
        for assessment in breathing(news, self._breathe):
            self._found[assessment.account] = assessment
            if len(self._found) > self._limit:
                self._make_room()
        return news

    def _make_room(self) -> None:
        """Drops a part at once: to look for the least of thousands takes long."""
        crowded = self._found.fullest().values()
        for least in nsmallest(1 + len(crowded) // _PART, crowded, key=lambda found: found.risk):
            self._found.pop(least.account)

    def _read(self, data: bytes) -> Assessment | None:
        try:
            return _decode(data)
        except (DecodeError, ValidationError):
            self.broken += 1
            return None
