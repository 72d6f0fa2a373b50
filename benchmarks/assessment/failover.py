"""A dispatcher in front of several keys: what one of them is refused, the next one is asked at once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from operator import itemgetter
from random import Random
from typing import TypeAlias

from msgspec.structs import replace

from benchmarks.assessment.pace import DAY, Times
from benchmarks.assessment.source import Ask, Source

Part: TypeAlias = list[tuple[float, Ask]]
"""What one key is asked, and when."""

REFUSED = 429


class Key(Source):
    """One key behind a dispatcher."""

    __slots__ = ("_asks", "campaign", "cohort")

    def __init__(self, account: str, cohort: str, campaign: str | None, part: Part, rng: Random, org: str | None = None) -> None:
        times: Times = array("d", [moment for moment, _ in part])
        super().__init__(account, times, org, rng.randrange(12), rng.randrange(1 << 22))
        self.cohort = cohort
        self.campaign = campaign
        self._asks = iter([ask for _, ask in part])

    def ask(self, rng: Random, now: float) -> Ask:
        """What the dispatcher put here."""
        return next(self._asks)


def deal(rng: Random, make: Callable[[], Ask], keys: int, count: int, days: float, refused: float, own: float = 0.0) -> Sequence[Part]:
    """Deals work out to keys at random.

    Args:
        rng: Where chance comes from.
        make: Makes a piece of work.
        keys: How many keys.
        count: Pieces of work.
        days: Time that there is.
        refused: Share of requests that are refused.
        own: Share of refusals after which the same key tries again, instead of another one.
    """
    parts: list[Part] = [[] for _ in range(keys)]
    for _ in range(count):
        moment, key, ask = rng.random() * days * DAY, rng.randrange(keys), make()
        while rng.random() < refused:
            parts[key].append((moment, replace(ask, status=REFUSED, tokens=0)))
            moment += rng.uniform(0.5, 8.0)
            key = key if rng.random() < own else rng.randrange(keys)
        parts[key].append((moment, ask))
    return [sorted(part, key=itemgetter(0)) for part in parts]
