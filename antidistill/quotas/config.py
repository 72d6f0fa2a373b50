"""The `quotas:` section of a policy."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from antidistill.model import Mode, Per, Quota, Unit
from antidistill.rates import parse_limit

_BURST_SHARE = 10
_BURST_AT_ONCE: dict[Unit, int] = {"requests": 1_000, "tokens": 200_000, "input_tokens": 200_000, "output_tokens": 200_000}


class QuotaConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of `quotas:`.

    Attributes:
        id: Stable name; counters hang on it.
        per: What is counted apart; several names count their combinations.
        limit: Such as `600/minute`, or for `concurrent` the requests in flight.
        unit: What is counted.
        burst: Units that may be spent at once after a rest; see `compile_quota` for the default.
        advertise: False keeps the quota out of response headers.
        mode: Overrides the mode of the policy.
        when: Condition on the request; the quota counts only where it holds.
    """

    id: str
    per: Per | tuple[Per, ...]
    limit: str | int
    unit: Unit = "requests"
    burst: int | None = None
    advertise: bool = True
    mode: Mode | None = None
    when: dict[str, Any] | None = None


def compile_quota(config: QuotaConfig) -> Quota:
    """Turns an entry into an allowance.

    A quota without `burst` allows a tenth of its limit at once, but at least what an honest client sends in one go: 1,000
    requests, or 200,000 tokens, as a call with a long context costs that much and could otherwise never fit. It allows no more
    than the limit in any case.

    Raises:
        ValueError: The entry contradicts itself; the message says what to write.
    """
    per = (config.per,) if isinstance(config.per, str) else config.per
    if not config.id:
        raise ValueError("id is empty: give the quota a name that stays")
    if not per:
        raise ValueError("per is empty: write what is counted apart, such as account")
    if len(set(per)) < len(per):
        raise ValueError(f"per names {max(per, key=per.count)} twice: write it once")
    amount, window, burst = _concurrency(config) if config.unit == "concurrent" else _rate(config)
    return Quota(config.id, per, config.unit, amount, window, burst, config.advertise)


def _concurrency(config: QuotaConfig) -> tuple[int, float, int]:
    if isinstance(config.limit, str):
        raise ValueError(f"limit of a concurrent quota is a plain number of requests in flight, such as 32, not {config.limit!r}")
    if config.burst is not None:
        raise ValueError("burst has no meaning for a concurrent quota: leave it out")
    amount, window = parse_limit(config.limit)
    return amount, window, amount


def _rate(config: QuotaConfig) -> tuple[int, float, int]:
    if isinstance(config.limit, int):
        raise ValueError(f"limit of {config.unit} needs a period: write {config.limit}/minute, or unit: concurrent")
    amount, window = parse_limit(config.limit)
    burst = config.burst
    if burst is None:
        burst = max(amount // _BURST_SHARE, min(amount, _BURST_AT_ONCE[config.unit]))
    if burst < 1:
        raise ValueError(f"burst {burst} lets nothing through: write 1 or more")
    return amount, window, burst
