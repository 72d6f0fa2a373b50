"""Undoes gzip and deflate piece by piece, so that a small input cannot become a large one in memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PIECE = 1 << 16
"""Most bytes that one step makes."""

_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_RAW = -15
_HEADER = 2


def inflatable(encoding: bytes) -> bool:
    """True for a content encoding, in lower case, that can be undone here."""
    return encoding in _WINDOW_BITS


class Inflater:
    """Decompressor of one body.

    Args:
        encoding: A content encoding that is `inflatable`.
    """

    def __init__(self, encoding: bytes) -> None:
        self._deflate = encoding == b"deflate"
        self._engine = zlib.decompressobj(_WINDOW_BITS[encoding])
        self._head = b""

    @property
    def whole(self) -> bool:
        """True once the compressed stream has ended, with nothing after it."""
        return self._engine.eof and not self._engine.unused_data

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yields what the chunk adds, at most `PIECE` bytes at a time.

        Raises:
            zlib.error: The input is not of this encoding, or goes on after its end.
        """
        piece = b""
        # A full piece may leave output behind although all input is taken in.
        while chunk or len(piece) == PIECE:
            if self._engine.eof:
                self._go_on()
            piece = self._step(chunk)
            if piece:
                yield piece
            chunk = self._engine.unconsumed_tail or self._engine.unused_data
            if self._engine.eof and not chunk:
                return

    def _go_on(self) -> None:
        """Begins the next member: gzip allows several, one after another (RFC 1952, 2.2), deflate does not."""
        if self._deflate:
            raise zlib.error("data after the end of the compressed stream")
        self._engine = zlib.decompressobj(_WINDOW_BITS[b"gzip"])

    def _step(self, chunk: bytes) -> bytes:
        try:
            piece = self._engine.decompress(chunk, PIECE)
        except zlib.error:
            if not self._deflate or len(self._head) >= _HEADER:
                raise
            # Many senders of "deflate" leave out the zlib header that RFC 9110 asks for.
            self._engine = zlib.decompressobj(_RAW)
            piece = self._engine.decompress(self._head + chunk, PIECE)
        if len(self._head) < _HEADER:
            self._head += chunk[:_HEADER]
        return piece
