"""JSON Lines with texts, plain or gzip: read row by row, every broken one named."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

SHOWN = 20
"""Broken rows that are named; the rest are counted."""

_GZIP = b"\x1f\x8b"
_decode = msgspec.json.Decoder(dict[str, Raw]).decode


class Row(Struct):
    """One row.

    Attributes:
        number: Its line, from 1.
        raw: The line as it stands, without its end.
        fields: Its fields as they stand; empty where the line is broken.
        fault: What is wrong with it, or nothing.
    """

    number: int
    raw: bytes
    fields: dict[str, Raw]
    fault: str = ""

    def text(self, name: str) -> str | None:
        """The text of a field; None where there is none."""
        value = json.loads(bytes(self.fields[name])) if name in self.fields else None
        return value if isinstance(value, str) else None

    def with_text(self, name: str, text: str) -> bytes:
        """The line with another text in a field; everything else stays byte for byte."""
        return msgspec.json.encode({**self.fields, name: Raw(_encode(text))})


class Rows:
    """The rows of a file.

    Args:
        path: The file; gzip shows in its first bytes.
        wants: Fields that have to be texts.
        quiet: True where broken rows were named already.

    Raises:
        OSError: It cannot be read.
    """

    def __init__(self, path: Path, wants: tuple[str, ...] = ("text",), quiet: bool = False) -> None:
        self.count = 0
        self.broken = 0
        self.size = path.stat().st_size
        self._path = path
        self._wants = wants
        self._quiet = quiet
        self._file: BufferedReader | None = None

    @property
    def position(self) -> int:
        """Bytes of the file that were read."""
        return 0 if self._file is None else self._file.tell()

    def __iter__(self) -> Iterator[Row]:
        """Reads the file; broken rows come too, and are named on stderr."""
        with self._path.open("rb") as self._file:
            packed = self._file.peek(2)[:2] == _GZIP
            try:
                for number, line in enumerate(gzip.GzipFile(fileobj=self._file) if packed else self._file, 1):
                    raw = line.rstrip(b"\r\n")
                    if raw.strip():
                        self.count += 1
                        yield self._row(number, raw)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise OSError(0, f"the compressed file ends early or is damaged ({error})", str(self._path)) from error
        if self.broken > SHOWN and not self._quiet:
            print(f"{self._path}: {self.broken - SHOWN:,} more broken rows", file=sys.stderr)

    def _row(self, number: int, raw: bytes) -> Row:
        row = read(number, raw, self._wants)
        if row.fault:
            self.broken += 1
            if self.broken <= SHOWN and not self._quiet:
                print(f"{self._path}:{number}: {row.fault}", file=sys.stderr)
        return row


def read(number: int, raw: bytes, wants: tuple[str, ...]) -> Row:
    """Reads a line."""
    try:
        row = Row(number, raw, _fields(raw))
        missing = next((name for name in wants if row.text(name) is None), None)
    except (ValueError, RecursionError) as error:
        return Row(number, raw, {}, f"this is not a JSON object in UTF-8 ({error})")
    return row if missing is None else Row(number, raw, {}, f"the row has no text in {missing!r}")


@contextmanager
def progress(task: str, shown: str = "texts") -> Iterator[tuple[Progress, Any]]:
    """A progress bar where somebody is watching; its total is set by the caller."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(f"{{task.fields[count]:,}} {shown}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar, bar.add_task(task, total=None, count=0)


def watched(rows: Rows, task: str) -> Iterator[Row]:
    """The rows of a file, with a progress bar where somebody is watching."""
    with progress(task) as (bar, number):
        for row in rows:
            yield row
            bar.update(number, total=rows.size, completed=rows.position, count=rows.count)


def _fields(raw: bytes) -> dict[str, Raw]:
    try:
        return _decode(raw)
    except msgspec.DecodeError:  # which lone surrogates are to msgspec, though JSON can carry them
        if isinstance(value := json.loads(raw), dict):
            return {name: Raw(_encode(part)) for name, part in value.items()}
        raise


def _encode(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return json.dumps(value).encode()
