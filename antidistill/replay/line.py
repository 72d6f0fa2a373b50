"""One line of a traffic log."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from antidistill.dialects import encode
from antidistill.model import BodyState, Request

LINE_BYTES = 16 << 20
"""Longest line that is read."""

RECORDED = "RECORDED"
"""Method of a line that is an observation."""

_NULL = b"null"
_ENCODING = b"content-encoding"

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]
Timestamp: TypeAlias = Annotated[float, Meta(ge=0, le=1e11)]  # milliseconds would be beyond it
Text: TypeAlias = Annotated[str, Meta(min_length=1)]


class Line(Struct, frozen=True):
    """One exchange as logged.

    Attributes:
        id: Identifier of the exchange.
        ts: Unix seconds, start of the request.
        account: The authenticated principal.
        method: HTTP method.
        path: Path of the request.
        status: HTTP status of the answer.
        org: Organisation that the provider knows the account by.
        ip: Client address.
        headers: Names and values in the order sent.
        body: The request's JSON.
        response: The answer's JSON, whole also where it was streamed.
        duration_s: Seconds to the complete answer.
    """

    id: Text
    ts: Timestamp
    account: Text
    method: Text
    path: Text
    status: int
    org: str | None = None
    ip: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: Raw = Raw(_NULL)
    response: Raw = Raw(_NULL)
    duration_s: Seconds = 0.0

    def request(self, limit: int) -> Request:
        """The request as a trusted edge would have handed it on, with at most `limit` bytes of its body; 0 reads no body."""
        body, state = _body(self.body, LINE_BYTES if self.method == RECORDED else limit)
        return Request(
            id=self.id,
            ts=self.ts,
            method=self.method,
            path=self.path,
            headers=_headers(self.headers),
            peer=self.ip,
            principal=self.account,
            attributes={"org": self.org} if self.org else {},
            attested=True,
            body=body,
            body_state=state,
        )


_decoder = msgspec.json.Decoder(Line)


def decode(text: bytes) -> Line:
    """Reads one line.

    Raises:
        ValueError: It is not JSON, or not an exchange.
        RecursionError: It is nested too deeply.
    """
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _decode_leniently(text, error)


def _decode_leniently(text: bytes, error: msgspec.DecodeError | UnicodeDecodeError) -> Line:
    """Bodies may hold what lenient hosts accept and strict JSON does not: NaN, lone surrogates."""
    try:
        fields = json.loads(text)
    except ValueError:
        raise error from None
    for name in ("body", "response"):
        if isinstance(fields, dict) and name in fields:
            fields[name] = Raw(encode(fields[name]))
    return msgspec.convert(fields, Line)


def _body(raw: Raw, limit: int) -> tuple[bytes, BodyState]:
    body = bytes(raw)
    if not limit or body == _NULL:
        return b"", "none"
    return (body, "whole") if len(body) <= limit else (body[:limit], "truncated")


def _headers(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Headers as they arrive on a socket, without the content encoding, which the body no longer has."""
    headers = tuple([(name.lower().encode(), value.encode()) for name, value in pairs])
    return tuple(pair for pair in headers if pair[0] != _ENCODING) if any(pair[0] == _ENCODING for pair in headers) else headers
