"""OpenAI chat completions, the API that most hosts and clients speak."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from antidistill.dialects.caps import Names
from antidistill.dialects.conversation import Conversation, flatten, invocations
from antidistill.dialects.dialect import Piece, Slot
from antidistill.dialects.fields import alternatives, flag, mapping, objects, positive, size, string
from antidistill.dialects.openai import OpenAI, tally
from antidistill.model import Call

_GUIDES = frozenset({"guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "regex", "ebnf"})


class OpenAIChat(OpenAI):
    """`POST …/chat/completions`, with the additions of vLLM and SGLang that matter here."""

    name = "openai.chat"
    suffixes: tuple[str, ...] = ("/chat/completions",)
    bounds: ClassVar[Names] = {
        "max_tokens": ("max_completion_tokens", "max_tokens"),
        "n": ("n",),
        "top_logprobs": ("top_logprobs", "prompt_logprobs"),
    }

    def read(self, body: Mapping[str, Any]) -> Call:
        """Reads a request; where it bounds its output twice, the larger bound counts."""
        talk = Conversation()
        for message in objects(body.get("messages")):
            talk.add(message.get("role"), spoken(message))
        bound, other_bound = positive(body.get("max_tokens")), positive(body.get("max_completion_tokens"))
        prompt_logprobs = alternatives(body.get("prompt_logprobs"))
        return talk.call(
            self.name,
            body,
            max_tokens=max(bound, other_bound) if bound and other_bound else bound or other_bound,
            n=positive(body.get("n")) or 1,
            logprobs=flag(body.get("logprobs")) or prompt_logprobs is not None,
            top_logprobs=max(alternatives(body.get("top_logprobs")) or 0, prompt_logprobs or 0),
            biased=bool(body.get("logit_bias")),
            structured=structured(body),
            tools=_tools(body),
        )

    def text(self, body: Mapping[str, Any]) -> int:
        """Bytes of text, refusals, reasoning and tool calls, of all choices."""
        choices = objects(body.get("choices"))
        return sum(_size(mapping(choice.get("message") or choice.get("delta"))) for choice in choices)

    def piece(self, data: bytes) -> Piece:
        """Reads one chunk."""
        chunk = _decode(data)
        length = 0
        for choice in chunk.choices:
            delta = choice.delta
            if delta is None:
                continue
            # Text is nearly always alone, so the rest is looked at only where there is none.
            content = delta.content
            if content and isinstance(content, str):
                length += len(content) if content.isascii() else size(content)
            elif content or delta.reasoning_content or delta.reasoning or delta.refusal or delta.tool_calls:
                length += _size(msgspec.structs.asdict(delta))
        return length, None if chunk.usage is None else tally(chunk.usage)

    def slots(self, payload: dict[str, Any]) -> list[Slot]:
        """Finds `content` of each choice's message or delta."""
        found = []
        for key, choice in keyed(payload):
            whole = "message" in choice
            holder = choice.get("message" if whole else "delta")
            if isinstance(holder, dict) and isinstance(holder.get("content"), str) and holder["content"]:
                found.append(Slot(key, holder, "content", whole))
        return found

    def ends(self, payload: dict[str, Any]) -> list[Hashable]:
        """A choice ends with its `finish_reason`."""
        return finished(payload)

    def extra(self, payload: dict[str, Any], key: Hashable, text: str) -> dict[str, Any]:
        """Makes a chunk for one choice."""
        return chunk_of(payload, {"index": key, "delta": {"content": text}})


class _Delta(Struct, gc=False):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    tool_calls: Any = None


class _Choice(Struct, gc=False):
    delta: _Delta | None = None


class _Chunk(Struct, gc=False):
    choices: tuple[_Choice, ...] = ()
    usage: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


def spoken(message: Mapping[str, Any]) -> str:
    """Text of a message, its tool calls included."""
    text = flatten(message.get("content"))
    calls = invocations(message)
    return "\n".join(filter(None, [text, *calls])) if calls else text


def keyed(payload: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Choices of an answer with their index; where it has none that can be used, their position."""
    choices = payload.get("choices")
    if not isinstance(choices, list):
        return []
    return [
        (index if isinstance(index := choice.get("index"), int) else position, choice)
        for position, choice in enumerate(choices)
        if isinstance(choice, dict)
    ]


def finished(payload: Mapping[str, Any]) -> list[Hashable]:
    """Choices that end with this chunk."""
    return [key for key, choice in keyed(payload) if choice.get("finish_reason")]


def chunk_of(payload: Mapping[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    """A chunk like another one, with one choice of its own and without usage."""
    rest = {name: value for name, value in payload.items() if name != "usage"}
    return {**rest, "choices": [{**choice, "logprobs": None, "finish_reason": None}]}


def structured(body: Mapping[str, Any]) -> bool:
    """True where the answer has to follow a schema, a grammar or a list of choices."""
    wanted = mapping(body.get("response_format")).get("type")
    return wanted not in (None, "text") or (not _GUIDES.isdisjoint(body) and any(map(body.get, _GUIDES)))


def _size(message: Mapping[str, Any]) -> int:
    return size(flatten(message.get("content"))) + _aside(message)


def _aside(message: Mapping[str, Any]) -> int:
    """Output that is not the answer's text. Some hosts send reasoning under both names: it counts once."""
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    return size(reasoning) + size(message.get("refusal")) + sum(map(size, invocations(message)))


def _tools(body: Mapping[str, Any]) -> tuple[str, ...]:
    if "tools" not in body and "functions" not in body:
        return ()
    offered = [mapping(tool.get("function")) for tool in objects(body.get("tools"))] + objects(body.get("functions"))
    return tuple(filter(None, (string(tool.get("name")) for tool in offered)))
