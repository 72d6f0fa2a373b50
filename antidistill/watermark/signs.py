"""The exact null of a weighted sum of coins: how often random signs give such a sum by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np


class Signs:
    """The law of a sum of whole weights, each with a fair sign of its own. Takes time in proportion to the weights' number times their sum.

    Attributes:
        deviation: Standard deviation of the sum; 1 where there are no weights.
    """

    def __init__(self, weights: Iterable[int]) -> None:
        sizes = sorted(abs(weight) for weight in weights if weight)
        self.deviation = math.sqrt(sum(size * size for size in sizes)) or 1.0
        self._total = sum(sizes)
        self._chances = np.zeros(self._total + 1)  # of each sum of those weights whose sign is positive
        self._chances[0] = 1.0
        reached = 1
        for size in sizes:
            half = self._chances[:reached] / 2
            self._chances[:reached] = half
            self._chances[size : size + reached] += half
            reached += size

    def tail(self, score: int) -> float:
        """The decimal logarithm of P(sum >= score): exact while a float can hold the chance, Hoeffding's bound below that."""
        if score <= -self._total:
            return 0.0
        chance = float(self._chances[(score + self._total + 1) // 2 :].sum())
        return min(0.0, math.log10(chance)) if chance else -score * score / (2 * self.deviation**2 * math.log(10))
