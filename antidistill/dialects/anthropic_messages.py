"""Anthropic messages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from antidistill.dialects.caps import capped
from antidistill.dialects.conversation import Conversation, flatten, invocation
from antidistill.dialects.dialect import Headers, Piece, Slot
from antidistill.dialects.fields import integer, mapping, objects, positive, size, string
from antidistill.dialects.limits import header_names, limit_headers, timestamp
from antidistill.dialects.refusals import reply
from antidistill.model import Call, QuotaState, Refusal, Reply, Unit, Usage

ERRORS = {
    "rate": "rate_limit_error",
    "too_large": "request_too_large",
    "forbidden": "permission_error",
    "unavailable": "api_error",
    "overloaded": "overloaded_error",
    "challenge": "authentication_error",
}
"""Error types by kind of refusal."""

_STATUS = {"too_large": 413, "overloaded": 529}
_BOUNDS = {"max_tokens": ("max_tokens",)}
_SPOKEN = ("text", "thinking", "partial_json")
_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_UNITS: tuple[Unit, ...] = ("requests", "tokens", "input_tokens", "output_tokens")
_HEADERS = {unit: header_names(f"anthropic-ratelimit-{unit.replace('_', '-')}-%s") for unit in _UNITS}


class AnthropicMessages:
    """`POST …/v1/messages`."""

    name = "anthropic.messages"
    suffixes: tuple[str, ...] = ("/v1/messages",)
    textual = True
    repeats = False

    def read(self, body: Mapping[str, Any]) -> Call:
        """Reads a request; results of tools count as turns of the tool, not of the user who hands them on."""
        talk = Conversation()
        if system := flatten(body.get("system")):
            talk.add("system", system)
        for message in objects(body.get("messages")):
            _add(talk, message)
        wanted = mapping(body.get("output_config")).get("format") or body.get("output_format")
        return talk.call(
            self.name,
            body,
            max_tokens=positive(body.get("max_tokens")),
            structured=bool(wanted),
            tools=tuple(filter(None, (string(tool.get("name")) for tool in objects(body.get("tools"))))),
        )

    def cap(self, body: dict[str, Any], caps: Mapping[str, int]) -> dict[str, Any] | None:
        """Bounds `max_tokens`; the API has no `n` and no log-probabilities."""
        return capped(body, caps, _BOUNDS)

    def usage(self, body: Mapping[str, Any]) -> Usage | None:
        """Reads the usage of a message or of an event; tokens that came from or went to a cache are input like others."""
        return _tally(body.get("usage") or mapping(body.get("message")).get("usage"))

    def text(self, body: Mapping[str, Any]) -> int:
        """Bytes of text, thinking and tool calls of a message, or of one delta."""
        delta = mapping(body.get("delta"))
        return sum(map(size, map(delta.get, _SPOKEN))) + sum(map(_size, objects(body.get("content"))))

    def piece(self, data: bytes) -> Piece:
        """Reads one event."""
        event = _decode(data)
        delta, usage = event.delta, event.usage
        length = 0 if delta is None else size(delta.text) + size(delta.thinking) + size(delta.partial_json)
        if usage is None and event.message is not None:
            usage = event.message.usage
        return length, None if usage is None else _tally(usage)

    def refuse(self, refusal: Refusal, request_id: str) -> Reply:
        """Writes `{"type": "error", …}`; what can never fit is 413, and load that we shed 529."""
        status = _STATUS.get(refusal.kind, refusal.status)
        body = {"type": "error", "error": {"type": ERRORS[refusal.kind], "message": refusal.message}, "request_id": request_id}
        return reply(refusal, status, body, ((b"request-id", request_id),))

    def limit_headers(self, states: Sequence[QuotaState], now: float) -> Headers:
        """Writes `anthropic-ratelimit-*` for requests and all kinds of tokens, with the reset as a time."""
        return limit_headers(states, _HEADERS, lambda state: timestamp(now + state.reset_after))

    def slots(self, payload: dict[str, Any]) -> list[Slot]:
        """Finds `text` of text blocks and of text deltas."""
        if payload.get("type") == "content_block_delta":
            delta = payload.get("delta")
            return _slot(_key(payload), delta, "text_delta", False) if isinstance(delta, dict) else []
        blocks = enumerate(objects(payload.get("content")))
        return [slot for position, block in blocks for slot in _slot(position, block, "text", True)]

    def ends(self, payload: dict[str, Any]) -> list[Hashable]:
        """A text ends with its block."""
        return [_key(payload)] if payload.get("type") == "content_block_stop" else []

    def extra(self, payload: dict[str, Any], key: Hashable, text: str) -> dict[str, Any]:
        """Makes one more text delta."""
        return {**payload, "delta": {"type": "text_delta", "text": text}}


class _Delta(Struct, gc=False):
    text: Any = None
    thinking: Any = None
    partial_json: Any = None


class _Message(Struct, gc=False):
    usage: Any = None


class _Event(Struct, gc=False):
    delta: _Delta | None = None
    usage: Any = None
    message: _Message | None = None


_decode = msgspec.json.Decoder(_Event).decode


def _add(talk: Conversation, message: Mapping[str, Any]) -> None:
    content = message.get("content")
    results = [part for part in objects(content) if _is_result(part)]
    for part in results:
        talk.add("tool", flatten(part.get("content")))
    if results and isinstance(content, list):
        content = [part for part in content if not _is_result(part)]
    if content or not results:
        talk.add(message.get("role"), flatten(content))


def _is_result(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "tool_result"


def _tally(usage: object) -> Usage | None:
    counts = mapping(usage)
    output = integer(counts.get("output_tokens"))
    if output is None:
        return None
    return Usage(sum(max(0, integer(counts.get(name)) or 0) for name in _INPUT), max(0, output))


def _size(block: Mapping[str, Any]) -> int:
    spoken = size(block.get("text")) + size(block.get("thinking"))
    return spoken + (size(invocation(block.get("name"), block.get("input"))) if block.get("type") == "tool_use" else 0)


def _key(payload: Mapping[str, Any]) -> int:
    return integer(payload.get("index")) or 0


def _slot(key: Hashable, holder: dict[str, Any], kind: str, whole: bool) -> list[Slot]:
    spoken = holder.get("type") == kind and isinstance(holder.get("text"), str) and holder["text"]
    return [Slot(key, holder, "text", whole)] if spoken else []
