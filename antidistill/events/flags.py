"""Which accounts are known to match which rules."""

from __future__ import annotations

from threading import Lock

from cachetools import TTLCache

from antidistill.model import Clock

DAY = 86_400.0


class Flags:
    """Tells when a rule newly matches for an account: the first time, and again after a day without.

    Args:
        clock: Unix seconds.
        size: Most pairs of account and rule remembered.
    """

    def __init__(self, clock: Clock, size: int) -> None:
        self._seen: TTLCache[tuple[str | None, str], None] = TTLCache(size, DAY, timer=clock)
        self._lock = Lock()

    def raised(self, account: str | None, rule: str) -> bool:
        """Notes a match; True where it is new."""
        with self._lock:
            new = (account, rule) not in self._seen
            self._seen[account, rule] = None
        return new
