"""The record: observations without text, on disk, for trying a policy on one's own traffic later.

A file begins with a header. Hashes are keyed: only records of one key can be read together, which the header's check value tells.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from antidistill.assessment.observation import Observation
from antidistill.assessment.rotation import Rotation
from antidistill.keyring import Keyring
from antidistill.model import Clock

VERSION = 1
"""Of the format, and of what the hashes in it mean."""

NAME = "observations"
"""What the names of files begin with."""

_WAITING = 4096
_BATCH = 64
_GATHER = 0.5
_PATIENCE = 5.0
_CHECK_DIGITS = 16

_log = logging.getLogger("antidistill")


class RecordConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether observations are kept on disk. They hold no text: ids, times, counts and keyed hashes.

    Attributes:
        folder: Where the files go, such as /var/lib/antidistill/record; null keeps none. Processes may share it.
        file_bytes: Bytes of a file, before it is compressed, after which the next one begins.
        file_seconds: Seconds after which the next one begins.
        files: Files that stay in the folder; the oldest are deleted.
    """

    folder: str | None = None
    file_bytes: Annotated[int, Meta(ge=1 << 16, le=1 << 34)] = 256 << 20
    file_seconds: Annotated[float, Meta(ge=60, le=31_536_000)] = 86_400.0
    files: Annotated[int, Meta(ge=1, le=100_000)] = 60


class Header(Struct, frozen=True, kw_only=True):
    """The first line of a record.

    Attributes:
        antidistill: What the file is.
        version: Version of the format.
        check: Tells keys apart, and nothing about them.
    """

    antidistill: str = "record"
    version: int = VERSION
    check: str


def check_of(keyring: Keyring) -> str:
    """The value that tells whether two records were hashed with one key."""
    return keyring.derive("record").hex()[:_CHECK_DIGITS]


class Recorder:
    """Takes observations in and writes them on a thread of its own, which begins with the first one.

    Args:
        config: Where to, and how much; its folder is set.
        keyring: The ring whose newest key the hashes are made with.
        clock: Unix seconds.

    Attributes:
        lost: Observations that are not in the record, because too many waited or the file could not be written.

    Raises:
        OSError: The folder cannot be made or written to.
    """

    def __init__(self, config: RecordConfig, keyring: Keyring, clock: Clock) -> None:
        self.lost = 0
        header = msgspec.json.encode(Header(check=check_of(keyring)))
        self._files = Rotation(
            Path(config.folder or "."),
            NAME,
            header,
            size=config.file_bytes,
            age=config.file_seconds,
            keep=config.files,
            clock=clock,
        )
        self._encode = msgspec.json.Encoder().encode
        self._waiting: deque[Observation] = deque()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._complained = False

    def add(self, observation: Observation) -> None:
        """Takes an observation, or counts it as lost where too many wait. Never waits, never raises; any thread may call it."""
        if len(self._waiting) >= _WAITING or self._closed.is_set():
            self.lost += 1
            return
        self._waiting.append(observation)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="antidistill-record", daemon=True)
            self._thread.start()
        self._wake.set()

    def end(self) -> None:
        """Takes nothing more; what waits is still written."""
        self._closed.set()
        self._wake.set()

    def close(self) -> None:
        """Writes what waits, and ends the file and the thread."""
        self.end()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait()
            self._wake.clear()
            self._closed.wait(_GATHER)  # a compressed block for every line would compress nothing
            while self._waiting:
                self._write([self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))])
        self._end()

    def _write(self, batch: list[Observation]) -> None:
        try:
            self._files.write([self._encode(observation) for observation in batch])
        except Exception as error:
            self._fail(len(batch), error)

    def _end(self) -> None:
        try:
            self._files.close()
        except OSError as error:
            self._fail(0, error)

    def _fail(self, lost: int, error: Exception) -> None:
        self.lost += lost
        if not self._complained:  # without the message: it may quote what was to be written
            self._complained = True
            reason = getattr(error, "strerror", None) or type(error).__name__
            _log.error("the record cannot be written (%s): check record.folder and its disk; further failures are only counted", reason)
