"""Files that follow one another in a folder, compressed, and bounded in size, age and number."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from antidistill.model import Clock

SUFFIX = ".jsonl.gz"


class Rotation:
    """Writes lines to the newest file of a folder, and deletes the oldest ones. Several processes may share the folder.

    Whatever was written can be read after a crash, but for the last line.

    Args:
        folder: Where the files are; made where it is missing.
        name: What their names begin with.
        header: First line of every file.
        size: Bytes of a file, before compression, after which the next one begins.
        age: Seconds after which it does.
        keep: Files that stay.
        clock: Unix seconds.

    Raises:
        OSError: At construction, where the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, name: str, header: bytes, *, size: int, age: float, keep: int, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(folder))
        self._folder = folder
        self._name = name
        self._header = header
        self._size = size
        self._age = age
        self._keep = keep
        self._clock = clock
        self._numbers = count()
        self._file: gzip.GzipFile | None = None
        self._room = 0
        self._until = 0.0

    def write(self, lines: Sequence[bytes]) -> None:
        """Writes lines, which have no line ends, and sees to it that they are on the disk's side of the process.

        Raises:
            OSError: They cannot be written. The next call begins a new file.
        """
        try:
            file = self._current()
            data = b"".join([line + b"\n" for line in lines])
            file.write(data)
            file.flush()
            self._room -= len(data)
        except OSError:
            self._file = None
            raise

    def close(self) -> None:
        """Ends the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _current(self) -> gzip.GzipFile:
        if self._file is not None and self._room > 0 and self._clock() < self._until:
            return self._file
        self.close()
        self._file = file = gzip.GzipFile(self._path(), "xb")
        file.write(self._header + b"\n")
        self._room = self._size
        self._until = self._clock() + self._age
        self._forget()
        return file

    def _path(self) -> Path:
        began = datetime.fromtimestamp(self._clock(), UTC)
        return self._folder / f"{self._name}-{began:%Y%m%dT%H%M%S}-{os.getpid()}-{next(self._numbers)}{SUFFIX}"

    def _forget(self) -> None:
        """Names begin with the time, so their order is that of age."""
        for path in sorted(self._folder.glob(f"{self._name}-*{SUFFIX}"))[: -self._keep]:
            path.unlink(missing_ok=True)
