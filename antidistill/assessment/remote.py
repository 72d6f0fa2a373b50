"""A worker's side of an assessment that runs in another process: observations go out, assessments come in."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import msgpack

from antidistill.assessment.breath import Breath
from antidistill.assessment.intake import Intake
from antidistill.assessment.loop import QUEUED_TEXT
from antidistill.assessment.observation import Observation, observe
from antidistill.assessment.table import Table
from antidistill.errors import StoreError
from antidistill.model import Assessment, Exchange
from antidistill.stores.redis import Channel
from antidistill.text.seeds import SeedFilters
from antidistill.text.sketch import seed_of

TOGETHER = 128
"""Observations that travel together."""

LINGER = 0.1
"""Seconds for which the first one waits for others."""

REFRESH = 1.0
"""Seconds after which a worker asks for new assessments."""

PAUSE = 2.0
"""Seconds for which a server that did not answer is left alone."""

UNASSESSED = 60.0
"""Seconds without a process that assesses, after which workers say so."""

_PAGE = 100

_log = logging.getLogger("antidistill")
_encode = msgpack.Encoder().encode


class RemoteAssessor:
    """What a worker has in place of an `Assessor`: a thread that reads exchanges, sends what it observed and keeps a copy of what is known.

    Where the server does not answer, observations wait, as many as `max_queue`, and exchanges as many more; then they are shed, those of
    busy accounts first. What was known stays in force.

    Args:
        seed: Secret of all hashes, the same for all processes.
        open_channel: Opens the way to the server; called on the thread.
        max_accounts: Most assessments in the copy.
        max_queue: Most exchanges that wait to be read.
        bound: Most observations that wait on the server.
        know: Called on the thread with assessments that were published.

    Attributes:
        failures: Exchanges that failed and were skipped.
        record: Called with every observation that an exchange made, or None.
        seeds: Knows the wording of seed corpora, or None.
        sent: Observations sent.
    """

    def __init__(
        self,
        seed: int | bytes,
        open_channel: Callable[[], Channel],
        *,
        max_accounts: int = 100_000,
        max_queue: int = 10_000,
        bound: int = 200_000,
        know: Callable[[Sequence[Assessment]], None] | None = None,
    ) -> None:
        self.failures = 0
        self.sent = 0
        self.record: Callable[[Observation], None] | None = None
        self.seeds: SeedFilters | None = None
        self._seed = seed_of(seed)
        self._open = open_channel
        self._max_queue = max_queue
        self._bound = bound
        self._know = know
        self._intake = Intake(max_queue, QUEUED_TEXT)
        self._outgoing: deque[bytes] = deque()
        self._batch: list[bytes] = []
        self._batches = 0
        self._accepted = 0  # counted by the event loop
        self._settled = 0  # counted by the thread: sent, or nothing to send
        self._thread: threading.Thread | None = None
        self._closed = False
        self._health = Health()
        self._breathe = Breath()
        self._table = Table(max_accounts, self._breathe)

    @property
    def shed(self) -> int:
        """Exchanges that were not taken because too much was waiting."""
        return self._intake.shed

    def assessments(self) -> list[Assessment]:
        """The latest assessment of every account that has one."""
        return self._table.all()

    # --- on the event loop -------------------------------------------------------------------------------------------

    def latest(self, account: str) -> Assessment | None:
        """Looks up what was last published about an account. The first to ask starts the thread."""
        if self._thread is None:
            self._start()
        return self._table.get(account)

    def submit(self, exchange: Exchange) -> None:
        """Hands an exchange to the thread. Never waits, never raises; sheds when there is too much."""
        if self._closed or not self._intake.put(exchange):
            return
        self._accepted += 1
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def drain(self, timeout: float) -> bool:
        """Waits until everything submitted was sent; False where that takes longer than `timeout` seconds."""
        until = time.monotonic() + timeout
        while self._settled < self._accepted:
            if time.monotonic() > until:
                return False
            time.sleep(LINGER / 10)
        return True

    def close(self) -> None:
        """Ends the thread, which sends what waits if it can at once."""
        self._closed = True
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    # --- on the thread -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="antidistill-observations", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        channel = self._open()
        due = pause = 0.0
        try:
            while not self._closed:
                now = time.monotonic()
                self._read()
                if now >= pause:
                    try:
                        await self._send(channel)
                        if now >= due:
                            due = now + REFRESH
                            await self._refresh(channel)
                        self._health.answered(self.shed)
                    except StoreError as error:
                        pause = time.monotonic() + PAUSE
                        self._health.failed(error, self.shed)
                await asyncio.sleep(LINGER)
            self._read()
            with suppress(StoreError):
                await self._send(channel)
        finally:
            with suppress(Exception):
                await channel.close()

    def _read(self) -> None:
        """Reads exchanges, as many as there is room for what comes of them."""
        while len(self._outgoing) < self._max_queue and (exchange := self._intake.take()) is not None:
            observation = self._observe(exchange)
            if observation is None:
                self._settled += 1
            else:
                self._outgoing.append(observation)
            self._breathe()

    def _observe(self, exchange: Exchange) -> bytes | None:
        try:
            observation = observe(exchange, self._seed, self.seeds)
            if observation is not None and self.record is not None:
                self.record(observation)
            return None if observation is None else _encode(observation)
        except Exception:
            self.failures += 1
            return None

    async def _send(self, channel: Channel) -> None:
        """Sends what waits. A batch that may have arrived goes again under its number, and counts once."""
        while self._batch or self._outgoing:
            if not self._batch:
                self._batch = [self._outgoing.popleft() for _ in range(min(TOGETHER, len(self._outgoing)))]
                self._batches += 1
            await channel.send(self._batches, self._bound, self._batch)
            self.sent += len(self._batch)
            self._settled += len(self._batch)
            self._batch = []
            self._read()

    async def _refresh(self, channel: Channel) -> None:
        while True:
            news = await channel.since(self._table.version, _PAGE)
            self._health.led(news.led)
            found = self._table.take(news.version, news.assessments)
            if found and self._know is not None:
                self._know(found)
            if len(news.assessments) < _PAGE:
                return


class Health:
    """Says once when something that has to run does not, and once when it does again."""

    def __init__(self) -> None:
        self._failed = False
        self._shed = 0
        self._alone: float | None = None

    def failed(self, error: StoreError, shed: int) -> None:
        """The server did not answer."""
        if not self._failed:
            self._failed, self._shed = True, shed
            _log.warning("observations wait, as %s; what is known of accounts stays in force", error)

    def answered(self, shed: int) -> None:
        """The server answered."""
        if self._failed:
            self._failed = False
            _log.warning("the store answers again: observations go out, %d exchanges were shed meanwhile", shed - self._shed)

    def led(self, led: bool) -> None:
        """Notes whether a process assesses."""
        now = time.monotonic()
        if led:
            if self._alone == 0.0:
                _log.warning("accounts are assessed again")
            self._alone = None
        elif self._alone is None:
            self._alone = now
        elif self._alone and now > self._alone + UNASSESSED:
            self._alone = 0.0
            _log.warning("nobody assesses accounts: run `antidistill assess --policy …` with the same ANTIDISTILL_MASTER_KEY")
