"""Rates: the arithmetic of quotas, pure and without a clock.

It is the generic cell rate algorithm in its form as a leaky bucket (ITU-T I.371, annex A): spending fills a level, the level
drains at the quota's rate, and nothing fits that would lift it above the burst. The level counts units, not time, so that a
quota tightened while it is in use forgives nobody.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import limits

from antidistill.model import Quota

State: TypeAlias = tuple[float, float, float]
"""The level in units, when it stood so, and when it will have drained (Unix seconds)."""

FRESH: State = (0.0, 0.0, 0.0)

SLACK = 1e-6
"""Part of a unit that rounding may take from a level of up to 1e9 units; costs are whole, so nobody gains by it."""

RESOLUTION = 1e-6
"""Seconds that a wait is longer than exact: four times the step of a 64-bit float that holds the time of day."""

_PERIOD_OF_ZERO = re.compile(r"(?:/|per)\s*0+(?!\d)", re.IGNORECASE)


def gcra(state: State, quota: Quota, now: float, cost: int) -> tuple[State, float | None]:
    """Spends `cost` units if they fit.

    Args:
        state: How the level stood, `FRESH` for a key that was never seen.
        quota: The allowance as it is now, whatever it was before.
        now: Unix seconds; a clock that went back drains nothing.
        cost: Units. At 0 nothing is spent and nothing refused.

    Returns:
        The state after it, and the seconds until this very cost fits: 0 where it did. Where it does not fit the state is
        unchanged, and where the cost is above the burst, so that it never can, the wait is None.
    """
    level, at, rate = _drained(state, quota, now)
    burst = quota.burst
    level += cost
    if level > burst + SLACK and cost > 0:
        return state, None if cost > burst else at - now + (level - burst) / rate + RESOLUTION
    return (level, at, at + level / rate), 0.0


def shift(state: State, quota: Quota, now: float, units: int) -> State:
    """Corrects a level by what an exchange cost beyond its reservation, or short of it where `units` is negative.

    A level never falls below empty: a refund makes no credit beyond a full burst. A charge may lift it above the burst, which
    holds up what comes next. A refund gives back now what was reserved earlier, so spending may bunch by as much as was
    reserved and not used; in the long run it stays within the rate.
    """
    level, at, rate = _drained(state, quota, now)
    level += units
    if level < 0.0:
        level = 0.0
    return level, at, at + level / rate


def _drained(state: State, quota: Quota, now: float) -> tuple[float, float, float]:
    """The level at `now`, the time it is of, and the rate at which it drains."""
    level, at, _ = state
    rate = quota.limit / quota.window
    if now > at:
        level -= (now - at) * rate
        if level < 0.0:
            level = 0.0
        at = now
    return level, at, rate


def spent(state: State, quota: Quota, now: float) -> float:
    """Returns the level at `now`."""
    return shift(state, quota, now, 0)[0]


def parse_limit(text: str | int) -> tuple[int, float]:
    """Reads an allowance: `600/minute`, `10 per 5 minutes`, or a plain number of requests in flight.

    Args:
        text: An amount and a period in the grammar of the `limits` library (second, minute, hour, day, month of 30 days,
            year of 360), or a whole number.

    Returns:
        The amount, and the window in seconds; 0 for a plain number.

    Raises:
        ValueError: It is not one allowance, or allows nothing.
    """
    amount, window = (text, 0.0) if isinstance(text, int) else _parse(text)
    if amount < 1:
        raise ValueError(f"{text!r} allows nothing: write 1 or more")
    return amount, window


def _parse(text: str) -> tuple[int, float]:
    try:
        parsed = limits.parse_many(text)
    except ValueError:
        parsed = []
    if len(parsed) != 1:
        raise ValueError(f"{text!r} is not a rate: write an amount and one period, such as 600/minute or 10/5minutes")
    if _PERIOD_OF_ZERO.search(text):
        raise ValueError(f"{text!r} has a period of no length: write 1 or more")
    return parsed[0].amount, float(parsed[0].get_expiry())
