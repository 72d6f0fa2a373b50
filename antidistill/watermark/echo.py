"""What an answer repeats from its prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

from antidistill.watermark.tokens import PUNCTUATION, SOLIDS, STOP

SHINGLE: Final = 4
"""Words in a row that make an echo."""

_LIMIT: Final = 1 << 17
"""Characters of a prompt that are kept; the end of it, where the question is."""
_WORDLESS: Final = PUNCTUATION | {STOP}


class Echo:
    """Recognises words that stand in the prompt in the same order. Reads the prompt when it is first asked.

    Args:
        prompt: Text that the answer may repeat. Of a long one, the end counts.
    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt[-_LIMIT:]

    def knows(self, words: Sequence[str]) -> bool:
        """Whether the prompt has one of these words at all."""
        return not self._known.isdisjoint(words)

    def repeats(self, words: Sequence[str], start: int, end: int) -> bool:
        """Whether some of `words[start:end]` stand in a row of `SHINGLE` words that the prompt has too.

        Args:
            words: Folded words of the answer, without punctuation.
            start: The first word in question.
            end: The place behind the last one.
        """
        near = words[max(0, start - SHINGLE + 1) : end + SHINGLE - 1]
        return not self._shingles.isdisjoint(_rows(near))

    @cached_property
    def _words(self) -> list[str]:
        return [token for run in self._prompt.split() for token in SOLIDS[run].tokens if token not in _WORDLESS]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._words)

    @cached_property
    def _shingles(self) -> frozenset[int]:
        return frozenset(_rows(self._words))


def plain(tokens: Iterable[str]) -> list[str]:
    """The words among tokens."""
    return [token for token in tokens if token not in _WORDLESS]


def _rows(words: Sequence[str]) -> Iterator[int]:
    """Hashes of all `SHINGLE` words in a row."""
    return map(hash, zip(*[words[shift:] for shift in range(SHINGLE)], strict=False))
