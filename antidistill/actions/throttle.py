"""`throttle`: tighten quotas while the rule matches."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct

from antidistill.model import EffectClass, Facts, Limits, Per, Quota, Unit
from antidistill.rates import parse_limit


class Throttle(Struct, frozen=True, forbid_unknown_fields=True):
    """Scales the quotas of a scope, or adds one more quota to it, for as long as the rule matches.

    Requests within the tightened limits pass untouched; above them clients get an ordinary 429.

    Attributes:
        scale: Factor on the limits of all quotas whose `per` includes the scope, above 0 and at most 1.
        limit: A further limit, such as 1000/hour.
        per: The scope.
        unit: What the further limit counts.
        burst: How much of the further limit may be spent at once; by default a tenth of it.
    """

    name: ClassVar[str] = "throttle"
    kind: ClassVar[EffectClass] = "restrict"

    scale: float | None = None
    limit: str | None = None
    per: Per = "account"
    unit: Unit = "requests"
    burst: int | None = None

    def problems(self) -> Iterable[str]:
        """Wants a scale or a limit that the grammar of `limits` knows."""
        if self.scale is None and self.limit is None:
            yield "throttle needs scale or limit, for example throttle: {scale: 0.25} or throttle: {limit: 1000/hour}"
        if self.scale is not None and not 0 < self.scale <= 1:
            yield f"throttle.scale must be above 0 and at most 1, not {self.scale:g}; to refuse everything, use deny"
        if self.limit is not None:
            yield from self._limit_problems(self.limit)
        if self.burst is not None and (self.limit is None or self.burst < 1):
            yield "throttle.burst must be at least 1 and goes with throttle.limit only"

    def _limit_problems(self, limit: str) -> Iterable[str]:
        if self.unit == "concurrent":
            yield "throttle.unit cannot be concurrent: use scale, which also scales quotas on parallel requests"
            return
        try:
            parse_limit(limit)
        except ValueError as error:
            yield f"throttle.limit: {error}"

    def effect(self, facts: Facts, rule: str) -> Limits:
        """The factor, the further quota, or both."""
        extra = None if self.limit is None else _quota(rule, self.limit, self.per, self.unit, self.burst)
        return Limits(self.scale, self.per, extra)


@lru_cache(maxsize=1024)
def _quota(rule: str, limit: str, per: Per, unit: Unit, burst: int | None) -> Quota:
    amount, window = parse_limit(limit)
    return Quota(f"{rule}/throttle", (per,), unit, amount, window, burst or max(1, amount // 10), advertise=False)
