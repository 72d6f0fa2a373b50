"""Slots: the places of a text where one of several interchangeable variants stands.

Reading looks at words and punctuation only, never at line breaks, case or whether a word was protected when the text was marked. So it
finds every slot that was marked, with the same seed, in a text that was re-wrapped or lower-cased since; and some that never were, about
which the coins know nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from antidistill.watermark.classes import SlotClass
from antidistill.watermark.lexicon import Found, Lexicon
from antidistill.watermark.tokens import PUNCTUATION, SOLIDS

WINDOW: Final = 4
"""Tokens that decide what stands at a place: the first, and at most three behind it."""

MOST: Final = 3
"""Slots with the same class and previous word that are told apart, but for the first."""

INNER: Final = "+"
"""Behind the id of a class: names the choice among the variants of one side."""

_MANY: Final = 1 << 16
_BLOCK: Final = 1 << 20
"""Characters that are read at once."""


class Slot(Struct, frozen=True):
    """One place where a variant of a class stands.

    Attributes:
        cls: Id of the class.
        tier: Tier of the class.
        previous: Canonical word before; "" at the start of a sentence.
        side: The side of the class that the variant is on.
        habit: Whether the class is so frequent that a student model can learn it after each word before.
        at: Number of the word in the text (of those that `str.split` yields) where the variant begins.
        nth: Slots before it with the same class and previous word, `MOST` at most: each has a coin of its own.
    """

    cls: str
    tier: int
    previous: str
    side: int
    habit: bool
    at: int
    nth: int = 0


Seen: TypeAlias = dict[tuple[str, str], int]
"""Slots of a text so far, by class and previous word."""


class Chooser(Protocol):
    """Says which side a slot should be on."""

    def want(self, slot: Slot) -> int | None:
        """Side 0 or 1; None to leave the slot as it is. Always the same for the same class, previous word and count."""


class Left(Struct, frozen=True):
    """What stands left of a place.

    Attributes:
        token: The token directly before, or the id of the class whose variant ended there; "" at the start of a sentence.
        word: The same without punctuation between.
    """

    token: str
    word: str


EDGE: Final = Left("", "")


def passed(left: Left, tokens: Sequence[str], start: int, end: int) -> Left:
    """What stands left of `end`, if `left` stands left of `start` and no slot lies between."""
    if start == end:
        return left
    place = end - 1
    while place >= start and tokens[place] in PUNCTUATION:
        place -= 1
    return Left(tokens[end - 1], left.word if place < start else tokens[place])


def slot(lexicon: Lexicon, found: Found, left: Left, at: int, seen: Seen) -> Slot:
    """The slot where a variant was found."""
    cls, previous = found.cls, lexicon.canonical(left.word)
    return Slot(cls.id, cls.tier, previous, found.side, cls.habit, at, min(seen.get((cls.id, previous), 0), MOST))


def inner(cls: SlotClass, side: int, variant: int, place: Slot, seen: Seen) -> Slot | None:
    """The slot in the slot: where a side has several variants, which of them stands there is a coin of its own."""
    if len(cls.sides[side]) < 2:
        return None
    id_ = cls.id + INNER
    return Slot(id_, cls.tier, place.previous, variant & 1, cls.habit, place.at, min(seen.get((id_, place.previous), 0), MOST))


def count(seen: Seen, place: Slot) -> None:
    """Counts a slot. A text with very many different ones is counted afresh now and then."""
    if len(seen) >= _MANY:
        seen.clear()
    seen[place.cls, place.previous] = place.nth + 1


@lru_cache(maxsize=8)
def beginnings(lexicon: Lexicon) -> frozenset[str]:
    """Words that a variant can begin with."""
    return frozenset(variant.split(" ")[0] for cls in lexicon.classes for side in cls.sides for variant in side)


def read(text: str, lexicon: Lexicon) -> list[Slot]:
    """All slots of a text, of all tiers, in text order. Takes time in proportion to the text, and memory to its slots."""
    reader = _Reader(lexicon)
    slots = [slot for block in _blocks(text) for slot in reader.read(block.split(), final=False)]
    return slots + reader.read([], final=True)


def _blocks(text: str) -> Iterator[str]:
    """The text in parts that end where a word ends."""
    start = 0
    while start < len(text):
        found = _SPACE.search(text, start + _BLOCK)
        end = found.start() if found else len(text)
        yield text[start:end]
        start = end


_SPACE: Final = re.compile(r"\s")


class _Reader:
    """Reads a text in parts."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._beginnings = beginnings(lexicon)
        self._tokens: list[str] = []
        self._ends: list[int] = []  # For every word, the number of tokens up to it.
        self._words = 0
        self._left = EDGE
        self._seen: Seen = {}

    def read(self, words: list[str], final: bool) -> list[Slot]:
        """Slots that are sure once these words are known."""
        runs = [solid.tokens for solid in map(SOLIDS.__getitem__, words)]
        kept = len(self._tokens)
        self._tokens.extend(chain.from_iterable(runs))
        self._ends.extend(kept + end for end in accumulate(map(len, runs)))
        sure = len(self._tokens) if final else max(0, len(self._tokens) - WINDOW)
        slots, done = self._slots(sure, final)
        self._forget(max(done, sure), done)
        return slots

    def _slots(self, sure: int, final: bool) -> tuple[list[Slot], int]:
        lexicon, tokens, beginnings, slots = self._lexicon, self._tokens, self._beginnings, []
        find, left, end = lexicon.find, self._left, 0
        for at in [at for at, token in enumerate(tokens[:sure]) if token in beginnings]:
            if at < end:
                continue
            found = find(tokens, at, left.token if at == end else tokens[at - 1], final)
            if isinstance(found, Found):
                place = slot(lexicon, found, passed(left, tokens, end, at), self._words + bisect_right(self._ends, at), self._seen)
                for read in (place, inner(found.cls, found.side, found.variant, place, self._seen)):
                    if read is not None:
                        count(self._seen, read)
                        slots.append(read)
                left = Left(found.cls.id, found.cls.id)
                end = at + found.length
        self._left = left
        return slots, end

    def _forget(self, sure: int, done: int) -> None:
        self._left = passed(self._left, self._tokens, done, sure)
        words = bisect_right(self._ends, sure)
        del self._tokens[:sure], self._ends[:words]
        self._ends = [end - sure for end in self._ends]
        self._words += words
