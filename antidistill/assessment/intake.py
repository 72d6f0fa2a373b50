"""Where exchanges wait for the assessment thread: bounded in number and size, and fair to quiet accounts."""

from __future__ import annotations

from collections import deque

from antidistill.model import Exchange

_RELEASED = 4


class Intake:
    """A queue with one producer and one consumer, without a lock.

    Where it fills up, an account may hold only part of what is free (dynamic thresholds: Choudhury and Hahne, 1998): a
    flooding account loses its own exchanges, not those of others.

    Args:
        limit: Most exchanges.
        size: Most text in them, bodies and calls, in characters.

    Attributes:
        shed: Exchanges that were not taken.
    """

    def __init__(self, limit: int, size: int) -> None:
        self._limit = limit
        self._size = size
        self._queue: deque[Exchange] = deque()
        self._taken: deque[tuple[str | None, int]] = deque()
        self._waiting: dict[str | None, int] = {}
        self._held = 0
        self.shed = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, exchange: Exchange) -> bool:
        """Takes an exchange, unless there is no room for it; called by the producer."""
        self._release()
        account, size = exchange.subject.account, _size(exchange)
        waiting = self._waiting.get(account, 0)
        free = self._limit - len(self._queue)
        if free <= 0 or waiting > free // 2 or self._held + size > self._size:
            self.shed += 1
            return False
        self._waiting[account] = waiting + 1
        self._held += size
        self._queue.append(exchange)
        return True

    def take(self) -> Exchange | None:
        """Gives the oldest exchange, or None; called by the consumer."""
        try:
            exchange = self._queue.popleft()
        except IndexError:
            return None
        self._taken.append((exchange.subject.account, _size(exchange)))
        return exchange

    def _release(self) -> None:
        """Forgets what was taken; a few at a time, more than one comes in."""
        for _ in range(min(_RELEASED, len(self._taken))):
            account, size = self._taken.popleft()
            self._held -= size
            left = self._waiting.pop(account, 1) - 1
            if left:
                self._waiting[account] = left


def _size(exchange: Exchange) -> int:
    size, call = len(exchange.request.body), exchange.call
    return size + len(call.system) + sum([len(turn.text) for turn in call.turns]) if call is not None else size
