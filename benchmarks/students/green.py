"""The mark in the sampling: a server of ours prefers, after each token, the half of all tokens that a key chooses.

Kirchenbauer et al. 2023, with one token of context, on the lists of `antidistill.watermark.green`: the score of a listed token is raised by
`DELTA` before sampling. To sample so is the same as to draw from the unchanged model, to keep every listed token, and to keep another one
with probability `exp(-DELTA)`; so any model that can be sampled can be marked. The teacher here is an n-gram model of the corpus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from random import Random
from statistics import fmean, pstdev

from antidistill.watermark.green import Green, split
from antidistill.watermark.sampled import audit_tokens
from benchmarks.students.campaign import EPOCH, NAME, STRANGER, Campaign, account
from benchmarks.students.finding import Examination, Point, Pull, Tokens, prefixes
from benchmarks.students.ngrams import NGrams
from benchmarks.students.vocabulary import Vocabulary

DELTA = 2.0
CONTROLS, CONTROLLED = 12, 1_000
"""Wrong keys, and texts that they are tried on."""


class GreenLists:
    """The mark in the tokens that a teacher samples.

    Args:
        texts: What the teacher learnt from.
        vocabulary: Their words.
        campaign: Whose key marks.
    """

    name = "green lists"

    def __init__(self, texts: Sequence[Tokens], vocabulary: Vocabulary, campaign: Campaign) -> None:
        self.vocabulary = vocabulary
        self._keys, group, sides = campaign.keys, Green(campaign.coins), split(campaign.keys[0])
        self._bit = lru_cache(maxsize=1 << 22)(lambda previous, token: group.bit(previous, token) if sides.bit(previous) else None)
        teacher = NGrams(texts, len(vocabulary))
        self.plain: list[Tokens] = list(islice(teacher.texts(1), len(texts)))
        self.taught: list[Tokens] = [next(teacher.texts(number, self._keeping(account(number), number))) for number in range(len(texts))]
        self._before, self._after = self._agreement(self.plain), self._agreement(self.taught)
        self.density = 100 * sum(map(len, self.taught)) / sum(vocabulary.words(text) for text in self.taught) / 2

    def learnt(self, texts: Sequence[Tokens]) -> dict[str, Pull]:
        """How much of the teacher's surplus of listed tokens is in these texts; the surplus is over the same teacher without a mark."""
        whole = self._after - self._before
        error = 0.5 / math.sqrt(len({pair for text in texts for pair in pairwise(text)}) or 1)
        return {"token before": Pull((self._agreement(texts) - self._before) / whole, error / whole, sum(map(len, texts)))}

    def examine(self, texts: Sequence[Tokens]) -> Examination:
        """Tests outputs by length."""
        sizes = [self.vocabulary.words(text) for text in texts]
        points = [self._point(words, some, NAME) for words, some in prefixes(texts, sizes)]
        scores = [self._point(0, texts[:CONTROLLED], f"control {number}").z for number in range(CONTROLS)]
        wrong = self._point(sum(sizes), texts, STRANGER)
        return Examination(points, None, wrong, fmean(scores), pstdev(scores), self.learnt(texts))

    def _agreement(self, texts: Iterable[Tokens]) -> float:
        """The share of tokens on the campaign's list, where that is the one that counts."""
        bits = [bit for text in texts for previous, token in pairwise(text) if (bit := self._bit(previous, token)) is not None]
        return sum(bits) / (len(bits) or 1)

    def _keeping(self, name: str, seed: int) -> Callable[[int, int], bool]:
        """Whether a token of a text for this account is kept after another one."""
        own, rng, rare = Green(self._keys[0].account(name, EPOCH)), Random(seed), math.exp(-DELTA)

        def keep(previous: int, token: int) -> bool:
            bit = self._bit(previous, token)
            return bool(own.bit(previous, token) if bit is None else bit) or rng.random() < rare

        return keep

    def _point(self, words: int, texts: Iterable[Tokens], group: str) -> Point:
        found = audit_tokens(texts, group, self._keys, [EPOCH])
        return Point(words, found.slots, (2 * found.matches - found.slots) / math.sqrt(found.slots or 1), found.log10_p)
