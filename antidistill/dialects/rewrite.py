"""Rewrites the text of an answer on its way out, in JSON and in streams, and leaves every other byte alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from msgspec import Struct

from antidistill.dialects import body, sse
from antidistill.dialects.dialect import Dialect, Slot
from antidistill.dialects.guarded import Begin, Fault, GuardedText
from antidistill.dialects.media import encoded, media
from antidistill.dialects.redact import redact

LIMIT = 1 << 22
"""Largest JSON answer, and largest event, that is rewritten, in bytes."""

_DONE = b"[DONE]"
_FAILURES = ("error", "response.failed")


class AnswerRewriter:
    """Rewrites one answer, every one of its texts through a transformer of its own.

    What a transformer holds back is sent before its text ends, in one more event where the last one with text is gone already. Events
    that repeat a text repeat it as it was sent. If a transformer fails, what it held back is let go, and the rest of the answer passes
    as the host sent it.

    Args:
        dialect: The dialect of the route.
        content_type: Value of the answer's `content-type`; anything but JSON and server-sent events passes untouched.
        begin: Makes a transformer for one text. A text comes out the same however the host cuts it into pieces, if the transformer
            sees to that. None leaves texts alone.
        content_encoding: Value of the answer's `content-encoding`; an encoded answer passes untouched.
        structured: True where the client asked for JSON in the text, which passes untouched.
        redacted: True to take log-probabilities out, which no failure of a transformer prevents.
        limit: Largest JSON answer, and largest event, that is rewritten, in bytes.

    Attributes:
        feed: Takes the next chunk of the body, returns what can be sent now.
        close: Returns the rest, once the body has ended.
    """

    def __init__(
        self,
        dialect: Dialect,
        content_type: bytes,
        begin: Begin | None,
        *,
        content_encoding: bytes = b"",
        structured: bool = False,
        redacted: bool = False,
        limit: int = LIMIT,
    ) -> None:
        self._fault = Fault()
        begin = None if structured else begin
        idle = encoded(content_encoding) or (begin is None and not redacted)
        kind = "other" if idle else media(content_type)
        way: _Stream | _Document | _Passage = _Passage()
        if kind == "stream":
            way = _Stream(dialect, begin, redacted, self._fault, limit)
        elif kind == "json":
            way = _Document(dialect, begin, redacted, self._fault, limit)
        self.feed: Callable[[bytes], bytes] = way.feed
        self.close: Callable[[], bytes] = way.close

    @property
    def failed(self) -> bool:
        """True once a transformer failed."""
        return self._fault.raised


class _Passage:
    """Lets an answer pass."""

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def close(self) -> bytes:
        return b""


class _Document:
    """Rewrites an answer that is one JSON object; a longer one than the limit passes."""

    def __init__(self, dialect: Dialect, begin: Begin | None, redacted: bool, fault: Fault, limit: int) -> None:
        self._dialect = dialect
        self._begin = begin
        self._redacted = redacted
        self._fault = fault
        self._room = limit
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        self._chunks.append(chunk)
        self._room -= len(chunk)
        return self._take() if self._room < 0 else b""

    def close(self) -> bytes:
        raw = self._take()
        try:
            payload, encode = body.parse(raw)
            if self._redacted and redact(payload):
                raw = _dump(payload, encode)
        except (ValueError, RecursionError):
            return raw
        if self._begin is None or not isinstance(payload, dict):
            return raw
        try:
            changes = [self._change(slot, self._begin) for slot in self._dialect.slots(payload)]
            return _dump(payload, encode) if any(changes) and not self._fault.raised else raw
        except Exception:  # A dialect from elsewhere that fails.
            self._fault.raised = True
            return raw

    def _take(self) -> bytes:
        raw = b"".join(self._chunks)
        self._chunks.clear()
        return raw

    def _change(self, slot: Slot, begin: Begin) -> bool:
        text, old = GuardedText(begin, self._fault), slot.holder[slot.field]
        slot.holder[slot.field] = text.feed(old) + text.flush()
        return bool(slot.holder[slot.field] != old)


class _Carrier(Struct):
    """An event and what its data says."""

    event: sse.Event
    payload: dict[str, Any]
    encode: Callable[[Any], bytes]

    def carry(self, payload: dict[str, Any]) -> bytes:
        """The event with another payload."""
        return sse.replaced(self.event, _dump(payload, self.encode))


class _Stream:
    """Rewrites an answer that streams."""

    def __init__(self, dialect: Dialect, begin: Begin | None, redacted: bool, fault: Fault, limit: int) -> None:
        self._dialect = dialect
        self._begin = begin
        self._redacted = redacted
        self._fault = fault
        self._parser = sse.Parser(limit)
        # Texts that have begun, each with the event that carried it last; and for events that repeat them, what was sent.
        self._open: dict[Hashable, tuple[GuardedText, _Carrier]] = {}
        self._sent: dict[Hashable, list[str]] = {}
        self._room = limit

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([self._event(event, last=False) for event in self._parser.feed(chunk)])

    def close(self) -> bytes:
        # A last event without its blank line: nothing can follow it, so whatever is held back goes into it or before it.
        tail = b"".join([self._event(event, last=True) for event in self._parser.close()])
        return self._release() + tail

    def _event(self, event: sse.Event, last: bool) -> bytes:
        if not event.data:
            return event.raw
        if event.data.strip() == _DONE:
            return self._release() + event.raw
        try:
            payload, encode = body.parse(event.data)
        except (ValueError, RecursionError):
            return event.raw
        if self._redacted and redact(payload):
            data = _dump(payload, encode)
            event = sse.Event(sse.replaced(event, data), data, event.at)
        if self._begin is None or not isinstance(payload, dict):
            return event.raw
        try:
            return self._rewritten(_Carrier(event, payload, encode), self._begin, last)
        except Exception:  # A dialect from elsewhere that fails.
            self._fault.raised = True
            return self._release() + event.raw

    def _rewritten(self, carrier: _Carrier, begin: Begin, last: bool) -> bytes:
        payload = carrier.payload
        ends = self._dialect.ends(payload)
        before, changed = b"", False
        for slot in self._dialect.slots(payload):
            old = slot.holder[slot.field]
            if slot.whole:
                before += self._finish(slot.key)
                new = self._whole(slot.key, old, begin)
            else:
                new = self._delta(slot.key, old, carrier, begin, last or slot.key in ends)
            slot.holder[slot.field] = new
            changed = changed or new != old
        before += b"".join([self._finish(key) for key in ends])
        if payload.get("error") or payload.get("type") in _FAILURES:
            before += self._release()
        return before + (carrier.carry(payload) if changed else carrier.event.raw)

    def _delta(self, key: Hashable, old: str, carrier: _Carrier, begin: Begin, final: bool) -> str:
        known = self._open.pop(key, None)
        text = known[0] if known else GuardedText(begin, self._fault)
        new = text.feed(old)
        if final:
            new += text.flush()
        else:
            self._open[key] = (text, carrier)
        self._record(key, new)
        return new

    def _whole(self, key: Hashable, old: str, begin: Begin) -> str:
        if key not in self._sent:
            text = GuardedText(begin, self._fault)
            self._record(key, new := text.feed(old) + text.flush())
            return new
        return "".join(self._sent[key])

    def _record(self, key: Hashable, text: str) -> None:
        if not text or not self._dialect.repeats:
            return
        self._room -= len(text)
        if self._room >= 0:
            self._sent.setdefault(key, []).append(text)
        else:
            # Too long to keep: events that repeat it are transformed anew, which comes to the same.
            self._sent.clear()

    def _finish(self, key: Hashable) -> bytes:
        """Ends a text; returns the event that carries what was held back of it, if anything was."""
        text, carrier = self._open.pop(key, (None, None))
        held = text.flush() if text else ""
        if not held or not carrier:
            return b""
        self._record(key, held)
        try:
            return carrier.carry(self._dialect.extra(carrier.payload, key, held))
        except Exception:  # A dialect from elsewhere that fails.
            self._fault.raised = True
            return b""

    def _release(self) -> bytes:
        return b"".join([self._finish(key) for key in list(self._open)])


def _dump(payload: dict[str, Any], encode: Callable[[Any], bytes]) -> bytes:
    try:
        return encode(payload)
    except ValueError:  # A lone surrogate that a transformer made.
        return body.encode(payload)
