"""Breath: how the assessment thread shares the interpreter with the event loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from antidistill.model import Clock

T = TypeVar("T")

HELD = 0.0005
"""Seconds of work after which the thread lets go."""

_LET_GO = 0.00005
"""Seconds for which it does: long enough that a loop that waits is served first."""


class Breath:
    """Called between pieces of work, it sleeps for a moment where the last sleep is `HELD` seconds ago. A call in between costs nothing.

    Args:
        clock: Seconds.
        sleep: Lets go for so many of them.
    """

    __slots__ = ("_clock", "_due", "_sleep")

    def __init__(self, clock: Clock = time.perf_counter, sleep: Callable[[float], object] = time.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._due = 0.0

    def __call__(self) -> None:
        """Lets go where it is time to."""
        if self._clock() >= self._due:
            self._sleep(_LET_GO)
            self._due = self._clock() + HELD


def hold() -> None:
    """Goes on at once: nobody else waits for the interpreter."""


def breathing(items: Iterable[T], breathe: Callable[[], None]) -> Iterator[T]:
    """The items, with a breath before each."""
    for item in items:
        breathe()
        yield item
