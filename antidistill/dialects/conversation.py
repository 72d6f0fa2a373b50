"""Gathers what was said in a request, from the many forms in which APIs let it be said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antidistill.dialects.body import encode
from antidistill.dialects.fields import flag, integer, mapping, number, objects, string
from antidistill.model import Call, Turn

_SYSTEM = frozenset({"system", "developer"})
_DEPTH = 4
_IDENTITY = 256
_TURN_TOKENS = 3
_BYTES_PER_TOKEN = 4


class Conversation:
    """Texts of one request in their order, and their size."""

    def __init__(self) -> None:
        self._system: list[str] = []
        self._turns: list[Turn] = []
        self._size = 0

    def add(self, role: object, text: str) -> None:
        """Adds a text; system and developer texts go apart, a role that is not a string counts as `user`."""
        text = self._measure(text)
        if not isinstance(role, str):
            role = "user"
        if role in _SYSTEM:
            self._system.append(text)
        else:
            self._turns.append(Turn(string(role), text))

    def call(self, dialect: str, body: Mapping[str, Any], *, tokens: int = 0, **own: Any) -> Call:
        """Completes the call with the fields that all APIs name alike.

        Args:
            dialect: Name of the dialect.
            body: The request.
            tokens: Input that is not text.
            own: Fields that the API names its own way.
        """
        return Call(
            dialect=dialect,
            model=string(body.get("model")),
            system="\n\n".join(self._system),
            turns=tuple(self._turns),
            stream=flag(body.get("stream")),
            temperature=number(body.get("temperature")),
            top_p=number(body.get("top_p")),
            seed=integer(body.get("seed")),
            sub_identity=_sub_identity(body),
            input_tokens=self._size // _BYTES_PER_TOKEN + _TURN_TOKENS * len(self._turns) + tokens,
            **own,
        )

    def _measure(self, text: str) -> str:
        try:
            self._size += len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError:
            text = string(text)
            self._size += len(text.encode())
        return text


def flatten(content: object, depth: int = _DEPTH) -> str:
    """Text of a message's content: a string, a part, or a list of them. What has no text (images, audio) is passed over."""
    if isinstance(content, str):
        return content
    if depth and isinstance(content, list):
        return "\n".join(filter(None, (flatten(part, depth - 1) for part in content)))
    return _part(content, depth) if depth and isinstance(content, dict) else ""


def invocation(name: object, arguments: object) -> str:
    """A tool call as text: its name, and its arguments as JSON."""
    if not isinstance(arguments, str):
        arguments = _json(arguments) if arguments else ""
    return f"{string(name)} {arguments}".strip()


def invocations(message: Mapping[str, Any]) -> list[str]:
    """Tool calls of an OpenAI message as texts, the older `function_call` included."""
    if "tool_calls" not in message and "function_call" not in message:
        return []
    calls = [mapping(call.get("function")) for call in objects(message.get("tool_calls"))]
    calls.append(mapping(message.get("function_call")))
    return [invocation(call.get("name"), call.get("arguments")) for call in calls if call]


def _part(part: dict[str, Any], depth: int) -> str:
    if part.get("type") == "tool_use":
        return invocation(part.get("name"), part.get("input"))
    for field in ("text", "refusal", "thinking", "content"):
        if text := flatten(part.get(field), depth - 1):
            return text
    source = mapping(part.get("source"))
    return flatten(source.get("data"), depth - 1) if source.get("type") == "text" else ""


def _json(value: object) -> str:
    try:
        return encode(value).decode()
    except RecursionError:
        return ""


def _sub_identity(body: Mapping[str, Any]) -> str | None:
    for claim in (body.get("safety_identifier"), body.get("user"), mapping(body.get("metadata")).get("user_id")):
        if claim and isinstance(claim, str):
            return string(claim[:_IDENTITY])
    return None
