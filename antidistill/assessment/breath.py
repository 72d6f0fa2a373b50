"""Breath: how the assessment thread shares the interpreter with the event loop."""

from __future__ import annotations

import time

HELD = 0.0005
"""Seconds of work after which the thread lets go."""

_LET_GO = 0.00005
"""Seconds for which it does: long enough that a loop that waits is served first."""


class Breath:
    """Called between pieces of work, it sleeps for a moment where the last sleep is `HELD` seconds ago. A call in between costs nothing."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due = 0.0

    def __call__(self) -> None:
        """Lets go where it is time to."""
        if time.perf_counter() >= self._due:
            time.sleep(_LET_GO)
            self._due = time.perf_counter() + HELD


def hold() -> None:
    """Goes on at once: nobody else waits for the interpreter."""
