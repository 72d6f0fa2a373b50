"""OpenAI responses: items in, items out, and a stream of typed events that tells every text several times."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from antidistill.dialects.caps import Names
from antidistill.dialects.conversation import Conversation, flatten, invocation
from antidistill.dialects.dialect import Piece, Slot
from antidistill.dialects.fields import alternatives, integer, mapping, objects, positive, size, string
from antidistill.dialects.openai import OpenAI
from antidistill.model import Call, Usage

_LOGPROBS = "message.output_text.logprobs"
_DELTA = "response.output_text.delta"
_DONE = "response.output_text.done"
_SOUND = "response.audio.delta"


class OpenAIResponses(OpenAI):
    """`POST …/v1/responses`."""

    name = "openai.responses"
    suffixes: tuple[str, ...] = ("/responses",)
    bounds: ClassVar[Names] = {"max_tokens": ("max_output_tokens",), "top_logprobs": ("top_logprobs",)}
    repeats = True

    def read(self, body: Mapping[str, Any]) -> Call:
        """Reads a request. What the host keeps of an earlier response is not part of it."""
        talk = Conversation()
        if isinstance(body.get("instructions"), str):
            talk.add("system", body["instructions"])
        if isinstance(body.get("input"), str):
            talk.add("user", body["input"])
        for item in objects(body.get("input")):
            _add(talk, item)
        top = alternatives(body.get("top_logprobs")) or 0
        include = body.get("include")
        return talk.call(
            self.name,
            body,
            max_tokens=positive(body.get("max_output_tokens")),
            logprobs=top > 0 or (isinstance(include, list) and _LOGPROBS in include),
            top_logprobs=top,
            structured=string(mapping(mapping(body.get("text")).get("format")).get("type")) not in ("", "text"),
            tools=tuple(filter(None, (string(tool.get("name") or tool.get("type")) for tool in objects(body.get("tools"))))),
        )

    def usage(self, body: Mapping[str, Any]) -> Usage | None:
        """Reads `input_tokens` and `output_tokens`, of a response or of an event that carries one."""
        return _tally(body.get("usage") or mapping(body.get("response")).get("usage"))

    def text(self, body: Mapping[str, Any]) -> int:
        """Bytes of text, reasoning and tool calls of a response, or of one delta."""
        if _counts(body.get("type")):
            return size(body.get("delta"))
        return sum(_size(item) for item in objects(body.get("output")))

    def piece(self, data: bytes) -> Piece:
        """Reads one event."""
        event = _decode(data)
        length = size(event.delta) if _counts(event.type) else 0
        response = event.response
        return length, None if response is None or response.usage is None else _tally(response.usage)

    def slots(self, payload: dict[str, Any]) -> list[Slot]:
        """Finds `output_text`: in deltas, and in all the events that repeat it."""
        kind = payload.get("type")
        item = _index(payload, "output_index")
        if kind in (_DELTA, _DONE):
            field = "delta" if kind == _DELTA else "text"
            return _slot((item, _index(payload, "content_index")), payload, field, kind == _DONE)
        if isinstance(part := payload.get("part"), dict):
            return _part((item, _index(payload, "content_index")), part)
        if isinstance(payload.get("item"), dict):
            return _parts(item, payload["item"])
        output = objects(mapping(payload.get("response", payload)).get("output"))
        return [slot for position, entry in enumerate(output) for slot in _parts(position, entry)]

    def extra(self, payload: dict[str, Any], key: Hashable, text: str) -> dict[str, Any]:
        """Makes one more delta. It shares its number with the one before, so that a stream can be resumed by the host's numbers."""
        return {**payload, "delta": text, **({"logprobs": []} if "logprobs" in payload else {})}


class _Response(Struct, gc=False):
    usage: Any = None


class _Event(Struct, gc=False):
    type: Any = None
    delta: Any = None
    response: _Response | None = None


_decode = msgspec.json.Decoder(_Event).decode


def _add(talk: Conversation, item: Mapping[str, Any]) -> None:
    kind = string(item.get("type"))
    if kind.endswith("_call_output"):
        talk.add("tool", flatten(item.get("output")))
    elif kind.endswith("_call") and "name" in item:
        talk.add("assistant", invocation(item.get("name"), item.get("arguments") or item.get("input")))
    elif "role" in item or kind in ("", "message"):
        talk.add(item.get("role"), flatten(item.get("content")))


def _tally(usage: object) -> Usage | None:
    counts = mapping(usage)
    output = integer(counts.get("output_tokens"))
    return None if output is None else Usage(max(0, integer(counts.get("input_tokens")) or 0), max(0, output))


def _counts(kind: object) -> bool:
    return isinstance(kind, str) and kind.endswith(".delta") and kind != _SOUND


def _size(item: Mapping[str, Any]) -> int:
    own = flatten(item.get("content")) or flatten(item.get("summary"))
    return size(own) + size(item.get("arguments")) + size(item.get("input"))


def _index(payload: Mapping[str, Any], name: str) -> int:
    return integer(payload.get(name)) or 0


def _slot(key: Hashable, holder: dict[str, Any], field: str, whole: bool) -> list[Slot]:
    return [Slot(key, holder, field, whole)] if isinstance(holder.get(field), str) and holder[field] else []


def _part(key: Hashable, part: dict[str, Any]) -> list[Slot]:
    return _slot(key, part, "text", True) if part.get("type") == "output_text" else []


def _parts(item: int, holder: Mapping[str, Any]) -> list[Slot]:
    parts = enumerate(objects(holder.get("content")))
    return [slot for position, part in parts for slot in _part((item, position), part)]
