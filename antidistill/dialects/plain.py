"""Refusals for routes that no dialect reads: one body that clients of either family understand."""

from __future__ import annotations

from antidistill.dialects.anthropic_messages import ERRORS
from antidistill.dialects.openai import CODES
from antidistill.dialects.refusals import reply
from antidistill.model import Refusal, Reply

_TOO_LARGE = 413


def refuse(refusal: Refusal, request_id: str) -> Reply:
    """Writes the OpenAI and the Anthropic error as one object; what can never fit is 413."""
    status = _TOO_LARGE if refusal.kind == "too_large" else refusal.status
    error = {"type": ERRORS[refusal.kind], "message": refusal.message, "param": None, "code": CODES[refusal.kind]}
    return reply(refusal, status, {"type": "error", "error": error, "request_id": request_id}, ((b"x-request-id", request_id),))
