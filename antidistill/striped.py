"""A table in stripes: a hash table that doubles stops all threads, and one of 100,000 entries does so for 5 to 20 ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from xxhash import xxh3_64_intdigest

K = TypeVar("K", str, int)
V = TypeVar("V")

_STRIPE = 1 << 12


class Striped(Generic[K, V]):
    """What is known by name or by hash, in many small tables, each in order of arrival. One thread writes, any may read.

    The same keys in the same order give the same order in every process. The garbage collector looks into it only where values are
    its business: not at numbers, texts and structs without it.

    Args:
        room: Keys expected. More fit, in larger stripes.
    """

    __slots__ = ("_size", "_stripes")

    def __init__(self, room: int) -> None:
        self._stripes: list[dict[K, V]] = [{} for _ in range(1 << (max(0, room - 1) // _STRIPE).bit_length())]
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: K) -> bool:
        return key in self._stripe(key)

    def __setitem__(self, key: K, value: V) -> None:
        stripe = self._stripe(key)
        self._size += key not in stripe
        stripe[key] = value

    def get(self, key: K) -> V | None:
        """What is known of a key, or None."""
        return self._stripe(key).get(key)

    def pop(self, key: K) -> V | None:
        """Takes out what is known of a key, if anything is."""
        stripe = self._stripe(key)
        self._size -= key in stripe
        return stripe.pop(key, None)

    def touch(self, key: K) -> V | None:
        """Like `get`; makes the key the latest of its stripe."""
        stripe = self._stripe(key)
        if (value := stripe.pop(key, None)) is not None:
            stripe[key] = value
        return value

    def keep(self, key: K, value: V, most: int) -> None:
        """Notes what is known of a key, and sheds what is more than `most`."""
        self[key] = value
        while self._size > most:
            self.shed()

    def shed(self) -> tuple[K, V]:
        """Takes out the key of the fullest stripe that came or was touched longest ago.

        Raises:
            KeyError: There is none.
        """
        stripe = self.fullest()
        if not stripe:
            raise KeyError("nothing is left")
        key = next(iter(stripe))
        self._size -= 1
        return key, stripe.pop(key)

    def fullest(self) -> dict[K, V]:
        """The stripe with the most keys: where room is made. To be read only."""
        return max(self._stripes, key=len)

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.items())

    def items(self) -> Iterator[tuple[K, V]]:
        """All keys with what is known of them, stripe by stripe. What comes meanwhile may be missing."""
        for stripe in self._stripes:
            yield from list(stripe.items())

    def values(self) -> Iterator[V]:
        """What is known, in the order of `items`."""
        return (value for _, value in self.items())

    def _stripe(self, key: K) -> dict[K, V]:
        stripes = self._stripes
        if len(stripes) == 1:
            return stripes[0]
        hashed = key if isinstance(key, int) else xxh3_64_intdigest(key.encode("utf-8", "surrogatepass"))
        return stripes[hashed & (len(stripes) - 1)]
