"""What every store promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from antidistill.model import QuotaState, Reservation, Scope


class Store(Protocol):
    """Counters of all quotas. Allowances ride in each call, so that a changed quota applies at once and forgives nobody.

    Every method raises `StoreError` where the store does not answer.
    """

    async def reserve(self, id: str, scopes: Sequence[Scope], now: float) -> Reservation:
        """Draws on all scopes or, where an enforced one is breached, on none of them.

        A breached scope that is not enforced is not charged; the others are.

        Args:
            id: Unique name of the reservation. Reserving again under an open name settles the earlier one as it stands.
            scopes: The counters and costs; a counter may occur twice.
            now: Unix seconds.
        """
        ...

    async def commit(self, id: str, costs: Sequence[int]) -> None:
        """Settles a reservation at what it cost in the end, and gives its concurrency slots back.

        The difference to what was reserved is charged or refunded. Settling twice, or what was never granted, does nothing.

        Args:
            id: Name of the reservation.
            costs: Units for each scope, in the order reserved; ignored for concurrency.
        """
        ...

    async def peek(self, scopes: Sequence[Scope], now: float) -> tuple[QuotaState, ...]:
        """Tells how scopes stand, and whether their costs would fit, without drawing on them."""
        ...

    async def close(self) -> None:
        """Gives back what the store holds open."""
        ...
