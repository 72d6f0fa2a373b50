"""A bounded table of levels that forgets nobody who is limited."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from antidistill.model import Scope
from antidistill.rates import FRESH, State

PROBES = 8
"""Entries looked at for one to evict: enough to find one soon, few enough to cost a new key next to nothing."""


class Levels:
    """States of at most `bound` keys.

    Entries at rest, which are worth as much as none, make room for new keys: a hand goes round the table and looks at a few of
    them (the CLOCK algorithm), so there is no sweep. Where it finds none at rest, the new keys of a quota share one overflow
    state, beyond the bound. So a flood of new keys neither frees anybody who is limited nor makes anybody fresh.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._states: dict[str, State] = {}
        self._ring: deque[str] = deque()  # every key that counts towards the bound, once

    def __len__(self) -> int:
        return len(self._ring)

    def __getitem__(self, key: str) -> State:
        return self._states[key]

    def find(self, scope: Scope, now: float, pending: int = 0) -> tuple[str, State]:
        """Returns the key that a scope is counted under, its own or the overflow of its quota, and the state there.

        Args:
            scope: The scope.
            now: Unix seconds, to tell who is at rest.
            pending: Keys that are about to be put.
        """
        key = scope.key
        state = self._states.get(key)
        if state:
            return key, state
        if self._make_room(now, pending):
            return key, FRESH
        # Scopes of shadow mode overflow apart: they must not weigh on those that are enforced.
        overflow = f"overflow:{scope.enforced}:{scope.quota.unit}:{scope.quota.id}"
        return overflow, self._states.setdefault(overflow, FRESH)

    def put(self, states: Mapping[str, State]) -> None:
        """Writes states under keys that `find` gave."""
        for key, state in states.items():
            if key not in self._states:
                self._ring.append(key)
            self._states[key] = state

    def _make_room(self, now: float, pending: int) -> bool:
        while len(self._ring) + pending >= self._bound:
            if not self._evict(now):
                return False
        return True

    def _evict(self, now: float) -> bool:
        for _ in range(min(PROBES, len(self._ring))):
            key = self._ring.popleft()
            if self._states[key][2] <= now:
                del self._states[key]
                return True
            self._ring.append(key)
        return False
