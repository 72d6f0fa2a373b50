"""Allowances, and how they stand."""

from __future__ import annotations

from msgspec import Struct

from antidistill.model.words import Algorithm, Cause, OnStoreError, Per, Unit


class Breaches(Struct, frozen=True, gc=False):
    """A limit on breaches: whoever runs into a quota too often is denied for a while.

    Attributes:
        after: Breaches that are too many.
        window: Seconds within which they count.
        deny: Seconds of the denial.
    """

    after: int
    window: float
    deny: float


class Quota(Struct, frozen=True, gc=False):
    """An allowance: `limit` units per `window` seconds for every value of `per`.

    Attributes:
        id: Stable name; keys the counters, so that a changed limit forgives nobody.
        per: What is counted apart; several names make a combination.
        unit: What is counted; `cost` in millionths of the currency of the price table.
        limit: Units per window; for `concurrent`, requests in flight.
        window: Seconds; 0 for `concurrent`.
        burst: Units that may be spent at once after a rest; of no meaning for windows, which allow their limit at once.
        advertise: False keeps the quota out of response headers.
        algorithm: How units come back: steadily (`gcra`), as they leave the trailing window (`sliding`), or all at the turn of a
            window that is aligned to the clock (`fixed`).
        on_store_error: What becomes of requests while the store does not answer.
        breaches: Limit on breaches, or None.
    """

    id: str
    per: tuple[Per, ...]
    unit: Unit
    limit: int
    window: float
    burst: int
    advertise: bool = True
    algorithm: Algorithm = "gcra"
    on_store_error: OnStoreError = "local"
    breaches: Breaches | None = None


class Scope(Struct, frozen=True, gc=False):
    """One counter that a request draws on: a quota, whose it is, and what the request costs there.

    Attributes:
        quota: The allowance, already tightened by effects in force.
        key: Keyed hash of quota id and of the values of `per`.
        cost: Units reserved.
        enforced: False where a breach is only recorded (shadow mode).
        cause: `assessment` where an effect in force tightened the quota, else `quota`.
        rule: The quota's id, or the id of the rule that tightened it.
        home: What it is kept beside: scopes of one account share a home, so that a cluster can draw on them in one step.
    """

    quota: Quota
    key: str
    cost: int
    enforced: bool = True
    cause: Cause = "quota"
    rule: str = ""
    home: str = ""


class QuotaState(Struct, frozen=True, gc=False):
    """How a quota stands for a scope after a reservation.

    Attributes:
        scope: The scope asked for.
        breached: True where the cost did not fit.
        remaining: Whole units left to spend at once.
        reset_after: Seconds until the allowance is whole again.
        retry_after: Seconds until this very cost fits: 0 where it did, None where it never can.
    """

    scope: Scope
    breached: bool
    remaining: int
    reset_after: float
    retry_after: float | None = 0.0


class Reservation(Struct, frozen=True, gc=False):
    """The answer of a store to a request for several scopes, all or nothing.

    Attributes:
        id: Name of the reservation; settle it with `commit(id, …)`.
        states: One state per scope, in the order asked.
        granted: False where an enforced scope was breached; then nothing was written.
        unavailable: True where it was not granted because the store does not answer and a quota wants to fail closed.
    """

    id: str
    states: tuple[QuotaState, ...]
    granted: bool
    unavailable: bool = False

    @property
    def denied(self) -> QuotaState | None:
        """The enforced breach that takes longest to pass, or None."""
        breaches = [state for state in self.states if state.breached and state.scope.enforced]
        never = float("inf")
        return max(breaches, key=lambda state: never if state.retry_after is None else state.retry_after, default=None)
