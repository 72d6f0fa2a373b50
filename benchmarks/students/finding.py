"""What was found out about one student."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from benchmarks.students.vocabulary import Vocabulary

LENGTHS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Words of output after which the test is made."""
PROOF = -6.0
"""Decimal logarithm of the p-value that counts as proof."""

Text = TypeVar("Text")
Tokens = Sequence[int]


class Point(Struct, frozen=True):
    """The test on so many words of output.

    Attributes:
        words: Words that were read.
        seeds: Distinct places that were tested.
        z: Standard deviations above what wrong keys give.
        log10_p: Decimal logarithm of the p-value.
    """

    words: int
    seeds: int
    z: float
    log10_p: float


class Pull(Struct, frozen=True):
    """How far choices moved to the side that the key wants: 0 not at all, 1 always there.

    Attributes:
        strength: Lambda of `choice = before + lambda * (wanted - before)`.
        error: Its standard error over keys.
        places: Places that were looked at.
    """

    strength: float
    error: float
    places: int


class Examination(Struct, frozen=True):
    """What a mark's tests say of outputs.

    Attributes:
        points: The test with the right key, by length.
        alone: The same on all words without a reference; None for a test that needs none.
        wrong: The test with a wrong key.
        control_mean: Mean z of several keys that nobody has.
        control_deviation: Standard deviation of the same.
        pulls: What was learnt, by kind of seed.
    """

    points: list[Point]
    alone: Point | None
    wrong: Point
    control_mean: float
    control_deviation: float
    pulls: dict[str, Pull]


class Mark(Protocol):
    """A mark in training texts, and its tests.

    Attributes:
        name: As printed.
        plain: The texts without the mark.
        taught: The same texts, or texts of the same kind, with it.
        density: Places that carry it, in 100 words.
        vocabulary: What the numbers in the texts mean.
    """

    name: str
    plain: list[Tokens]
    taught: list[Tokens]
    density: float
    vocabulary: Vocabulary

    def learnt(self, texts: Sequence[Tokens]) -> dict[str, Pull]:
        """How strongly texts have taken it on."""
        ...

    def examine(self, texts: Sequence[Tokens]) -> Examination:
        """Tests outputs of a student."""
        ...


class Finding(Struct, frozen=True, kw_only=True):
    """One student's outputs under test.

    Attributes:
        setting: What else decides the outcome: corpus, sizes, version of the words of the mark.
        student: `ngrams` or `network`.
        mark: Name of the mark.
        key: Number of the master key.
        share: Share of its training texts that was marked.
        trained: Words of its training text.
        density: Places of the mark in 100 words of marked text.
        examination: What its outputs show.
        loss: Surprise at a word in the last epoch, in nats; None for n-grams.
        seconds: Processor time for training, writing and testing.
    """

    setting: str
    student: str
    mark: str
    key: int
    share: float
    trained: int
    density: float
    examination: Examination
    loss: float | None
    seconds: float


def proven(points: Sequence[Point]) -> int | None:
    """The fewest words from which on the p-value stays below the proof's."""
    least = None
    for point in reversed(points):
        if point.log10_p > PROOF:
            break
        least = point.words
    return least


def prefixes(texts: Sequence[Text], sizes: Sequence[int]) -> Iterator[tuple[int, Sequence[Text]]]:
    """The first texts that have as many words as a test is made after, and how many these are; all of them at last."""
    total, lengths = 0, [length for length in LENGTHS if length < sum(sizes) * 0.95]
    for count, size in enumerate(sizes, 1):
        total += size
        if lengths and total >= lengths[0]:
            lengths.pop(0)
            yield total, texts[:count]
    yield total, texts
