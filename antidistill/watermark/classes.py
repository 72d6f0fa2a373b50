"""What a lexicon is made of: guards, and classes of interchangeable variants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct


class Tokens(Struct, frozen=True):
    """A set of tokens.

    Attributes:
        words: Tokens and class ids; "" is the edge of a sentence.
        suffixes: Endings of words that belong to it.
        number: Whether tokens that begin with a digit belong to it.
    """

    words: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    number: bool = False

    def __contains__(self, token: str) -> bool:
        return token in self.words or (self.suffixes != () and token.endswith(self.suffixes)) or (self.number and token[:1].isdigit())

    @property
    def finite(self) -> bool:
        """Whether `words` is all that belongs to it."""
        return not (self.suffixes or self.number)


class Guard(Struct, frozen=True):
    """A condition on the token at one place beside a variant.

    Attributes:
        only: Tokens that may stand there; None: all.
        never: Tokens that may not, though they be among those.
    """

    only: Tokens | None = None
    never: Tokens = Tokens()

    def admits(self, token: str) -> bool:
        """Whether this token, or a variant of the class with this id, may stand here."""
        return (self.only is None or token in self.only) and token not in self.never

    def excludes(self, other: Guard) -> bool:
        """Whether no token can pass both guards; False where that cannot be told."""
        return self._misses(other) or other._misses(self)

    def _misses(self, other: Guard) -> bool:
        if self.only is None or any(self.admits(word) and other.admits(word) for word in self.only.words):
            return False
        return self.only.finite or (set(self.only.suffixes) <= set(other.never.suffixes) and self.only.number <= other.never.number)

    def naming(self, admitted: Iterable[str], refused: Iterable[str]) -> Guard:
        """The same guard, which also knows classes by their ids."""
        only = self.only and msgspec.structs.replace(self.only, words=self.only.words.union(admitted))
        return Guard(only, msgspec.structs.replace(self.never, words=self.never.words.union(refused)))


ANYWHERE: Final = Guard()
"""Admits everything."""


class SlotClass(Struct, frozen=True):
    """Variants that may be exchanged for one another, on two sides, so that a place where one stands carries one bit.

    Attributes:
        id: Stable name, such as `begin-start.vbd`; never used again for another meaning.
        tier: 1 where both sides read naturally wherever the guards allow; 2 for the rest.
        sides: Variants: lower case, one to four words each.
        before: Guard of the token directly before, or of the id of the class whose variant ended there.
        behind: Guards of the tokens behind, nearest first; at most two.
        habit: Frequent enough for a student model to learn which variant is meant after each word before.
    """

    id: str
    tier: int
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    before: Guard = ANYWHERE
    behind: tuple[Guard, ...] = ()
    habit: bool = False

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants of both sides."""
        return self.sides[0] + self.sides[1]
