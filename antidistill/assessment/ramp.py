"""The one curve that evidence is made with."""

from __future__ import annotations


def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight between: a threshold without a cliff, so that nothing flaps around it."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
