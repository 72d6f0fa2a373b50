"""Effects: what an action wants done, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from antidistill.model.exchange import Call, Subject
from antidistill.model.quota import Quota
from antidistill.model.words import Per, Unit


class Refusal(Struct, frozen=True):
    """The request is answered by us.

    Attributes:
        status: HTTP status; a dialect may use its own for the same meaning (400 and 413 for `too_large`).
        kind: `rate` (wait and retry), `too_large` (can never fit), `forbidden`, `unavailable` (we cannot check), `overloaded` (we
            shed load), or `challenge` (prove anew who you are).
        message: Neutral text for the client. Never names a detector.
        unit: Exhausted unit, for `rate`.
        retry_after: Seconds until a retry can succeed, or None.
        quota: Id of the exhausted quota, where clients may know it.
        headers: Further headers, names in lower case.
    """

    status: int
    kind: Literal["rate", "too_large", "forbidden", "unavailable", "overloaded", "challenge"]
    message: str
    unit: Unit = "requests"
    retry_after: float | None = None
    quota: str = ""
    headers: tuple[tuple[str, str], ...] = ()


UNAVAILABLE = Refusal(503, "unavailable", "This service cannot check requests at the moment. Please try again shortly.", retry_after=2.0)
"""The answer where something that must not be passed over failed."""


class Delay(Struct, frozen=True):
    """The request is held for some seconds before the host sees it."""

    seconds: float


class Limits(Struct, frozen=True):
    """Quotas are tightened while the effect is in force: scaled, or joined by one more.

    Attributes:
        scale: Factor in (0, 1] on the limits of all quotas whose scopes include `per`; None to leave them.
        per: The scope that is tightened.
        extra: A further quota, or None.
    """

    scale: float | None = None
    per: Per = "account"
    extra: Quota | None = None


class Rewrite(Struct, frozen=True):
    """Upper bounds for parameters of the call, by the dialect-neutral name (`max_tokens`, `n`, `top_logprobs`)."""

    caps: Mapping[str, int]


class Redact(Struct, frozen=True):
    """Fields that the answer is sent without, by the dialect-neutral name (`logprobs`)."""

    fields: frozenset[str]


class TextTransformer(Protocol):
    """Rewrites the text of one answer while it streams. One instance per answer and choice."""

    def feed(self, text: str) -> str:
        """Takes the next piece of text, returns what can be sent now."""

    def flush(self) -> str:
        """Returns what was held back; called once, at the end of the text."""


class Transform(Struct, frozen=True):
    """The answer's text is rewritten on its way out.

    Attributes:
        begin: Makes a transformer for one choice of the answer.
    """

    begin: Callable[[Call, Subject], TextTransformer]


class Mark(Struct, frozen=True):
    """The prose of the answer is marked on its way out.

    Attributes:
        tier: How much of it may be varied.
        group: Campaign or deployment whose mark it carries beside the account's, or None for the deployment.
    """

    tier: int = 1
    group: str | None = None


class Notice(Struct, frozen=True):
    """Somebody is told: `alert` the operator, `tag` the app (through request state)."""

    kind: Literal["alert", "tag"]
    data: Mapping[str, Any] = {}


Effect: TypeAlias = Refusal | Delay | Limits | Rewrite | Redact | Transform | Mark | Notice
