"""Sketches of texts: seeded hashes that tell whether two texts share wording, and nothing else.

Hashes are XXH3 with a secret seed: stable between processes that share the seed, meaningless without it. They are no
identifiers; those are keyed BLAKE2b elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from msgspec import Struct, field
from xxhash import xxh3_64_intdigest

SHINGLE = 5
"""Words in a shingle: long enough that unrelated texts rarely share one, short enough to survive small slots."""

EDGE_HEAD, EDGE_TAIL, MIDDLE = 32, 20, 16
"""Shingles kept of the beginning, of the end, and about so many in between."""


def seed_of(secret: int | bytes) -> int:
    """The 64-bit seed that a secret stands for.

    Args:
        secret: An integer, of which the lower 64 bits count, or key material of any length.
    """
    if isinstance(secret, bytes):
        return xxh3_64_intdigest(secret)
    return secret & 0xFFFF_FFFF_FFFF_FFFF


def digest(text: str, seed: int) -> int:
    """Hash of the whole text as it stands, for "the very same text again"."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), seed)


def skeleton(text: str, seed: int) -> tuple[int, ...]:
    """Hashes of runs of `SHINGLE` words that stand for a text in canonical form, in order; none where there are fewer words.

    Both edges whole, of the middle a sample, 84 at most. The sample goes by the words, so that two texts with the same
    passage keep the same part of it (Broder, 1997); of a longer text it keeps less.
    """
    data = text.encode("utf-8", "surrogatepass")
    words = data.split(b" ")
    count = len(words) - SHINGLE + 1
    if count < 1:
        return ()
    ends = [*accumulate([len(word) + 1 for word in words], initial=-1)]
    if count <= EDGE_HEAD + EDGE_TAIL:
        return tuple([xxh3_64_intdigest(data[before + 1 : end], seed) for before, end in zip(ends, ends[SHINGLE:], strict=False)])
    places = [*range(EDGE_HEAD), *_sample(words, count), *range(count - EDGE_TAIL, count)]
    return tuple([xxh3_64_intdigest(data[ends[place] + 1 : ends[place + SHINGLE]], seed) for place in places])


def _sample(words: Sequence[bytes], count: int) -> list[int]:
    """Places in the middle at which a shingle is kept: one in two, four, eight … of them."""
    stop = count - EDGE_TAIL
    mask = (1 << ((stop - EDGE_HEAD) // MIDDLE).bit_length()) - 1
    kept = [place for place, word in enumerate(words[EDGE_HEAD:stop], EDGE_HEAD) if not (word[0] ^ word[-1]) & mask]
    return kept[: 2 * MIDDLE]


class Tally(Struct, gc=False):
    """Counts distinct hashes in fixed memory, by linear counting (Whang, Vander-Zanden and Taylor, 1990).

    Args:
        bits: Size of the map, a power of two. The standard error is 5 % at five times as many hashes, and saturates beyond.
    """

    bits: int
    _map: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._map = self._map or bytearray(self.bits >> 3)

    def add(self, hash: int) -> None:
        """Counts a hash, once however often it comes."""
        place = hash % self.bits
        self._map[place >> 3] |= 1 << (place & 7)

    def count(self) -> int:
        """Estimates how many different hashes were added."""
        bits = self.bits
        empty = bits - int.from_bytes(self._map).bit_count()
        return round(bits * math.log(bits / max(1, empty)))


class Recent(Struct, gc=False):
    """Remembers hashes for a while in fixed memory: a Bloom filter of one hash, in two generations.

    Says "known" of up to a quarter of new hashes when it is fullest, and never "new" of one that came lately.

    Args:
        bits: Size of each generation, a power of two; an eighth as many hashes fill it.
    """

    bits: int
    _young: bytearray = field(default_factory=bytearray)
    _old: bytearray = field(default_factory=bytearray)
    _added: int = 0

    def __post_init__(self) -> None:
        self._young = self._young or bytearray(self.bits >> 3)
        self._old = self._old or bytearray(self.bits >> 3)

    def add(self, hash: int) -> bool:
        """Remembers a hash; says whether it was new."""
        place, bit = divmod(hash & (self.bits - 1), 8)
        old = self._old
        if self._young[place] >> bit & 1:
            return False
        if self._added >= self.bits >> 3:
            self._young, self._old, self._added = bytearray(self.bits >> 3), self._young, 0
        self._young[place] |= 1 << bit
        self._added += 1
        return not old[place] >> bit & 1
