"""Traffic logs: JSON Lines, plain or gzip, one exchange a line; and records, one observation a line."""

from __future__ import annotations

import gzip
import heapq
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import Struct

from antidistill.replay.line import LINE_BYTES, Line, decode
from antidistill.replay.record import Entry, RecordError, header_of, in_order, line_of, read_entry

_GZIP = b"\x1f\x8b"


class Broken(Struct, frozen=True):
    """A line that cannot be used.

    Attributes:
        path: The log.
        number: The line, from 1.
        reason: What is wrong with it.
    """

    path: Path
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.reason}"


class Log:
    """One log file, read once, line by line, in constant memory. It is closed at its end.

    Args:
        path: The file; whether it is compressed shows in its first bytes.
        report: Called with every line that cannot be used. It is skipped.

    Attributes:
        size: Bytes of the file, 0 where it has no size (a pipe).

    Raises:
        OSError: At construction, where the file cannot be opened.
    """

    def __init__(self, path: Path, report: Callable[[Broken], None]) -> None:
        self.path = path
        self._report = report
        self._file = path.open("rb")
        self._seekable = self._file.seekable()
        self.size = os.fstat(self._file.fileno()).st_size if self._seekable else 0
        self._number = 0
        self._head: bytes | None = None

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._file.tell() if self._seekable and not self._file.closed else self.size

    @cached_property
    def check(self) -> str | None:
        """Check value of the key that a record was hashed with; None for a traffic log. Reads the first line.

        Raises:
            RecordError: It is a record of another version.
        """
        try:
            header = header_of(self._first())
        except RecordError as error:
            raise RecordError(f"{self.path}: {error}") from None
        return None if header is None else header.check

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __iter__(self) -> Iterator[Line]:
        """Lines by time; those of a record as well, which it holds by when exchanges ended."""
        return self._exchanges() if self.check is None else self._observations()

    def _exchanges(self) -> Iterator[Line]:
        latest = 0.0
        for text in self._texts():
            try:
                line = decode(text)
            except (ValueError, RecursionError) as error:
                self._skip(str(error))
                continue
            if line.ts < latest:
                self._skip(f"its ts {line.ts} is before {latest}, that of an earlier line: sort the log by ts")
                continue
            latest = line.ts
            yield line
        self.close()

    def _texts(self) -> Iterator[bytes]:
        """Non-empty lines; keeps the count of lines and reports those that no memory should be spent on."""
        text = self._first()
        while text:
            self._number += 1
            if len(text) == LINE_BYTES and not text.endswith(b"\n"):
                self._skip(f"it is longer than {LINE_BYTES >> 20} MiB")
                while text and not text.endswith(b"\n"):
                    text = self._next()
            elif not text.isspace():
                yield text
            text = self._next()

    def _observations(self) -> Iterator[Line]:
        for entry in in_order(self._entries()):
            yield line_of(entry, self.path.name)
        self.close()

    def _entries(self) -> Iterator[Entry]:
        for text in self._texts():
            try:
                header = header_of(text)
                if header is None:
                    yield read_entry(text, self._number)
                elif header.check != self.check:
                    self._skip("a record of another key begins here; give each a file of its own")
                    return
            except (ValueError, RecordError) as error:
                self._skip(str(error))

    def _first(self) -> bytes:
        if self._head is None:
            self._stream = self._open()
            self._head = self._next()
        return self._head

    def _open(self) -> BinaryIO:
        return cast(BinaryIO, gzip.GzipFile(fileobj=self._file)) if self._file.peek(2).startswith(_GZIP) else self._file

    def _next(self) -> bytes:
        try:
            return self._stream.readline(LINE_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            self._number += 1
            self._skip(f"the file cannot be read from here on: {error}")
            return b""

    def _skip(self, reason: str) -> None:
        self._report(Broken(self.path, self._number, reason))


def agree(logs: Sequence[Log]) -> str | None:
    """The check value that all logs share; None where they are traffic logs.

    Raises:
        RecordError: Hashes of different keys are among them: nothing in one would be met again in another.
    """
    first = logs[0]
    for other in logs[1:]:
        if other.check != first.check:
            raise RecordError(
                f"{first.path} and {other.path} cannot be replayed together: {_hashing(first)}, {_hashing(other)}. "
                "Replay those of one key at a time"
            )
    return first.check


def _hashing(log: Log) -> str:
    return f"{log.path.name} is a traffic log" if log.check is None else f"{log.path.name} is a record of key {log.check}"


def merge(logs: Iterable[Log]) -> Iterator[Line]:
    """Lines of all logs in the order of time, and of one moment in the order of the logs."""
    return heapq.merge(*logs, key=_ts)


def _ts(line: Line) -> float:
    return line.ts
