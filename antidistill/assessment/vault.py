"""Where snapshots are put away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from antidistill.assessment.breath import Breath
from antidistill.stores.redis import Channel

PIECE = 1 << 20
"""Bytes that one step puts into a store: it holds the server up for a millisecond."""


class Vault(Protocol):
    """Where a leader puts its snapshots."""

    async def load(self) -> bytes | None:
        """Reads the snapshot; None where there is none."""
        ...

    async def save(self, pieces: Iterable[bytes]) -> None:
        """Writes one in its place."""
        ...

    async def refuse(self) -> str:
        """Takes one out of the way that cannot be used, and says what becomes of it."""
        ...


class FileVault:
    """A file, which is always whole: a new snapshot takes the place of the old one in one step.

    Args:
        path: The file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path.with_name(f"{path.name}.new")

    def check(self) -> None:
        """Raises `OSError` where nothing can be written."""
        self._open().close()
        self._new.unlink()

    def load(self) -> bytes | None:
        """Reads it; None where there is none. Raises `OSError` where it cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def save(self, pieces: Iterable[bytes]) -> None:
        """Writes it; raises `OSError` where that is not possible, and leaves the old one as it is."""
        breathe = Breath()
        with self._open() as file:
            for piece in pieces:
                file.write(piece)
                breathe()
            file.flush()
            os.fsync(file.fileno())
        self._new.replace(self.path)

    def refuse(self) -> str:
        """Sets a snapshot aside that cannot be used, and says where it is."""
        aside = self.path.with_name(f"{self.path.name}.refused")
        self.path.replace(aside)
        return f"it is kept as {aside}"

    def _open(self) -> BinaryIO:
        return open(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


class ThreadVault:
    """A file that a thread reads and writes, so that nobody waits.

    Args:
        file: The file.
    """

    def __init__(self, file: FileVault) -> None:
        self._file = file

    async def load(self) -> bytes | None:
        """Reads it."""
        return await asyncio.to_thread(self._file.load)

    async def save(self, pieces: Iterable[bytes]) -> None:
        """Writes it."""
        await asyncio.to_thread(self._file.save, pieces)

    async def refuse(self) -> str:
        """Sets it aside."""
        return self._file.refuse()


class StoreVault:
    """A Redis or Valkey, in pieces, in two places by turns: the old snapshot stands until the new one does.

    Args:
        channel: The way there.
        token: Token of the leader.
    """

    def __init__(self, channel: Channel, token: str) -> None:
        self._channel = channel
        self._token = token

    async def load(self) -> bytes | None:
        """Reads it; None where there is none."""
        place, count = await self._current()
        pieces = [await self._channel.get(f"{place}:{number}") for number in range(count)]
        return b"".join(piece or b"" for piece in pieces) if pieces else None

    async def save(self, pieces: Iterable[bytes]) -> None:
        """Writes it."""
        place = 1 - (await self._current())[0]
        joined, count = iter(_joined(pieces)), 0
        while (piece := await asyncio.to_thread(next, joined, None)) is not None:
            await self._channel.put(self._token, f"{place}:{count}", piece)
            count += 1
        await self._channel.note(self._token, "snapshot", f"{place} {count}")

    async def refuse(self) -> str:
        """Forgets it."""
        place, _ = await self._current()
        await self._channel.note(self._token, "snapshot", f"{place} 0")
        return "it is forgotten"

    async def _current(self) -> tuple[int, int]:
        place, _, count = (await self._channel.recall("snapshot") or "0 0").partition(" ")
        return int(place), int(count)


def _joined(pieces: Iterable[bytes]) -> Iterable[bytes]:
    held, breathe = bytearray(), Breath()
    for piece in pieces:
        held += piece
        breathe()
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
