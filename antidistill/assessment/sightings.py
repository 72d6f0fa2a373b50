"""Which tenants have used a shingle before: a table of fixed size that forgets what nobody repeats."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

EPOCH = 4 * 86_400
"""Seconds in an epoch. What was last seen more than seven epochs ago counts as never seen."""

_LASTING = 7
_TAG = (1 << 20) - 1
_TWO_TAGS = (1 << 40) - 1
_TAGS = (1 << 60) - 1


class Sightings:
    """Remembers for each shingle up to three tenants that used it, and when it was last seen.

    A cell is 16 bytes: the shingle, three tags of 20 bits and an epoch of 4 bits. A shingle has two places. A new one
    displaces what a single tenant used and never what is shared: a flood of random text displaces unique text alone.

    Args:
        bits: The table has `2 ** bits` cells.
    """

    def __init__(self, bits: int = 20) -> None:
        self._mask = (1 << bits) - 1
        self._shingles = array("Q", bytes(8 << bits))
        self._cells = array("Q", bytes(8 << bits))
        self._epoch = 0

    def see(self, shingles: Iterable[int], tenant: int, ts: float) -> str:
        """Notes a text and tells what was known of it.

        Args:
            shingles: The text.
            tenant: Hash of who sent it.
            ts: Unix seconds; a clock that goes back is taken to stand still.

        Returns:
            One mark a shingle: `0` for a new one, `1` for one that this tenant alone has used, `2` for one of two
            tenants and `3` for one of more. The tenant itself counts.
        """
        self._epoch = max(self._epoch, int(ts // EPOCH))
        epoch, mask, known, cells = self._epoch & 0xF, self._mask, self._shingles, self._cells
        tag = (tenant & _TAG) or 1
        marks = []
        for shingle in shingles:
            place = shingle & mask
            if known[place] != shingle:
                place ^= 1
            cell = cells[place]
            if known[place] != shingle or (epoch - (cell >> 60)) & 0xF > _LASTING:
                self._admit(shingle, tag)
                marks.append("0")
                continue
            tags = _joined(cell & _TAGS, tag)
            cells[place] = tags | epoch << 60
            marks.append("3" if tags > _TWO_TAGS else "2" if tags > _TAG else "1")
        return "".join(marks)

    def _admit(self, shingle: int, tag: int) -> None:
        """Takes the place that holds less, unless both hold what is shared."""
        place = shingle & self._mask
        here, there = self._worth(place), self._worth(place ^ 1)
        if there < here:
            place ^= 1
        if min(here, there) <= _TAG:
            self._shingles[place] = shingle
            self._cells[place] = tag | (self._epoch & 0xF) << 60

    def _worth(self, place: int) -> int:
        cell = self._cells[place]
        return cell & _TAGS if (self._epoch - (cell >> 60)) & 0xF <= _LASTING else 0


def _joined(tags: int, tag: int) -> int:
    """The tags of a cell with one more, where it is new and there is room."""
    if tags <= _TAG:
        return tags if tags == tag else tags | tag << 20
    if tags > _TWO_TAGS or tag in (tags & _TAG, tags >> 20):
        return tags
    return tags | tag << 40
