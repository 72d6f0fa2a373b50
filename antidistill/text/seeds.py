"""Seed filters: has this wording been in a corpus? A Bloom filter (Bloom, 1970) over runs of words of its texts.

Hashes have no key: corpora are public, a file works with every master key, and logs can be replayed with it. A file is one line of JSON
that says what it is, and the bits.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct
from xxhash import xxh3_64_intdigest

from antidistill.errors import AntiDistillError
from antidistill.text.normalise import normalise

VERSION = 1
RUN = 8
"""Words in a run: longer than turns of phrase, shorter than most seeds."""

SHORTEST = 4
"""Words of a text that is known only as a whole; shorter ones are everybody's."""

RATE = 1e-6
"""Share of runs that are taken for known although they are not, unless said otherwise."""

_ONE_IN = 4
_LONGEST_HEADER = 1 << 16
_MIX = 0x9E37_79B9_7F4A_7C15
_WORD = (1 << 64) - 1


class SeedsError(AntiDistillError):
    """A seed filter that cannot be read or made."""


class Header(Struct, frozen=True, kw_only=True):
    """What a filter says of itself.

    Attributes:
        antidistill: What the file is.
        version: Version of the format.
        texts: Texts in it.
        runs: Runs of words kept of them, repeats included.
        rate: Bound of the share of unknown runs that are taken for known.
        bits: Bits of the filter.
        probes: Bits that stand for one run.
        corpora: Names of the corpora's files.
    """

    antidistill: str = "seeds"
    version: int = VERSION
    texts: int
    runs: int
    rate: float
    bits: int
    probes: int
    corpora: tuple[str, ...] = ()


class SeedFilter:
    """A filter of known seeds, mapped into memory: processes share its pages.

    Args:
        path: Its file.

    Attributes:
        header: What it says of itself.

    Raises:
        SeedsError: The file cannot be read, or is no filter of this version.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self.header = _header(path, file)
                self._start = file.tell()
                self._bits = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SeedsError(f"{path}: cannot be read ({reason}); `antidistill seeds build CORPUS --out FILE` makes one") from error
        if len(self._bits) - self._start != -(-self.header.bits // 8):
            raise SeedsError(f"{path}: is cut short or damaged; build it anew with `antidistill seeds build`")

    def knows(self, canonical: str) -> bool:
        """Says whether any run of a text in canonical form is in the filter.

        Of texts that are not, at most `header.rate` times the number of their runs are said to be.
        """
        return any(map(self.has, runs(canonical)))

    def has(self, run: int) -> bool:
        """Says whether a run is in the filter."""
        bits, start = self._bits, self._start
        return all(bits[start + (place >> 3)] >> (place & 7) & 1 for place in _places(run, self.header.probes, self.header.bits))


class SeedFilters:
    """Several filters as one.

    Args:
        paths: Their files.

    Raises:
        SeedsError: One cannot be read.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._filters = tuple(SeedFilter(Path(path)) for path in paths)

    def knows(self, canonical: str) -> bool:
        """Says whether one of them knows a text in canonical form."""
        return any(seeds.knows(canonical) for seeds in self._filters)


def runs(canonical: str) -> Iterator[int]:
    """Hashes of the runs that stand for a text: one in four by their hash, but one at least; the whole of a short text."""
    words = canonical.encode("utf-8", "surrogatepass").split(b" ")
    if len(words) < RUN:
        if len(words) >= SHORTEST:
            yield xxh3_64_intdigest(b" ".join(words))
        return
    hashes = [xxh3_64_intdigest(b" ".join(words[at : at + RUN])) for at in range(len(words) - RUN + 1)]
    kept = [run for run in hashes if not run % _ONE_IN]
    yield from kept or (min(hashes),)


def build(texts: Callable[[], Iterable[str]], out: Path, rate: float = RATE, corpora: tuple[str, ...] = ()) -> Header:
    """Makes a filter. Takes as much memory as the file, 3.6 bytes a run at the usual rate, and reads the texts twice.

    Args:
        texts: Gives all texts, each time it is called.
        out: Where the filter goes.
        rate: Bound of the share of unknown runs that are taken for known.
        corpora: Where the texts come from, for the header.

    Raises:
        SeedsError: There is no text of four words or more.
        OSError: The file cannot be written.
    """
    kept, total = 0, 0
    for text in texts():
        count = sum(1 for _ in runs(normalise(text)))
        kept, total = kept + (count > 0), total + count
    if not total:
        raise SeedsError(f"the corpora hold no text of {SHORTEST} words or more: name the field that holds the texts with --field")
    size = math.ceil(total * -math.log(rate) / math.log(2) ** 2)
    header = Header(texts=kept, runs=total, rate=rate, bits=size, probes=max(1, round(size / total * math.log(2))), corpora=corpora)
    out.write_bytes(msgspec.json.encode(header) + b"\n" + _filled(texts(), header))
    return header


def _filled(texts: Iterable[str], header: Header) -> bytearray:
    bits = bytearray(-(-header.bits // 8))
    for text in texts:
        for run in runs(normalise(text)):
            for place in _places(run, header.probes, header.bits):
                bits[place >> 3] |= 1 << (place & 7)
    return bits


def _places(run: int, probes: int, bits: int) -> Iterator[int]:
    """Double hashing (Kirsch and Mitzenmacher, 2006)."""
    step = (run * _MIX & _WORD) | 1
    return ((run + probe * step) % bits for probe in range(probes))


def _header(path: Path, file: BinaryIO) -> Header:
    line = file.readline(_LONGEST_HEADER)
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.DecodeError:
        header = None
    if header is None or header.antidistill != "seeds" or header.bits < 1 or header.probes < 1:
        raise SeedsError(f"{path}: is no seed filter; `antidistill seeds build CORPUS --out FILE` makes one")
    if header.version != VERSION:
        raise SeedsError(f"{path}: is a filter of version {header.version}, and this antidistill reads {VERSION}; build it anew")
    return header
