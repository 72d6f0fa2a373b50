"""The one curve that evidence is made with."""

from __future__ import annotations


def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight between: a threshold without a cliff, so that nothing flaps around it."""
    if value > low:
        return (value - low) / (high - low) if value < high else 1.0
    return 0.0
