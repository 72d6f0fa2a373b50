"""Events as log records."""

from __future__ import annotations

import logging
from threading import Lock

from cachetools import TTLCache

from antidistill.model import Clock, Event

_log = logging.getLogger("antidistill.events")


class EventLog:
    """Writes events to the logger `antidistill.events`, one line per account, rule and action in `quiet` seconds.

    A flood of refusals must not become a flood of log lines: repeats are counted, and the next line says how many there were.
    The record's `extra` has the whole event under `antidistill`.

    Args:
        clock: Unix seconds.
        quiet: Seconds for which repeats are only counted.
        size: Most combinations remembered.
    """

    def __init__(self, clock: Clock, quiet: float = 60.0, size: int = 10_000) -> None:
        self._seen: TTLCache[tuple[object, ...], None] = TTLCache(size, quiet, timer=clock)
        self._repeats = 0
        self._lock = Lock()

    def __call__(self, event: Event) -> None:
        """Logs the event, or counts it where its like was logged just now."""
        with self._lock:
            key = (event.account, event.rule, event.action, event.enforced)
            if key in self._seen:
                self._repeats += 1
                return
            self._seen[key] = None
            repeats, self._repeats = self._repeats, 0
        _log.log(_level(event), "%s", _line(event, repeats), extra={"antidistill": event})


def _level(event: Event) -> int:
    return logging.WARNING if event.action == "alert" or (event.enforced and event.effect == "restrict") else logging.INFO


def _line(event: Event, repeats: int) -> str:
    verb = "did" if event.enforced else "would"
    more = f" (and {repeats} repeats of earlier lines)" if repeats else ""
    return f"{verb} {event.action} account={event.account} rule={event.rule} cause={event.cause} request={event.id}{more}"
