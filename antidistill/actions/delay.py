"""`delay`: hold a request before the host sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from antidistill.model import Delay, EffectClass, Facts


class Hold(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the request for some seconds: harvesting costs time, a person hardly notices.

    One request waits at most `bounds.delay_seconds`; at most `bounds.held_requests` wait at once, and one more is
    answered 429 with the same wait instead of being let through.

    Attributes:
        seconds: How long.
    """

    name: ClassVar[str] = "delay"
    kind: ClassVar[EffectClass] = "restrict"

    seconds: float

    def problems(self) -> Iterable[str]:
        """Wants a positive wait that SDK clients survive."""
        if not 0 < self.seconds <= 300:
            yield f"delay.seconds must be above 0 and at most 300, not {self.seconds:g}; to refuse for longer, use throttle or deny"

    def effect(self, facts: Facts, rule: str) -> Delay:
        """The wait, as it stands."""
        return Delay(self.seconds)
