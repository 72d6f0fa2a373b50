"""From the outputs of a model to a p-value: was it trained on our marked answers?

A model trained on marked answers takes on part of the habits that layer R put into them: at a seed it leans to the side of the coin. The
outputs are compared with text that nobody marked, or where there is none with what the same model does elsewhere. The null is over the keys
alone, so it holds for any model, any style and any text to compare with; text like what the model learnt from makes the test stronger.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from statistics import fmean, pstdev
from typing import Final, NamedTuple

from msgspec import Struct

from antidistill.watermark.keys import Coins, MarkKeys, context
from antidistill.watermark.leanings import Seed, leanings
from antidistill.watermark.signs import Signs
from antidistill.watermark.slots import Slot

NULL: Final = (
    "If the model learnt nothing from texts that this key marked, the key's coins are fair and independent of what it writes. So the sum "
    "of its leanings, each with the sign of a coin, is as likely as with random signs, whatever the model and what it is compared with. "
    "The p-value counts every key that was tried."
)
"""The null hypothesis, in plain words."""

LIMITS: Final = (
    "No evidence does not mean that the model was not trained on marked answers: paraphrasing the training data, normalising the variants, "
    "or training on clean text afterwards can remove the mark."
)
"""What the test cannot say."""

CONTROLS: Final = 100


class Audit(Struct, frozen=True):
    """How far the outputs lean the way of a group's coins.

    Attributes:
        group: Name of the group whose key fits best: a deployment or a campaign.
        epoch: Epoch of that key; None if nothing could be tested.
        z: Sum of the leanings with the signs of the coins, in standard deviations of the same with random signs.
        log10_p: Decimal logarithm of the p-value, corrected for all tests (Bonferroni).
        seeds: Distinct coins that were tested.
        outputs: Outputs that were read.
        reference: Texts that nobody marked, with which they were compared.
        tests: Keys that were tried.
        controls: Keys that were never issued, tried on the same outputs.
        control_mean: Mean of their z; about 0.
        control_deviation: Standard deviation of their z; about 1.
    """

    group: str
    epoch: int | None
    z: float
    log10_p: float
    seeds: int
    outputs: int
    reference: int
    tests: int
    controls: int
    control_mean: float
    control_deviation: float

    @property
    def p_value(self) -> float:
        """Chance of as strong a leaning, or a stronger one, with a key that the model never saw; at most."""
        return float(10**self.log10_p)


def audit(
    outputs: Iterable[tuple[Iterable[Slot], Iterable[Slot]]],
    groups: Iterable[str],
    ring: Sequence[MarkKeys],
    epochs: Iterable[int],
    reference: Iterable[Iterable[Slot]] = (),
    controls: int = CONTROLS,
) -> Audit:
    """Tests the outputs of a model against every key of layer R that its training data may have been marked with.

    Args:
        outputs: The slots of each output, and those of its prompt, as repeating a marked prompt is no habit of the model.
        groups: Names of deployments and campaigns.
        ring: Keys, of every master key that may have marked.
        epochs: Epochs in which the training data may have been marked.
        reference: The slots of texts that nobody marked, the more like the training data the better. Marked ones among them can hide
            evidence, never make it.
        controls: Keys never issued to be tried on the same outputs.
    """
    written, usual = _Tally(ring), _Tally(ring)
    for slots, prompt in outputs:
        written.add(slots, prompt)
    for slots in reference:
        usual.add(slots)
    found = [leanings(*counts) for counts in zip(written.counts, usual.counts, strict=True)]
    laws = [Signs(leaning.values()) for leaning in found]
    names = list(product(dict.fromkeys(groups), dict.fromkeys(epochs)))
    tests = [_test(*each, *name) for each in zip(ring, found, laws, strict=True) if each[1] for name in names]
    best = min(tests, default=_Test(0.0, 0.0, "", None, 0))
    checks = _checks(ring[0], found[0], laws[0], controls) if tests else []
    return Audit(
        group=best.group,
        epoch=best.epoch,
        z=best.z,
        log10_p=min(0.0, best.log10_p + math.log10(len(tests) or 1)),
        seeds=best.seeds,
        outputs=written.texts,
        reference=usual.texts,
        tests=len(tests),
        controls=len(checks),
        control_mean=fmean(checks or [0.0]),
        control_deviation=pstdev(checks or [0.0]),
    )


class _Test(NamedTuple):
    """The result for one key."""

    log10_p: float
    z: float
    group: str
    epoch: int | None
    seeds: int


class _Tally:
    """How often each side stands at each seed of layer R, for each of several keys.

    Attributes:
        texts: Texts that were read.
        counts: The counts, for each key.
    """

    def __init__(self, ring: Sequence[MarkKeys]) -> None:
        self._ring = ring
        self.texts = 0
        self.counts: list[dict[Seed, list[int]]] = [{} for _ in ring]

    def add(self, slots: Iterable[Slot], prompt: Iterable[Slot] = ()) -> None:
        """Counts each variant of a seed once a text, and not where the prompt has it."""
        self.texts += 1
        prompted = {_variant(slot) for slot in prompt}
        for variant, slot in {_variant(slot): slot for slot in slots}.items():
            if variant not in prompted:
                self._count(slot)

    def _count(self, slot: Slot) -> None:
        for keys, count in zip(self._ring, self.counts, strict=True):
            if keys.layer(slot.cls, 2) == "R":
                count.setdefault((slot.cls, keys.group_index(slot)), [0, 0])[slot.side] += 1


def _variant(slot: Slot) -> tuple[str, str, int]:
    return slot.cls, context(slot), slot.side


def _test(keys: MarkKeys, found: Mapping[int, int], law: Signs, group: str, epoch: int) -> _Test:
    score = _score(found, keys.group(group, epoch))
    return _Test(law.tail(score), score / law.deviation, group, epoch, len(found))


def _checks(keys: MarkKeys, found: Mapping[int, int], law: Signs, controls: int) -> list[float]:
    """The z of keys that no group has."""
    return [_score(found, keys.group(f"\0control {number}", -1)) / law.deviation for number in range(controls)]


def _score(found: Mapping[int, int], coins: Coins) -> int:
    return sum(leaning if coins.bit(index) else -leaning for index, leaning in found.items())
