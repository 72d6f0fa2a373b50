"""Where a variant stands in a text: whether it may be exchanged there, and how another one is written in its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from antidistill.watermark.tokens import STOP, Solid


class Run(Struct):
    """A run of text that was not sent yet.

    Attributes:
        text: What will be sent of it, whitespace before it included.
        gap: The whitespace before it.
        solid: What was read in it.
        free: Whether it is prose.
        fresh: Whether it begins a paragraph or a list item.
        broken: Whether a line end stands before it.
        end: Number of tokens up to its end.
        number: Number of the word in the text.
    """

    text: str
    gap: str
    solid: Solid
    free: bool
    fresh: bool
    broken: bool
    end: int
    number: int


def exchangeable(runs: Sequence[Run], length: int, before: Solid | None, starts: bool) -> bool:
    """Whether the first `length` of these runs are prose, one word each with nothing between, and no name.

    Args:
        runs: The words of the variant, and what is known behind it.
        length: Words of the variant.
        before: The run before.
        starts: Whether a sentence starts here.
    """
    words = runs[:length]
    behind = runs[length].solid if len(runs) > length else None
    return (
        len(words) == length
        and all(run.free and run.solid.word >= 0 for run in words)
        and (length == 1 or _joined(words))
        and not words[-1].solid.tail.startswith(("'", "’"))  # It may belong to the word: the users' files.
        and not (behind is not None and behind.code)
        and _unnamed(words, before, behind, starts)
    )


def _joined(words: Sequence[Run]) -> bool:
    """Whether one space and nothing else stands between the words, and only the first may have a capital."""
    inside = all(run.gap == " " and not run.solid.lead and run.solid.case == "lower" for run in words[1:])
    return inside and not any(run.solid.tail for run in words[:-1])


def _unnamed(words: Sequence[Run], before: Solid | None, behind: Solid | None, starts: bool) -> bool:
    """Whether case tells that this is no part of a name or a title."""
    first, last = words[0].solid, words[-1].solid
    capital_behind = behind is not None and not last.tail and behind.case != "lower" and behind.word >= 0
    if first.case == "capital":
        return starts and not capital_behind and not _initials(before)
    capital_before = before is not None and not before.tail and before.case == "capital" and not first.lead
    return first.case == "lower" and not (capital_before and capital_behind)


def _initials(before: Solid | None) -> bool:
    """Whether what looks like the end of a sentence may end an abbreviation (`U.S.`)."""
    return before is not None and before.word < 0 and before.tokens[-1:] == (STOP,) and "." in before.tokens[0]


def exchange(runs: Sequence[Run], length: int, variant: str, curly: bool) -> None:
    """Writes another variant over the first `length` runs."""
    first, last = runs[0], runs[length - 1]
    text = written(variant, first.solid.case == "capital", curly)
    first.text = first.gap + first.solid.lead + text + last.solid.tail
    for run in runs[1:length]:
        run.text = ""


@lru_cache(maxsize=4096)
def written(variant: str, capital: bool, curly: bool) -> str:
    """A variant as it is written at the start of a sentence (`capital`) or within, with typographic apostrophes or straight ones."""
    text = " ".join(word.capitalize() if word.startswith("i'") or word == "i" else word for word in variant.split(" "))
    text = text[:1].upper() + text[1:] if capital else text
    return text.replace("'", "’") if curly else text
