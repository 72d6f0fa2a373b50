"""A store in the memory of one process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

from antidistill.model import Clock, QuotaState, Reservation, Scope
from antidistill.rates import SLACK, State, gcra, shift, spent
from antidistill.stores.levels import Levels

SLOT_WAIT = 1.0
"""Seconds to wait for a slot: nobody knows when a request in flight will end."""

_Open: TypeAlias = tuple[Sequence[Scope], list[str | None], list[str]]
"""A reservation: its scopes, where each was charged (None for slots, and where it was not), and the slots it holds."""

_NOTHING: _Open = ((), [], [])


class MemoryStore:
    """Counts for one process and one event loop; no method awaits anything, which makes each of them atomic.

    Args:
        clock: Unix seconds; must be the clock that `now` is read from.
        max_entries: Bound on counters, and again on open reservations. Beyond the first, new keys of a quota share one
            counter; beyond the second, the oldest reservation is settled as it stands.
    """

    def __init__(self, clock: Clock, max_entries: int = 200_000) -> None:
        self._clock = clock
        self._bound = max_entries
        self._levels = Levels(max_entries)
        self._slots: dict[str, set[str]] = {}  # who is in flight, by counter
        self._open: OrderedDict[str, _Open] = OrderedDict()

    async def reserve(self, id: str, scopes: Sequence[Scope], now: float) -> Reservation:
        """Draws on all scopes or on none; see `Store`."""
        if id in self._open:
            self._release(id)
        states: list[QuotaState] = []
        keys: list[str | None] = []
        slots: list[str] = []
        levels: dict[str, State] = {}
        granted = True
        for scope in scopes:
            if scope.quota.unit == "concurrent":
                state, key = self._take(scope, slots), None
            else:
                state, key = self._draw(scope, now, levels)
            states.append(state)
            keys.append(key)
            if state.breached and scope.enforced:
                granted = False
        if not granted:
            return Reservation(id, tuple(state if state.breached else self._stand(state.scope, now) for state in states), False)
        self._write(id, (scopes, keys, slots), levels)
        return Reservation(id, tuple(states), True)

    async def commit(self, id: str, costs: Sequence[int]) -> None:
        """Settles a reservation; see `Store`."""
        scopes, keys = self._release(id)
        for scope, key, cost in zip(scopes, keys, costs, strict=False):
            if key and cost != scope.cost:
                self._correct(scope, key, cost - scope.cost)

    async def peek(self, scopes: Sequence[Scope], now: float) -> tuple[QuotaState, ...]:
        """Tells how scopes stand; see `Store`."""
        return tuple(self._stand(scope, now) for scope in scopes)

    async def close(self) -> None:
        """Forgets what is in flight."""
        self._open.clear()
        self._slots.clear()

    def __len__(self) -> int:
        return len(self._levels)

    def _draw(self, scope: Scope, now: float, levels: dict[str, State]) -> tuple[QuotaState, str | None]:
        key, state = self._levels.find(scope, now, len(levels))
        if key in levels:
            state = levels[key]
        state, wait = gcra(state, scope.quota, now, scope.cost)
        if wait != 0.0:
            return _describe(scope, state, now, wait), None
        levels[key] = state
        left = scope.quota.burst - state[0] + SLACK
        return QuotaState(scope, False, int(left) if left > 0.0 else 0, state[2] - now), key

    def _take(self, scope: Scope, slots: list[str]) -> QuotaState:
        free = self._free(scope)
        if free < 1:
            return QuotaState(scope, True, 0, SLOT_WAIT, SLOT_WAIT)
        if scope.key not in slots:
            slots.append(scope.key)
        return QuotaState(scope, False, free - 1, SLOT_WAIT)

    def _free(self, scope: Scope) -> int:
        return scope.quota.limit - len(self._slots.get(scope.key, ()))

    def _stand(self, scope: Scope, now: float) -> QuotaState:
        if scope.quota.unit == "concurrent":
            free = self._free(scope)
            return QuotaState(scope, free < 1, max(0, free), SLOT_WAIT, 0.0 if free > 0 else SLOT_WAIT)
        _, state = self._levels.find(scope, now)
        return _describe(scope, state, now, gcra(state, scope.quota, now, scope.cost)[1])

    def _write(self, id: str, reservation: _Open, levels: dict[str, State]) -> None:
        self._levels.put(levels)
        for key in reservation[2]:
            self._slots.setdefault(key, set()).add(id)
        self._open[id] = reservation
        if len(self._open) > self._bound:
            self._release(next(iter(self._open)))

    def _correct(self, scope: Scope, key: str, excess: int) -> None:
        now = self._clock()
        if key == scope.key:  # it may have been evicted meanwhile
            key, state = self._levels.find(scope, now)
        else:
            state = self._levels[key]
        self._levels.put({key: shift(state, scope.quota, now, excess)})

    def _release(self, id: str) -> tuple[Sequence[Scope], list[str | None]]:
        scopes, keys, slots = self._open.pop(id, _NOTHING)
        for key in slots:
            holders = self._slots[key]
            holders.discard(id)
            if not holders:
                del self._slots[key]
        return scopes, keys


def _describe(scope: Scope, state: State, now: float, wait: float | None) -> QuotaState:
    quota, level = scope.quota, spent(state, scope.quota, now)
    left = max(0, int(quota.burst - level + SLACK))
    return QuotaState(scope, wait != 0.0, left, level * quota.window / quota.limit, wait)
