"""Which tenants have used a shingle before: a table of fixed size that forgets what nobody repeats."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

EPOCH = 4 * 86_400
"""Seconds in an epoch. What was last seen more than seven epochs ago counts as never seen."""

_LASTING = 7
_TAG = (1 << 20) - 1
_ONE, _TWO = (1 << 24) - 1, (1 << 44) - 1
"""Largest cells with one tag, and with two."""


class Sightings:
    """Remembers for each shingle up to three tenants that used it, and when it was last seen.

    16 bytes each: the shingle, and a cell of three tags of 20 bits above an epoch of 4. A shingle has two places. A new one displaces
    what a single tenant used and never what is shared: a flood of random text displaces unique text alone.

    Args:
        bits: There is room for `2 ** bits` shingles.
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
            One mark a shingle: `0` for a new one, `1` for one that this tenant alone has used, `2` for one of two tenants and `3` for
            one of more. The tenant itself counts.
        """
        self._epoch = max(self._epoch, int(ts // EPOCH))
        epoch, mask, known, cells = self._epoch & 0xF, self._mask, self._shingles, self._cells
        tag = (tenant & _TAG) or 1
        alone = tag << 4 | epoch
        marks: list[str] = []
        mark = marks.append
        # Written out, not split up: this loop is a third of what an exchange costs.
        for shingle in shingles:
            place = shingle & mask
            if known[place] != shingle:
                other = place ^ 1
                if known[other] != shingle:
                    cell, rival = cells[place], cells[other]
                    if rival < cell:
                        place, cell = other, rival
                    if cell <= _ONE or (epoch - cell) & 0xF > _LASTING:
                        known[place] = shingle
                        cells[place] = alone
                    mark("0")
                    continue
                place = other
            cell = cells[place]
            if cell == alone:
                mark("1")
            elif (epoch - cell) & 0xF > _LASTING:
                cells[place] = alone
                mark("0")
            elif cell > _TWO and cell & 0xF == epoch:
                mark("3")
            else:
                cell = cells[place] = _joined(cell >> 4, tag) << 4 | epoch
                mark("1" if cell <= _ONE else "2" if cell <= _TWO else "3")
        return "".join(marks)


def _joined(tags: int, tag: int) -> int:
    """Tags with one more, where it is new and there is room."""
    first, second, third = tags & _TAG, tags >> 20 & _TAG, tags >> 40
    if third or tag in (first, second):
        return tags
    return tags | tag << (40 if second else 20)
