"""Request bodies: from bytes as they arrived to an object, and back."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from antidistill.dialects.inflate import Inflater, inflatable
from antidistill.dialects.media import encoded
from antidistill.model import BodyState


class Decoded(Struct, frozen=True):
    """A body and how far it could be read.

    Attributes:
        value: The JSON object, or None in every state but `whole`.
        state: How far it could be read.
        raw: The body without its content encoding, or as it arrived where that could not be undone.
    """

    value: dict[str, Any] | None
    state: BodyState
    raw: bytes


def decode(raw: bytes, encoding: bytes, limit: int) -> Decoded:
    """Reads a JSON object.

    Accepts what lenient hosts accept: NaN, byte order marks, UTF-16, lone surrogates, integers of any size. The last of duplicate keys
    wins, as in the parsers that hosts use.

    Args:
        raw: The body as it arrived.
        encoding: Value of `content-encoding`, empty without one.
        limit: Largest size, in bytes, before and after the content encoding is undone; anything larger is `truncated`.
    """
    if not raw:
        return Decoded(None, "none", raw)
    if len(raw) > limit:
        return Decoded(None, "truncated", raw)
    try:
        value, _ = parse(raw)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):  # whatever its header claims: many hosts do not look at that
        return Decoded(value, "whole", raw)
    encoding = encoded(encoding)
    return _inflated(raw, encoding, limit) if encoding else Decoded(None, "malformed", raw)


def parse(raw: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """Parses JSON, and names the encoder that writes everything in the value back.

    Raises:
        ValueError: This is not JSON.
        RecursionError: It is nested too deeply.
    """
    try:
        return msgspec.json.decode(raw), msgspec.json.encode
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(raw), encode


def encode(value: object) -> bytes:
    """Writes JSON that keeps everything that `decode` reads: NaN, lone surrogates, integers of any size.

    Raises:
        RecursionError: The value is nested too deeply.
    """
    return json.dumps(value, separators=(",", ":")).encode()


def _inflated(raw: bytes, encoding: bytes, limit: int) -> Decoded:
    if not inflatable(encoding):
        return Decoded(None, "unread", raw)
    inflater, plain = Inflater(encoding), bytearray()
    try:
        for piece in inflater.feed(raw):
            plain += piece
            if len(plain) > limit:
                return Decoded(None, "truncated", raw)
    except zlib.error:
        return Decoded(None, "malformed", raw)
    return decode(bytes(plain), b"", limit) if inflater.whole and plain else Decoded(None, "malformed", raw)
