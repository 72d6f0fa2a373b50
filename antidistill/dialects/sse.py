"""Server-sent events, read piece by piece without losing a byte, so that a stream can be counted or rewritten on its way.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re

from msgspec import Struct

LIMIT = 1 << 20
"""Largest event that is read, in bytes."""

# A blank line. After CRLF or LF, a CR at the end of what has arrived may be half of a CRLF; after a lone CR it is taken alone, so
# that a stream with such line ends is not held up.
# It begins with a set of bytes, which the engine looks for much faster than for alternatives.
_END = re.compile(rb"[\r\n](?:(?<=\r)\r|(?:(?<=\n)|(?<=\r)\n)(?:\r\n|\n|\r(?=[^\n])))")
_OVERLAP = 3
_BOM = b"\xef\xbb\xbf"
_CR, _LF = 13, 10


class Event(Struct, frozen=True):
    """One event.

    Attributes:
        raw: All its bytes, the blank line that ends it included; the raws of a stream add up to the stream.
        data: Its data, lines joined; empty where it has none or is too large.
        at: Where the data stands in `raw`, if it is one line and ended by two LF; else 0.
    """

    raw: bytes
    data: bytes
    at: int = 0


class Parser:
    r"""Cuts a stream into events. Line ends may be LF, CR or CRLF, and chunks may end anywhere.

    An event larger than the limit is passed on in pieces without data.

    Args:
        limit: Largest event that is read, in bytes.

    Attributes:
        pending: Bytes of the event that has begun; always the same object.
        skipped: Events that were too large.

    Example:
        >>> Parser().feed(b"data: 1\n\ndata: 2")
        [Event(raw=b'data: 1\n\n', data=b'1', at=6)]
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.skipped = 0
        self._limit = limit
        self.pending = bytearray()
        self._oversized = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Takes the next chunk, returns the events that it completes."""
        if not self.pending and (at := _place(chunk)) and len(chunk) <= self._limit:
            return [Event(chunk, chunk[at:-2], at)]
        scanned = max(0, len(self.pending) - _OVERLAP)
        self.pending += chunk
        events = self._cut(scanned)
        if len(self.pending) > self._limit or (self._oversized and len(self.pending) > _OVERLAP):
            events.append(self._spill())
        return events

    def close(self) -> list[Event]:
        """Returns what is left at the end of the stream, as an event that no blank line ends."""
        rest = bytes(self.pending)
        self.pending.clear()
        return [self._event(rest)] if rest else []

    def _cut(self, position: int) -> list[Event]:
        events, start = [], 0
        while match := _END.search(self.pending, position):
            position = match.end()
            events.append(self._event(bytes(self.pending[start:position])))
            start = position
        del self.pending[:start]
        return events

    def _event(self, raw: bytes) -> Event:
        if self._oversized:
            self._oversized = False
            return Event(raw, b"")
        if len(raw) > self._limit:
            self.skipped += 1
            return Event(raw, b"")
        at = _place(raw)
        return Event(raw, raw[at:-2] if at else _data(raw), at)

    def _spill(self) -> Event:
        self.skipped += not self._oversized
        self._oversized = True
        raw = bytes(self.pending[:-_OVERLAP])
        del self.pending[:-_OVERLAP]
        return Event(raw, b"")


def replaced(event: Event, data: bytes) -> bytes:
    """The event's bytes with other data (one line), everything else as it was."""
    if event.at:
        return event.raw[: event.at] + data + b"\n\n"
    return _relined(event.raw, data)


def _place(chunk: bytes) -> int:
    """Where the data begins in a chunk that is exactly one event as hosts usually send it; 0 in any other.

    That is one line of data, with at most one line of another kind before it, ended by LF.
    """
    start, end = 0, len(chunk) - 2
    # Integers instead of bytes: searching for one is several times as fast.
    first = chunk.find(_LF)
    if first != end:
        start = first + 1
        if chunk.find(_LF, start) != end or chunk.startswith(b"data"):
            return 0
    if chunk.startswith(b"data: ", start) and chunk[-1] == _LF and _CR not in chunk:
        return start + 6
    return 0


def _data(raw: bytes) -> bytes:
    lines = raw.removeprefix(_BOM).splitlines()
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))


def _relined(raw: bytes, data: bytes) -> bytes:
    """One line in place of all lines of data."""
    bare = raw.removeprefix(_BOM)
    lines = [raw[: len(raw) - len(bare)]]
    for line in bare.splitlines(keepends=True):
        if not line.startswith(b"data:"):
            lines.append(line)
        elif data:
            lines.append(b"data: " + data + line[len(line.rstrip(b"\r\n")) :])
            data = b""
    return b"".join(lines)
