"""`deny`: refuse the request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from msgspec import Struct

from antidistill.model import EffectClass, Facts, Refusal


class Deny(Struct, frozen=True, forbid_unknown_fields=True):
    """Answers the request with a refusal that the SDKs parse as their own error type.

    Attributes:
        status: 403 (final: clients do not retry) or 429 (looks like any rate limit; clients wait and retry).
        message: What the client reads. It should not say what was detected.
        retry_after: Seconds to wait, for 429.
    """

    name: ClassVar[str] = "deny"
    kind: ClassVar[EffectClass] = "restrict"

    status: Literal[403, 429] = 403
    message: str = "This request was refused by this service. Contact its operator and quote the request id."
    retry_after: float | None = None

    def problems(self) -> Iterable[str]:
        """Wants a wait for 429 only, and a message."""
        if self.retry_after is not None and (self.status != 429 or self.retry_after <= 0):
            yield "deny.retry_after must be above 0 and goes with status: 429 only"
        if not self.message.strip():
            yield "deny.message must not be empty; leave it out for the built-in text"

    def effect(self, facts: Facts, rule: str) -> Refusal:
        """The refusal; the dialect words it."""
        if self.status == 429:
            return Refusal(429, "rate", self.message, retry_after=self.retry_after or 60.0)
        return Refusal(403, "forbidden", self.message)
