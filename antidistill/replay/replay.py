"""A guard on the clock of a log: the same code as live traffic goes through, without waiting."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Sequence
from math import inf
from typing import BinaryIO

from msgspec.structs import replace

from antidistill.admission import Admission
from antidistill.assessment import Assessor
from antidistill.assessment.record import RecordConfig
from antidistill.dialects import Dialect
from antidistill.guard import Guard
from antidistill.keyring import Keyring
from antidistill.model import Answer, Assessment, Clock, Exchange
from antidistill.policy import Policy
from antidistill.policy.sections import Alerts
from antidistill.replay.findings import Findings
from antidistill.replay.line import RECORDED, Line
from antidistill.replay.record import RECORDED_CALLS, recalled
from antidistill.stores import MemoryStore

KEY = b"antidistill replay: known to all"
"""Master key of every replay, so that one log and one policy always give the same bytes: it hides nothing from who has the log."""

JSON = b"application/json"


class Replay:
    """One replay.

    Args:
        policy: What to do, in the mode to do it in. Its store, its alert file and its record are left alone.
        decisions: Where decisions are written as they are made, or None.

    Attributes:
        findings: What was found so far.
        guard: The guard, for its counts of failures.
    """

    def __init__(self, policy: Policy, decisions: BinaryIO | None = None) -> None:
        self._now = 0.0
        self.findings = Findings(decisions)
        self.guard = _Noted(replace(policy, alerts=Alerts(), record=RecordConfig()), self.clock, self.findings)
        self._flying = Flying(policy.bounds.queue, policy.bounds.body_bytes_total)

    def clock(self) -> float:
        """The log's clock: Unix seconds."""
        return self._now

    def run(self, lines: Iterable[Line]) -> Findings:
        """Replays a log to its end.

        Args:
            lines: Exchanges in the order of time.
        """
        asyncio.run(self._run(lines))
        return self.findings

    def failures(self) -> dict[str, int]:
        """How often each stage failed and was skipped; `events` and `learning` among them."""
        counts = {
            **self.guard.failures,
            "events": self.guard.failures["events"] + self.guard.events.failures,
            "learning": self.guard.assessor.failures,
        }
        return {stage: count for stage, count in counts.items() if count}

    async def _run(self, lines: Iterable[Line]) -> None:
        for line in lines:
            while self._flying.due(line.ts):
                await self._land()
            self._reach(line.ts)
            account = self.findings.see(line)
            dialect = self.guard.route(line.method, line.path)
            if self.guard.watches(dialect):
                await self._exchange(line, dialect)
            account.requests += 1
        while self._flying:
            await self._land()
        self._reach(self._now + self.guard.policy.assessment.tick)
        self.guard.close()

    async def _exchange(self, line: Line, dialect: Dialect | None) -> None:
        request = line.request(self.guard.policy.bounds.body_bytes if dialect is not None else 0)
        admission = await self.guard.admit(request, dialect)
        self.findings.decide(line, admission.matches)
        if admission.reply is not None:
            await self.guard.settle(admission, Answer(admission.reply.status, ours=True))
            return
        self._flying.add(line.ts + admission.delay + line.duration_s, admission, self._answer(line, admission))
        while self._flying.full:
            await self._land(line.ts)

    def _answer(self, line: Line, admission: Admission) -> Answer:
        reader = self.guard.read(admission, JSON, b"")
        usage = None
        if reader is not None:
            reader.feed(bytes(line.response))
            usage = reader.usage()
        streamed = admission.call is not None and admission.call.stream
        return Answer(line.status, usage, streamed, duration=admission.delay + line.duration_s)

    async def _land(self, now: float = inf) -> None:
        """Settles the exchange that ends next, by `now` at the latest."""
        end, admission, answer = self._flying.pop()
        self._reach(min(end, now))
        await self.guard.settle(admission, answer)

    def _reach(self, now: float) -> None:
        """Lets time pass, and rounds of assessment with it."""
        self._now = max(self._now, now)
        self.guard.assessor.advance(self._now)


class _Noted(Guard):
    """A guard whose assessments are noted, and which takes recorded observations as they are."""

    assessor: Assessor

    def __init__(self, policy: Policy, clock: Clock, findings: Findings) -> None:
        self._findings = findings
        keyring = Keyring([KEY])
        store = MemoryStore(clock, policy.bounds.accounts)
        super().__init__(policy, keyring, store, clock=clock, hooks=(findings.hear,), synchronous=True)
        self._learn = self._recall

    def route(self, method: str, path: str) -> Dialect | None:
        """Finds the dialect of a line."""
        return RECORDED_CALLS if method == RECORDED else super().route(method, path)

    def publish(self, assessments: Sequence[Assessment]) -> None:
        """Notes assessments before rules go by them."""
        self._findings.assess(assessments)
        super().publish(assessments)

    def _recall(self, exchange: Exchange) -> None:
        if exchange.request.method == RECORDED:
            self.assessor.recall(recalled(exchange))
        else:
            self.assessor.learn(exchange)


class Flying:
    """Exchanges under way, by when they end. Bounded: beyond the bounds the next to end ends at once."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._heap: list[tuple[float, int, Admission, Answer]] = []
        self._most = most
        self._room = most_bytes
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def due(self, now: float) -> bool:
        """True where one ends by `now`."""
        return bool(self._heap) and self._heap[0][0] <= now

    @property
    def full(self) -> bool:
        """True where more are under way than are to be remembered."""
        return len(self._heap) > self._most or (self._room < 0 and len(self._heap) > 0)

    def add(self, end: float, admission: Admission, answer: Answer) -> None:
        """Remembers one until it ends."""
        self._count += 1
        self._room -= len(admission.request.body)
        heapq.heappush(self._heap, (end, self._count, admission, answer))

    def pop(self) -> tuple[float, Admission, Answer]:
        """Takes the next to end."""
        end, _, admission, answer = heapq.heappop(self._heap)
        self._room += len(admission.request.body)
        return end, admission, answer
