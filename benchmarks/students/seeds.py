"""What a text does at the seeds of layer R, compared with text of the same kind that nobody marked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from antidistill.watermark.keys import context
from antidistill.watermark.slots import Slot
from benchmarks.students.campaign import Campaign
from benchmarks.students.finding import Pull

OFTEN = 20
"""Occurrences in the text for comparison from which on a word before counts as often met."""
CLASS: Final = "*"
"""Stands for all words before, where they do not matter."""


class Seed(NamedTuple):
    """What a coin of layer R belongs to.

    Attributes:
        cls: Id of the class.
        previous: Canonical word before; `CLASS` where it does not matter.
        sign: 1 where the campaign wants side 1, else -1.
    """

    cls: str
    previous: str
    sign: int


Counts: TypeAlias = Mapping[Seed, Sequence[int]]


class Seeds:
    """The seeds of layer R under the key of a campaign."""

    def __init__(self, campaign: Campaign) -> None:
        self._keys, self._coins = campaign.keys[0], campaign.coins
        self._known: dict[tuple[str, str], Seed | None] = {}

    def of(self, slot: Slot) -> Seed | None:
        """The seed of a slot; None where it is not layer R's."""
        place = slot.cls, context(slot)
        if place not in self._known:
            self._known[place] = self._seed(slot)
        return self._known[place]

    def counts(self, texts: Iterable[Iterable[Slot]]) -> Counts:
        """In how many texts each side of each seed stands."""
        sides: dict[Seed, list[int]] = {}
        for text in texts:
            for seed, side in {(seed, slot.side) for slot in text if (seed := self.of(slot))}:
                sides.setdefault(seed, [0, 0])[side] += 1
        return sides

    def _seed(self, slot: Slot) -> Seed | None:
        if self._keys.layer(slot.cls, 2) != "R":
            return None
        return Seed(slot.cls, context(slot) if slot.habit else CLASS, 1 if self._coins.bit(self._keys.group_index(slot)) else -1)


class Usage:
    """How often side 1 is chosen where nobody marks.

    Args:
        counts: What is counted in such text.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        totals: dict[str, list[int]] = {}
        for seed, sides in self._counts.items():
            total = totals.setdefault(seed.cls, [0, 0])
            totals[seed.cls] = [total[0] + sides[0], total[1] + sides[1]]
        self._classes = {cls: _share(total, 0.5) for cls, total in totals.items()}

    def share(self, seed: Seed) -> float:
        """Of side 1 at a seed; of its class, where the seed is rare."""
        return _share(self._counts.get(seed, (0, 0)), self._classes.get(seed.cls, 0.5))

    def often(self, seed: Seed) -> bool:
        """Whether a seed was often met."""
        return sum(self._counts.get(seed, ())) >= OFTEN


def pulls(now: Counts, usual: Usage) -> dict[str, Pull]:
    """How far choices were pulled to the key's side, by what decides: the class alone, or with the word before it, often met or not."""
    kinds: dict[str, list[Seed]] = {"class": [], f"class + word met {OFTEN}+ times": [], "class + rarer word": []}
    whole, often, rare = kinds.values()
    for seed in now:
        (whole if seed.previous == CLASS else often if usual.often(seed) else rare).append(seed)
    return {kind: _pull(seeds, now, usual) for kind, seeds in kinds.items()}


def _pull(seeds: Sequence[Seed], now: Counts, usual: Usage) -> Pull:
    """The coins of the key as an instrument: independent of everything but the mark, so errors in what is usual cancel out."""
    moved = [seed.sign * (now[seed][1] - sum(now[seed]) * usual.share(seed)) for seed in seeds]
    asked = [seed.sign * sum(now[seed]) * ((seed.sign > 0) - usual.share(seed)) for seed in seeds]
    whole = sum(asked) or math.inf
    strength = sum(moved) / whole
    error = math.sqrt(sum((did - strength * could) ** 2 for did, could in zip(moved, asked, strict=True))) / whole
    return Pull(strength, error, sum(sum(now[seed]) for seed in seeds))


def _share(sides: Sequence[int], expected: float) -> float:
    """The share of side 1, as if two more places had been seen as expected."""
    return (sides[1] + 2 * expected) / (sum(sides) + 2)
