"""Alerts as lines of JSON in a file."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import msgspec
from cachetools import TTLCache

from antidistill.model import Clock, Event

_TAIL = 1 << 20
_decode = msgspec.json.Decoder(Event).decode


class AlertFile:
    """Appends alerts to a JSON Lines file: one per rule and account in `every` seconds.

    The file is opened for every line, so that it may be rotated at any time. What an earlier process wrote at its end counts, too.

    Args:
        path: The file; its folder must exist.
        clock: Unix seconds.
        every: Seconds for which the same alert is not repeated.
        size: Most pairs of rule and account remembered.

    Raises:
        OSError: At construction, where the file cannot be opened for appending.
    """

    def __init__(self, path: Path, clock: Clock, every: float, size: int = 100_000) -> None:
        self._path = path
        self._seen: TTLCache[tuple[str, str | None], None] = TTLCache(size, every, timer=clock)
        self._lock = Lock()
        with path.open("ab+") as file:
            file.seek(max(0, file.tell() - _TAIL))
            self._recall(file.read().splitlines(), clock() - every)

    def __call__(self, event: Event) -> None:
        """Writes the event if it is an alert that was not written lately."""
        if event.action != "alert":
            return
        with self._lock:
            if (event.rule, event.account) not in self._seen:
                self._append(event)
                self._seen[event.rule, event.account] = None

    def _recall(self, lines: list[bytes], since: float) -> None:
        """Remembers what was written before a restart."""
        for line in lines:
            try:
                event = _decode(line)
            except msgspec.DecodeError:  # the first one may be cut
                continue
            if event.ts >= since:
                self._seen[event.rule, event.account] = None

    def _append(self, event: Event) -> None:
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(event) + b"\n")
