"""What the OpenAI APIs have in common: refusals, rate-limit headers, and the names of shared fields."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from antidistill.dialects.caps import Names, capped
from antidistill.dialects.dialect import Headers, Slot
from antidistill.dialects.fields import integer, mapping
from antidistill.dialects.limits import duration, header_names, limit_headers
from antidistill.dialects.refusals import reply
from antidistill.model import QuotaState, Refusal, Reply, Unit, Usage

CODES = {
    "rate": "rate_limit_exceeded",
    "too_large": "request_too_large",
    "forbidden": "account_restricted",
    "unavailable": "rate_limiter_unavailable",
    "overloaded": "overloaded",
    "challenge": "reauthentication_required",
}
"""Error codes by kind of refusal."""

_TOO_LARGE = 400
_TYPES = {
    "too_large": "invalid_request_error",
    "forbidden": "permission_error",
    "unavailable": "server_error",
    "overloaded": "server_error",
    "challenge": "authentication_error",
}
_UNITS: tuple[Unit, ...] = ("requests", "tokens")
_HEADERS = {unit: header_names(f"x-ratelimit-%s-{unit}") for unit in _UNITS}


class OpenAI:
    """Base of the OpenAI dialects. Answers hold no text for people unless a dialect says where."""

    bounds: ClassVar[Names] = {}
    """Parameters that can be capped."""

    textual = True
    repeats = False

    def cap(self, body: dict[str, Any], caps: Mapping[str, int]) -> dict[str, Any] | None:
        """Bounds parameters of a request from above."""
        return capped(body, caps, self.bounds)

    def usage(self, body: Mapping[str, Any]) -> Usage | None:
        """Reads `prompt_tokens` and `completion_tokens`."""
        return tally(body.get("usage"))

    def refuse(self, refusal: Refusal, request_id: str) -> Reply:
        """Writes `{"error": …}`; what can never fit is 400, and `type` names the exhausted unit."""
        kind = _TYPES.get(refusal.kind) or ("tokens" if "tokens" in refusal.unit else "requests")
        status = _TOO_LARGE if refusal.kind == "too_large" else refusal.status
        error = {"message": refusal.message, "type": kind, "param": None, "code": CODES[refusal.kind]}
        return reply(refusal, status, {"error": error}, ((b"x-request-id", request_id),))

    def limit_headers(self, states: Sequence[QuotaState], now: float) -> Headers:
        """Writes `x-ratelimit-*` for requests and tokens, with the reset as a Go duration."""
        return limit_headers(states, _HEADERS, lambda state: duration(state.reset_after))

    def slots(self, payload: dict[str, Any]) -> list[Slot]:
        """Finds nothing."""
        return []

    def ends(self, payload: dict[str, Any]) -> list[Hashable]:
        """Finds nothing."""
        return []

    def extra(self, payload: dict[str, Any], key: Hashable, text: str) -> dict[str, Any]:
        """Makes one more event with a piece of text."""
        return payload


def tally(usage: object) -> Usage | None:
    """Reads the usage of chat and completions."""
    counts = mapping(usage)
    output = integer(counts.get("completion_tokens"))
    return None if output is None else Usage(max(0, integer(counts.get("prompt_tokens")) or 0), max(0, output))
