"""What processes that assess together share in Redis or Valkey: observations one way, assessments the other, as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import Struct

from antidistill.errors import StoreError
from antidistill.stores.redis.connect import connect, disconnect
from antidistill.stores.redis.script import ASSESSING, Script

FORGET = 7 * 86_400
"""Seconds after which all of it is forgotten, where nobody sends, assesses or publishes any more."""

TIMEOUT = 5.0
"""Seconds for one step; no request waits for any."""

_LOST = -1


class LeaseLost(StoreError):
    """Another process leads now."""


class Entry(Struct, frozen=True):
    """One entry of the stream.

    Attributes:
        id: Its place in the stream.
        observation: An observation, or nothing where the entry only tells the time.
        time: Unix seconds that have come, where it only tells the time.
    """

    id: str
    observation: bytes = b""
    time: float = 0.0

    @property
    def arrived(self) -> float:
        """Unix seconds of the server at which it was appended."""
        return int(self.id.partition("-")[0]) / 1000


class Read(Struct, frozen=True):
    """What a look into the stream gave.

    Attributes:
        removed: Entries that were ever removed from it.
        added: Entries that were ever appended to it.
        entries: Those that come next.
    """

    removed: int
    added: int
    entries: list[Entry]


class News(Struct, frozen=True):
    """Assessments since a version.

    Attributes:
        led: True where a process assesses.
        published: Assessments in the table.
        version: The version that is reached with these.
        assessments: The assessments.
    """

    led: bool
    published: int
    version: int
    assessments: list[bytes]


class Channel:
    """One deployment's share of a server: every step is one script, whole or not at all.

    What the leader does goes with its token, and fails where another process has the lease by now. Whatever goes wrong is a `StoreError`.

    Args:
        url: The server; see `connect`.
        name: Keeps deployments apart: the same for all processes with one key ring.
        sender: Unique name of this process.

    Raises:
        StoreError: The client library is not installed, or the URL cannot be read.
    """

    def __init__(self, url: str, name: str, sender: str) -> None:
        self._client = connect(url)
        self._script = Script(self._client, ASSESSING)
        self._prefix = f"antidistill:{{{name}}}"
        self._keys = [f"{self._prefix}:{part}" for part in ("observations", "lease", "assessments", "order", "state", f"sent:{sender}")]

    async def close(self) -> None:
        """Closes the connections."""
        await disconnect(self._client)

    # --- workers -----------------------------------------------------------------------------------------------------

    async def send(self, number: int, bound: int, observations: Sequence[bytes]) -> tuple[int, bool]:
        """Appends observations, once however often a batch of one number is sent.

        Returns:
            How many are in the stream, and whether anybody assesses them.
        """
        waiting, led = await self._run("send", number, bound, *observations)
        return waiting, bool(led)

    async def since(self, version: int, most: int) -> News:
        """Asks for the assessments published since a version, the earliest first; 0 asks for all."""
        led, published, reached, found = await self._run("since", version, most)
        return News(bool(led), published, reached, [each for each in found if each])

    # --- the lease ---------------------------------------------------------------------------------------------------

    async def lead(self, token: str, name: str, seconds: float) -> int | None:
        """Takes the lease where it is free, or was that of an earlier process of the same name; gives its term, or None."""
        term: int = await self._run("lead", token, name, int(seconds * 1000))
        return None if term == _LOST else term

    async def renew(self, token: str, term: int, seconds: float) -> None:
        """Keeps the lease."""
        await self._bound("renew", token, int(seconds * 1000), term)

    async def resign(self, token: str) -> None:
        """Gives the lease back."""
        await self._bound("resign", token)

    # --- the leader --------------------------------------------------------------------------------------------------

    async def begin(self, token: str, position: str) -> None:
        """Begins to read after a position."""
        await self._bound("begin", token, position)

    async def read(self, token: str, position: str, most: int) -> Read:
        """Reads on. The position tells where, in case the server has lost everything."""
        removed, added, found = await self._bound("read", token, position, most)
        return Read(removed, added, [_entry(id, dict(zip(fields[::2], fields[1::2], strict=True))) for id, fields in found if fields])

    async def mark(self, token: str, time: float) -> None:
        """Appends that time has passed, so that whoever reads the stream again comes to the same."""
        await self._bound("mark", token, repr(time))

    async def settle(self, token: str, position: str) -> None:
        """Removes what lies before a position."""
        await self._bound("settle", token, position)

    async def publish(self, token: str, assessments: Sequence[tuple[str, bytes]]) -> int:
        """Publishes assessments by account; tells how many accounts have one."""
        _, count = await self._bound("publish", token, *(part for pair in assessments for part in pair))
        return int(count)

    async def withdraw(self, token: str, accounts: Sequence[str]) -> None:
        """Takes assessments back."""
        await self._bound("withdraw", token, *accounts)

    async def accounts(self) -> AsyncIterator[list[str]]:
        """The accounts with a published assessment, some at a time."""
        cursor = "0"
        while True:
            following, found = await self._run("accounts", cursor)
            yield [account.decode() for account in found]
            cursor = following.decode()
            if cursor == "0":
                return

    async def note(self, token: str, field: str, value: str) -> None:
        """Remembers something."""
        await self._bound("note", token, field, value)

    async def recall(self, field: str) -> str | None:
        """Tells what was remembered."""
        value: bytes | None = await self._run("recall", field)
        return None if value is None else value.decode()

    # --- pieces of a snapshot ----------------------------------------------------------------------------------------

    async def put(self, token: str, piece: str, data: bytes) -> None:
        """Puts a piece away, in place of an earlier one of that name."""
        await self._bound("put", token, data, piece=piece)

    async def get(self, piece: str) -> bytes | None:
        """Gets a piece, or None."""
        data: bytes | None = await self._run("get", piece=piece)
        return data

    # --- steps -------------------------------------------------------------------------------------------------------

    async def _bound(self, step: str, token: str, *args: Any, piece: str = "") -> Any:
        reply = await self._run(step, token, *args, piece=piece)
        if reply == _LOST:
            raise LeaseLost("another process assesses now")
        return reply

    async def _run(self, step: str, *args: Any, piece: str = "") -> Any:
        keys = [*self._keys, f"{self._prefix}:piece:{piece}"] if piece else self._keys
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._script.run(keys, step, FORGET, *args)
        except Exception as error:  # clients raise much, and none of it is for hosts
            raise StoreError(f"the store does not answer ({type(error).__name__})") from error


def _entry(id: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(id.decode(), fields.get(b"o", b""), float(fields.get(b"t", 0.0)))
