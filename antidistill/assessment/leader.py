"""The assessment loop as a process of its own: one leads, others stand by and take over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import token_urlsafe

from antidistill.assessment.course import Course, Make, Publish, place
from antidistill.assessment.table import pack
from antidistill.assessment.vault import FileVault, StoreVault, ThreadVault, Vault
from antidistill.errors import SnapshotError, StoreError
from antidistill.model import Assessment, Clock
from antidistill.stores.redis import Channel, LeaseLost

AT_ONCE = 256
"""Entries that are read at once."""

IDLE = 0.2
"""Seconds for which a leader that has read everything waits."""

STANDBY = 1.0
"""Seconds between two tries to lead, or to reach a server that does not answer."""

_PAGE = 100

_log = logging.getLogger("antidistill")


class Leader:
    """Stands by until it leads; then reads the stream, assesses, publishes, and puts snapshots away.

    Args:
        channel: The way to the server; closed in the end.
        make: Makes an assessor.
        tell: Called with what is published, so that rules fire: once, but for what was published in the moment of a crash.
        know: Called with what an earlier leader published.
        key: Secret of snapshots.
        name: Name of this process. One with the name of an earlier one takes over at once; an empty one waits for the lease to run out.
        tick: Seconds between two publications.
        lease: Seconds after which others take over from a process that died.
        every: Seconds between two snapshots.
        vault: A file for snapshots; None puts them into the store.
        terms: Tells one policy from another.
        clock: Unix seconds.

    Attributes:
        leads: True while it leads.
        course: How far it has come.
    """

    def __init__(
        self,
        channel: Channel,
        make: Make,
        tell: Publish,
        know: Publish,
        *,
        key: bytes,
        name: str = "",
        tick: float = 600.0,
        lease: float = 60.0,
        every: float = 60.0,
        vault: FileVault | None = None,
        terms: Callable[[], str] = str,
        clock: Clock = time.time,
    ) -> None:
        self._channel = channel
        self._make = make
        self._tell = tell
        self._know = know
        self._key = key
        self._name = name
        self._tick = tick
        self._lease = lease
        self._every = every
        self._clock = clock
        self._terms = terms
        self._token = f"{name}/{token_urlsafe(9)}"
        self._vault: Vault = StoreVault(channel, self._token) if vault is None else ThreadVault(vault)
        self._due = 0.0
        self._told = "0-0"
        self._published = 0
        self._unsaved = False
        self.leads = False
        self.course = self._fresh()

    async def run(self, stop: asyncio.Event) -> None:
        """Leads whenever it may, until it is told to stop. Raises nothing for a server that does not answer."""
        try:
            await self._run(stop)
        finally:
            await self._channel.close()

    async def _run(self, stop: asyncio.Event) -> None:
        away = False
        while not stop.is_set():
            try:
                term = await self._channel.lead(self._token, self._name, self._lease)
                away = False
                if term is not None:
                    await self._lead(term, stop)
            except LeaseLost:
                _log.warning("another process assesses now: this one stands by")
            except StoreError as error:
                if not away:
                    _log.warning("nothing is assessed: %s; tried again every second", error)
                away = True
            await _pause(stop, STANDBY)

    # --- leading -----------------------------------------------------------------------------------------------------

    async def _lead(self, term: int, stop: asyncio.Event) -> None:
        heart = asyncio.create_task(self._beat(term))
        try:
            await self._restore()
            self.leads = True
            _log.warning("this process assesses now, from entry %s of the stream on", self.course.position)
            await self._go_on(term, stop)
            await self._publish()
            await self._save()
            await self._channel.resign(self._token)
        finally:
            self.leads = False
            await _end(heart)

    async def _beat(self, term: int) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            with suppress(StoreError):
                await self._channel.renew(self._token, term, self._lease)

    async def _go_on(self, term: int, stop: asyncio.Event) -> None:
        """Reads, assesses and publishes until it is told to stop. Where the server does not answer it waits, and knows what it knew."""
        begun = away = False
        while not stop.is_set():
            try:
                if not begun:
                    await self._channel.renew(self._token, term, self._lease)
                    await self._channel.begin(self._token, self.course.position)
                begun, away = True, False
                await self._step(stop)
            except LeaseLost:
                if not begun:
                    raise
                begun = False  # it has run out, or the server has forgotten it: unless another process leads, it is renewed
            except StoreError as error:
                begun = False  # what was sent and did not arrive is read again
                if not away:
                    _log.warning("assessment waits: %s", error)
                away = True
                await _pause(stop, STANDBY)

    async def _step(self, stop: asyncio.Event) -> None:
        await self._publish()
        if time.monotonic() >= self._due:
            await self._save()
        found = await self._channel.read(self._token, self.course.position, AT_ONCE)
        lost = self.course.lost
        await asyncio.to_thread(self.course.learn, found)
        if self.course.lost and not lost:
            _log.warning("some observations were lost before they were assessed: raise bounds.stream, or use a faster core")
        if not found.entries:
            await _pause(stop, IDLE)
            if (now := self.course.due(self._clock())) is not None:
                await self._channel.mark(self._token, now)

    # --- publishing --------------------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        """Publishes what was found, entry by entry; what an earlier leader told is not told again."""
        while (found := self.course.next()) is not None:
            entry, assessments = found
            if place(entry) > place(self._told):
                await self._put(assessments)
                self._tell(assessments)
                self._told = entry
                await self._channel.note(self._token, "told", entry)
            self.course.told(entry)

    async def _put(self, assessments: Sequence[Assessment]) -> None:
        for start in range(0, len(assessments), _PAGE):
            self._published = await self._channel.publish(self._token, pack(assessments[start : start + _PAGE]))

    async def _prune(self) -> None:
        """Takes back the assessments of accounts that were forgotten."""
        assessor = self.course.assessor
        if self._published <= len(assessor.assessments()):
            return
        async for accounts in self._channel.accounts():
            if gone := [account for account in accounts if assessor.latest(account) is None]:
                await self._channel.withdraw(self._token, gone)
        self._published = (await self._channel.since(0, 1)).published

    # --- snapshots ---------------------------------------------------------------------------------------------------

    async def _restore(self) -> None:
        """Goes on where the last snapshot ends; where it cannot be used, begins anew and says so."""
        self.course = self._fresh()
        data = await self._vault.load()
        if data is not None:
            try:
                await asyncio.to_thread(self.course.restore, data, self._key)
            except SnapshotError as error:
                self.course = self._fresh()
                _log.error("%s: %s, and assessment begins anew with what is still in the stream", error, await self._vault.refuse())
        self._due = time.monotonic() + self._every
        self._told = await self._channel.recall("told") or "0-0"
        known = self.course.assessor.assessments()
        if self.course.terms == self._terms():  # under other rules, there is more to tell
            self._know(known)
        self._published = (await self._channel.since(0, 1)).published
        if self._published < len(known):  # the store has lost what was published
            await self._put(known)

    def _fresh(self) -> Course:
        return Course(self._make, self._tick)

    async def _save(self) -> None:
        """Puts a snapshot away. Where that is not possible it says so once, and the stream keeps what a successor has to read."""
        self._due = time.monotonic() + self._every
        try:
            await self._put_away()
            self._unsaved = False
        except (OSError, SnapshotError) as error:
            if not self._unsaved:
                _log.error("no snapshot can be put away (%s): a successor will know only what is still in the stream", error)
            self._unsaved = True

    async def _put_away(self) -> None:
        self.course.terms = self._terms()
        position = self.course.position
        await self._vault.save(self.course.snapshot(self._key))
        await self._channel.settle(self._token, position)
        await self._prune()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels a task for good: before Python 3.12, `asyncio.wait_for`, which clients use, may swallow a cancellation (gh-86296)."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
