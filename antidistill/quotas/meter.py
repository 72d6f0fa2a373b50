"""Draws on quotas for a request, and settles what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from antidistill.keyring import Keyring
from antidistill.model import NOBODY, Answer, Facts, Match, Quota, Request, Reservation
from antidistill.quotas.costs import estimate
from antidistill.quotas.scopes import counter_key, scopes
from antidistill.quotas.settlement import bill
from antidistill.stores import Store

_MOST_DIGITS = 15


class Meter:
    """Reserves on all counters of a request at once, and commits the real cost.

    Args:
        store: Where the counters live.
        keyring: Where their names come from.
    """

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self.store = store
        self._key = counter_key(keyring)

    async def reserve(
        self, request: Request, facts: Facts, quotas: Sequence[tuple[Quota, bool]], limits: Sequence[Match], default_output_tokens: int
    ) -> Reservation | None:
        """Reserves what a request may cost; None where no quota counts it.

        Args:
            request: The request.
            facts: What is known of it.
            quotas: Allowances, and whether their breach is enforced.
            limits: Matches that tighten them.
            default_output_tokens: Output of a call that sets no bound.

        Raises:
            StoreError: The store does not answer.
        """
        campaign = facts.assessment.campaign if facts.assessment is not None else None
        costs = estimate(facts.call, default_output_tokens, size(request))
        wanted = scopes(quotas, facts.subject or NOBODY, facts.call, campaign.id if campaign else None, costs, limits, self._key)
        return await self.store.reserve(request.id, wanted, facts.now) if wanted else None

    async def commit(self, reservation: Reservation, answer: Answer, proven: bool) -> None:
        """Charges what an exchange cost in the end.

        Raises:
            StoreError: The store does not answer.
        """
        if reservation.granted:
            await self.store.commit(reservation.id, bill(reservation, answer, proven))


def size(request: Request) -> int:
    """Bytes of a request's body: what was read, or what its header claims where that is more."""
    if request.body_state in ("whole", "none"):
        return len(request.body)
    claimed = request.header(b"content-length")
    return max(len(request.body), int(claimed) if claimed.isdigit() and len(claimed) <= _MOST_DIGITS else 0)
