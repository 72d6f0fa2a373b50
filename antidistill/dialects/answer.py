"""Counts the tokens of an answer while it passes by, from what the host reports or, failing that, from its size."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from antidistill.dialects import body, sse
from antidistill.dialects.dialect import Dialect, Piece
from antidistill.dialects.inflate import Inflater, inflatable
from antidistill.dialects.media import encoded, media
from antidistill.model import Call, Usage

LIMIT = 1 << 20
"""Most bytes of an answer that are held for reading."""

_BYTES_PER_TOKEN = 4
_LF = 10


class AnswerReader:
    """Reads the usage of one answer. Goes by its content type alone: what the client asked for says little about what hosts send.

    Nothing here raises, and nothing is held beyond the limit. What cannot be read is estimated from its size.

    Args:
        dialect: The dialect of the route; None reads nothing.
        call: What was asked, for an estimate of the input.
        content_type: Value of the answer's `content-type`.
        content_encoding: Value of the answer's `content-encoding`, empty without one.
        limit: Most bytes of a JSON answer, or of one event, that are read.

    Attributes:
        feed: Takes the next chunk of the body.
        streamed: True for a stream of server-sent events.
    """

    def __init__(
        self, dialect: Dialect | None, call: Call | None, content_type: bytes, content_encoding: bytes = b"", limit: int = LIMIT
    ) -> None:
        self.streamed = media(content_type) == "stream"
        self._tokens_in = call.input_tokens if call else 0
        self._count = _count(dialect, content_type, encoded(content_encoding), limit) if dialect else None
        # Bound once, because a stream calls it for every chunk.
        self.feed: Callable[[bytes], None] = self._count.feed if self._count else _ignore

    def usage(self) -> Usage | None:
        """Tokens of what was fed so far: as reported, and `estimated` for what no report covers. None without a dialect."""
        if self._count is None:
            return None
        reported, uncovered = self._count.total()
        known = reported or Usage()
        return Usage(
            input_tokens=known.input_tokens or self._tokens_in,
            output_tokens=known.output_tokens + uncovered // _BYTES_PER_TOKEN,
            estimated=uncovered > 0 or not known.input_tokens,
        )


class _Count(Protocol):
    def feed(self, chunk: bytes) -> None: ...

    def total(self) -> tuple[Usage | None, int]:
        """What was reported, and how many bytes of output it does not cover."""


class _Size:
    """Counts bytes, for lack of anything better."""

    def __init__(self, dialect: Dialect) -> None:
        self._textual = dialect.textual
        self._bytes = 0

    def feed(self, chunk: bytes) -> None:
        self._bytes += len(chunk)

    def total(self) -> tuple[Usage | None, int]:
        return None, self._bytes if self._textual else 0


class _Document:
    """Reads an answer that is one JSON object."""

    def __init__(self, dialect: Dialect, limit: int) -> None:
        self._dialect = dialect
        self._size = _Size(dialect)
        self._room = limit
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._size.feed(chunk)
        self._room -= len(chunk)
        if self._room >= 0:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def total(self) -> tuple[Usage | None, int]:
        try:
            return self._read(b"".join(self._chunks))
        except Exception:  # Cut short, not JSON, or a dialect from elsewhere that fails.
            return self._size.total()

    def _read(self, raw: bytes) -> tuple[Usage | None, int]:
        if reported := _counted(self._dialect.usage(_outline(raw))):
            return reported, 0
        answer, _ = body.parse(raw)
        reported = _counted(self._dialect.usage(answer))
        return reported, 0 if reported else self._dialect.text(answer)


class _Stream:
    """Reads an answer that streams."""

    def __init__(self, dialect: Dialect, limit: int) -> None:
        self._dialect = dialect
        self._piece = dialect.piece
        self._parser = sse.Parser(limit)
        self._pending = self._parser.pending
        self._reported: Usage | None = None
        self._uncovered = 0

    def feed(self, chunk: bytes) -> None:
        if not self._pending and (start := 6 if chunk.startswith(b"data: ") else _start(chunk)):
            try:
                # Nearly every chunk is one event, and JSON says itself where it ends: anything else is refused here.
                length, usage = self._piece(chunk[start:])
            except Exception:
                self._parse(chunk)
                return
            self._uncovered += length
            if usage is not None:
                self._report(usage)
        else:
            self._parse(chunk)

    def total(self) -> tuple[Usage | None, int]:
        for event in self._parser.close():
            self._take(event.data)
        return self._reported, self._uncovered

    def _parse(self, chunk: bytes) -> None:
        for event in self._parser.feed(chunk):
            self._take(event.data)

    def _take(self, data: bytes) -> None:
        if not data:
            return
        try:
            length, usage = self._piece(data)
        except Exception:  # Not what the API defines, or a dialect from elsewhere that fails.
            length, usage = _salvage(self._dialect, data)
        self._uncovered += length
        if usage is not None:
            self._report(usage)

    def _report(self, usage: Usage) -> None:
        """Reports are cumulative, and each covers the text before it."""
        if not _counted(usage):
            return
        seen = self._reported or usage
        self._reported = Usage(max(seen.input_tokens, usage.input_tokens), max(seen.output_tokens, usage.output_tokens))
        self._uncovered = 0


class _Inflating:
    """Undoes a content encoding on the way to a count."""

    def __init__(self, encoding: bytes, count: _Count) -> None:
        self._inflater = Inflater(encoding)
        self._count = count
        self.total = count.total

    def feed(self, chunk: bytes) -> None:
        try:
            for piece in self._inflater.feed(chunk):
                self._count.feed(piece)
        except zlib.error:
            self._count.feed(chunk)


def _count(dialect: Dialect, content_type: bytes, encoding: bytes, limit: int) -> _Count:
    if inflatable(encoding):
        return _Inflating(encoding, _count(dialect, content_type, b"", limit))
    kind = "other" if encoding else media(content_type)
    if kind == "stream":
        return _Stream(dialect, limit)
    return _Document(dialect, limit) if kind == "json" else _Size(dialect)


def _start(chunk: bytes) -> int:
    """Where the data begins in a chunk whose second line is data; 0 in any other."""
    line = chunk.find(_LF) + 1
    return line + 6 if chunk.startswith(b"data: ", line) else 0


def _counted(usage: Usage | None) -> Usage | None:
    """A report of nothing at all is none: some hosts fill the fields in and count nothing."""
    return usage if usage is not None and (usage.input_tokens or usage.output_tokens) else None


_top = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _outline(raw: bytes) -> dict[str, Any]:
    """The answer's usage alone, if it can be had without reading all the rest."""
    try:
        usage = _top(raw).get("usage")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {} if usage is None else {"usage": msgspec.json.decode(usage)}


def _salvage(dialect: Dialect, data: bytes) -> Piece:
    try:
        event = body.parse(data)[0]
        return dialect.text(event), dialect.usage(event)
    except Exception:
        return 0, None


def _ignore(chunk: bytes) -> None:
    pass
