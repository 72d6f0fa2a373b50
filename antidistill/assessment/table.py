"""A worker's copy of the assessments that another process publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest

from msgspec import DecodeError, ValidationError, msgpack

from antidistill.model import Assessment

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Assessment).decode

Know = Callable[[Sequence[Assessment]], None]


def pack(assessments: Iterable[Assessment]) -> list[tuple[str, bytes]]:
    """Assessments as they travel, by account."""
    return [(assessment.account, _encode(assessment)) for assessment in assessments]


class Table:
    """The latest assessment of every account that has one. One thread writes, any may read.

    Args:
        limit: Most assessments; where there are more, those with the least risk go.

    Attributes:
        version: The version that it has reached.
        broken: Assessments that could not be read.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._found: dict[str, Assessment] = {}
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
            self._found = {}
        self.version = version
        news = [assessment for data in published if (assessment := self._read(data)) is not None]
        self._found.update((assessment.account, assessment) for assessment in news)
        if len(self._found) > self._limit:
            self._found = {found.account: found for found in nlargest(self._limit, self._found.values(), key=lambda found: found.risk)}
        return news

    def _read(self, data: bytes) -> Assessment | None:
        try:
            return _decode(data)
        except (DecodeError, ValidationError):
            self.broken += 1
            return None
