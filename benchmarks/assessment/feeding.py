"""Worker processes that share a log: each has a guard as a server has, and takes its part of the exchanges."""

from __future__ import annotations

import asyncio
import heapq
import logging
import multiprocessing
from collections.abc import Iterable, Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event as Signal
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any

import msgspec

from antidistill.admission import Admission
from antidistill.assessment import RemoteAssessor
from antidistill.guard import Guard
from antidistill.model import Answer, Assessment
from antidistill.opening import open_guard
from antidistill.replay import Line
from antidistill.replay.replay import JSON, KEY

WORKERS = 4
BLOCK = 250
"""Exchanges that a worker takes at once."""

ENVIRON = {"ANTIDISTILL_MASTER_KEY": KEY.hex()}

Rows = dict[str, bytes]
Seen = tuple[float, str, float]
"""When an exchange began, whose it was, and when it ended."""


def copy_of(assessments: Iterable[Assessment]) -> Rows:
    return {assessment.account: msgspec.json.encode(assessment) for assessment in assessments}


def blocks(lines: Iterable[Line], seen: list[Seen]) -> Iterator[list[bytes]]:
    """Exchanges in the order in which they end, as a replay settles them; notes all."""
    flying: list[tuple[float, int, bytes]] = []
    block: list[bytes] = []
    for line in lines:
        seen.append((line.ts, line.account, line.ts + line.duration_s))
        while flying and flying[0][0] <= line.ts:
            block.append(heapq.heappop(flying)[2])
        heapq.heappush(flying, (line.ts + line.duration_s, len(seen), msgspec.json.encode(line)))
        while len(block) >= BLOCK:
            yield block[:BLOCK]
            del block[:BLOCK]
    yield block + [heapq.heappop(flying)[2] for _ in range(len(flying))]


class Feeders:
    """Worker processes that take blocks by turns."""

    def __init__(self, policy: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._queues: list[Queue[list[bytes] | None]] = [context.Queue(2) for _ in range(WORKERS)]
        self._turns = [context.Semaphore(int(number == 0)) for number in range(WORKERS)]  # they vanish with their last reference
        self._done = context.Event()
        self._out: Queue[Any] = context.Queue()
        self._processes = [context.Process(target=work, args=(policy, *self._ends(number)), daemon=True) for number in range(WORKERS)]
        for process in self._processes:
            process.start()

    def _ends(self, number: int) -> tuple[Any, ...]:
        """What the process of that number holds: its exchanges, its turn and the next one's, the end, and where it answers."""
        return self._queues[number], self._turns[number], self._turns[(number + 1) % WORKERS], self._done, self._out

    def feed(self, number: int, block: list[bytes]) -> None:
        """Gives the next block to the worker whose turn it is."""
        self._queues[number % WORKERS].put(block)

    def finish(self) -> float:
        """Waits until all is sent; gives the time of the last end."""
        for queue in self._queues:
            queue.put(None)
        ends: list[float] = [self._out.get(timeout=600) for _ in self._processes]
        return max(ends)

    def copies(self) -> list[Rows]:
        """What each worker knows of accounts in the end."""
        self._done.set()
        copies = [self._out.get(timeout=600) for _ in self._processes]
        for process in self._processes:
            process.join()
        return copies


def work(policy: Path, blocks: Queue[list[bytes] | None], mine: Semaphore, following: Semaphore, done: Signal, out: Queue[Any]) -> None:
    """A worker: reads its blocks beside the others, and settles them when it is their turn."""
    logging.getLogger("antidistill").addHandler(logging.NullHandler())
    guard = open_guard(str(policy), None, environ=ENVIRON)
    asyncio.run(serve(guard, blocks, mine, following, done, out))
    guard.close()


async def serve(
    guard: Guard, blocks: Queue[list[bytes] | None], mine: Semaphore, following: Semaphore, done: Signal, out: Queue[Any]
) -> None:
    assert isinstance(guard.assessor, RemoteAssessor)
    last = 0.0
    while (block := await asyncio.to_thread(blocks.get)) is not None:
        lines = [msgspec.json.decode(text, type=Line) for text in block]
        admissions = await asyncio.gather(*(admit(guard, line) for line in lines))
        await asyncio.to_thread(mine.acquire)
        for line, admission in zip(lines, admissions, strict=True):
            await guard.settle(admission, answer(guard, line, admission))
            last = max(last, line.ts + line.duration_s)
        if not await asyncio.to_thread(guard.assessor.drain, 60):
            raise TimeoutError("observations could not be sent")
        following.release()
    out.put(last)
    await asyncio.to_thread(done.wait)
    await asyncio.sleep(3)
    out.put(copy_of(guard.assessor.assessments()))


async def admit(guard: Guard, line: Line) -> Admission:
    dialect = guard.route(line.method, line.path)
    return await guard.admit(line.request(guard.policy.bounds.body_bytes if dialect is not None else 0), dialect)


def answer(guard: Guard, line: Line, admission: Admission) -> Answer:
    reader = guard.read(admission, JSON, b"")
    usage = None
    if reader is not None:
        reader.feed(bytes(line.response))
        usage = reader.usage()
    streamed = admission.call is not None and admission.call.stream
    return Answer(line.status, usage, streamed, duration=line.duration_s)
