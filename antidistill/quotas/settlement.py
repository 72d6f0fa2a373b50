"""From a reservation to what is said and charged in the end."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from antidistill.model import Answer, Match, Per, QuotaState, Refusal, Reservation, Scope, Unit, Usage
from antidistill.quotas.costs import Costs

OF_ACCOUNTS: frozenset[Per] = frozenset({"account", "org", "campaign"})
"""Scopes that name an account's owner, and that only a proven account pays into."""

_WORDS: dict[Unit, str] = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrent": "parallel requests",
}


def breaches(reservation: Reservation | None) -> tuple[Match, ...]:
    """The quotas that a request did not fit, as matches, the longest wait first; nothing where all had room."""
    if reservation is None:
        return ()
    breached = [state for state in reservation.states if state.breached]
    return tuple(_match(state) for state in sorted(breached, key=_wait, reverse=True)) if breached else ()


def bill(reservation: Reservation, answer: Answer, proven: bool) -> Sequence[int]:
    """What an exchange costs on each scope of its reservation.

    An exchange that the host failed, or that we refused after all, costs nothing, one that it rejected costs its request, and an
    answer without usage costs what was reserved. Scopes of the account are free until the account is proven.
    """
    return [_charge(state.scope, answer, proven) for state in reservation.states]


def refuse(state: QuotaState) -> Refusal:
    """Words a breach for the client: the limit where it may be known, the wait in any case."""
    quota = state.scope.quota
    unit = _WORDS[quota.unit]
    if state.retry_after is None:
        return Refusal(400, "too_large", f"This request needs more {unit} than one request may use here. {_allowed(state)}", quota.unit)
    message = f"Rate limit reached for {unit}. {_allowed(state)}Please try again in {state.retry_after:.3g}s."
    return Refusal(429, "rate", message, quota.unit, state.retry_after)


def _allowed(state: QuotaState) -> str:
    quota = state.scope.quota
    if not quota.advertise or state.scope.cause == "assessment":
        return ""
    if state.retry_after is None:
        return f"At most {quota.burst}, requested {state.scope.cost}. Lower max_tokens or shorten the input."
    window = f" in {quota.window:g}s" if quota.window else ""
    return f"Limit {quota.limit}{window}, remaining {state.remaining}, requested {state.scope.cost}. "


def _wait(state: QuotaState) -> float:
    return inf if state.retry_after is None else state.retry_after


def _match(state: QuotaState) -> Match:
    scope = state.scope
    action = "quota" if scope.rule == scope.quota.id else "throttle"
    return Match(scope.rule or scope.quota.id, action, "restrict", scope.cause, scope.enforced, refuse(state))


def _charge(scope: Scope, answer: Answer, proven: bool) -> int:
    if not proven and not OF_ACCOUNTS.isdisjoint(scope.quota.per):
        return 0
    if answer.ours or answer.status == 0 or answer.status >= 500:
        return 0
    if scope.quota.unit == "requests":
        return scope.cost
    if answer.status >= 400:
        return 0
    return scope.cost if answer.usage is None else _used(answer.usage).of(scope.quota.unit)


def _used(usage: Usage) -> Costs:
    return Costs(1, usage.input_tokens, usage.output_tokens)
