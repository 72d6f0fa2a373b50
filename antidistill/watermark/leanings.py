"""How far a model leans to one side at a seed: what it does there, beside what is usual there where nobody marks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Seed: TypeAlias = tuple[str, int]
"""Id of the class, and index of the coin."""
Counts: TypeAlias = Mapping[Seed, Sequence[int]]
"""How often each side stands at each seed."""

PULL: Final = 0.1
"""Share of its choices that the mark has turned, in the student that leanings are sharpest for; a stronger pull shows anyway."""
BORROWED: Final = 4.0
"""What the share of the whole class is worth for one seed of it, in places."""
DRIFT: Final = 300.0
"""What the usual share is worth at most, in places: no two writers choose alike, however much of one was counted."""


def leanings(counts: Counts, usual: Counts) -> dict[int, int]:
    """For each coin, the chance that the key pulls to side 1 less the chance that it pulls to side 0, in whole hundredths.

    A seed's counts are beta-binomial, around the usual share or, as likely beforehand, around one that the mark has pulled up or down. What
    the seeds of a coin say adds up. No coin counts for more than 100, however often its seed occurs.

    Args:
        counts: What the model does.
        usual: What text does that nobody marked. Where it is silent, the other choices in the class stand in for it.
    """
    theirs, elsewhere = _totals(counts), _totals(usual)
    pulls: dict[int, tuple[float, float]] = {}
    for (cls, index), count in counts.items():
        known, base = usual.get((cls, index), (0, 0)), elsewhere.get(cls, (0, 0))
        others = [total - own + more for total, own, more in zip(theirs[cls], count, base, strict=True)]
        share = _share(known, _share(others, 0.5, 2.0), BORROWED)
        up, down = pulls.get(index, (0.0, 0.0))
        more, less = _pulls(count, share, 1 / (1 / (sum(known) + BORROWED) + 1 / DRIFT))
        pulls[index] = up + more, down + less
    return {index: round(100 * _leaning(up, down)) for index, (up, down) in pulls.items()}


def _totals(counts: Counts) -> dict[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    for (cls, _), (first, second) in counts.items():
        total = totals.get(cls, (0, 0))
        totals[cls] = total[0] + first, total[1] + second
    return totals


def _share(sides: Sequence[int], expected: float, worth: float) -> float:
    """The share of side 1, as if `worth` more places had been seen as expected."""
    return (sides[1] + worth * expected) / (sum(sides) + worth)


def _pulls(count: Sequence[int], share: float, worth: float) -> tuple[float, float]:
    """How much likelier the counts are after a pull to side 1, and to side 0, than as usual, in logarithms.

    The usual share is known as if from `worth` places.
    """
    usual = _likelihood(count, share * worth, worth)
    up, down = share + PULL * (1 - share), share - PULL * share
    return _likelihood(count, up * worth, worth) - usual, _likelihood(count, down * worth, worth) - usual


def _likelihood(count: Sequence[int], mean: float, worth: float) -> float:
    """The logarithm of the beta-binomial likelihood, but for what depends on the sum of the counts alone."""
    rest = worth - mean
    return math.lgamma(mean + count[1]) - math.lgamma(mean) + math.lgamma(rest + count[0]) - math.lgamma(rest)


def _leaning(up: float, down: float) -> float:
    """The difference of two chances, from their log odds against a third."""
    most = max(up, down, 0.0)
    risen, fallen = math.exp(up - most), math.exp(down - most)
    return (risen - fallen) / (risen + fallen + math.exp(-most))
