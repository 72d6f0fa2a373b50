"""Fields that an answer is sent without, and that the host is not asked for.

Their names are the same in all APIs that have them, so this is no part of a dialect. Only places that the APIs define are looked at:
what a model writes into tool calls is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antidistill.dialects.fields import mapping, objects

LOGPROBS = "logprobs"
"""Log-probabilities of the answer's tokens and of their alternatives, and those of the prompt."""

FIELDS = (LOGPROBS,)
"""What can be redacted."""

_ASKED = ("logprobs", "top_logprobs", "prompt_logprobs")
_INCLUDED = "message.output_text.logprobs"


def redact(payload: object) -> bool:
    """Takes log-probabilities out of an answer or an event; says whether there were any. Changes the payload.

    They are set to null, or to an empty list where they are a list, so that clients find every field that they expect.
    """
    found = [(holder, name) for holder in _holders(payload) for name in ("logprobs", "prompt_logprobs") if holder.get(name)]
    for holder, name in found:
        holder[name] = [] if isinstance(holder[name], list) and name == "logprobs" else None
    return bool(found)


def unasked(body: dict[str, Any]) -> dict[str, Any] | None:
    """Returns a copy of a request that does not ask for log-probabilities, or None where it does not anyway."""
    kept = {name: value for name, value in body.items() if name not in _ASKED}
    include = body.get("include")
    if isinstance(include, list) and _INCLUDED in include:
        kept["include"] = [item for item in include if item != _INCLUDED]
    return kept if kept != body else None


def _holders(payload: object) -> Iterator[dict[str, Any]]:
    """The answer or event itself, its choices, and the parts of its items: chat, completions and responses have them there."""
    if not isinstance(payload, dict):
        return
    yield payload
    yield from objects(payload.get("choices"))
    if isinstance(payload.get("part"), dict):
        yield payload["part"]
    response = mapping(payload.get("response")) or payload
    for item in (*objects(response.get("output")), mapping(payload.get("item"))):
        yield from objects(item.get("content"))
