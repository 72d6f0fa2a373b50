"""Which accounts are proven."""

from __future__ import annotations

from cachetools import LRUCache

from antidistill.model import Clock


class Proofs:
    """Remembers for `ttl` seconds that the app accepted an account's secret; of `bound` accounts at most.

    Who is forgotten has to prove the account again. Nobody gains by it: counters are kept elsewhere.
    """

    def __init__(self, bound: int, ttl: float, clock: Clock) -> None:
        self._ttl = ttl
        self._clock = clock
        self._until: LRUCache[str, float] = LRUCache(bound)

    def __contains__(self, account: str) -> bool:
        return self._until.get(account, 0.0) > self._clock()

    def add(self, account: str) -> None:
        """Notes that the account is proven from now on."""
        now = self._clock()
        if self._until.get(account, 0.0) < now + self._ttl / 2:  # written rarely, as it is costly
            self._until[account] = now + self._ttl

    def revoke(self, account: str) -> None:
        """Forgets an account's proof."""
        self._until.pop(account, None)
