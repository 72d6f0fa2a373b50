"""How long the assessment thread keeps the interpreter to itself, and what a heartbeat on the event loop sees of it."""

from __future__ import annotations

import asyncio
import gc
import time
from array import array
from collections.abc import Iterable, Sequence

import msgspec
import uvloop
from rich.table import Table

from antidistill.assessment import Assessor
from antidistill.assessment.breath import HELD
from antidistill.assessment.loop import TICK
from antidistill.assessment.profile import PROFILED_AFTER
from benchmarks.assessment.arrivals import Arrival
from benchmarks.assessment.tables import table

_BEAT = 0.001
_IDLE_BEATS = 5_000
_PER_BEAT = 2
_PASSES = 3
_SHARES = (0.5, 0.99, 0.999, 1.0)


class Pieces(Assessor):
    """An assessor that notes the CPU time of each piece of work between two breaths, and goes on at once."""

    def watch(self) -> None:
        """Starts to note."""
        self.pieces: array[float] = array("d")
        self._breathe = self.breathe
        self._since = time.thread_time()

    def breathe(self) -> None:
        """Ends a piece."""
        self.pieces.append(time.thread_time() - self._since)
        self._since = time.thread_time()


def stall_table(traffic: Sequence[Arrival], accounts: int) -> Table:
    """Feeds an assessor that knows many accounts, a day of traffic in some seconds, beside a heartbeat of a millisecond."""
    idle, fed = uvloop.run(_beats(traffic, accounts))
    # The first pass fills the caches of the interpreter; in the others its garbage collections come in the same places.
    passes = [_pieces(traffic, accounts) for _ in range(1 + _PASSES)][1:]
    pieces = [min(times) for times in zip(*[pieces for pieces, _ in passes], strict=True)]
    made = table(f"stalls, ms, with {accounts:,} accounts known", "", *[f"{share:.1%}" if share < 1 else "most" for share in _SHARES])
    made.add_row("heartbeat late, nothing to assess", *_quantiles(idle))
    made.add_row("heartbeat late, assessing all the time", *_quantiles(fed))
    made.add_row(f"a piece of work, least CPU time of {_PASSES} passes, {len(pieces):,} pieces", *_quantiles(pieces))
    made.add_row("interpreter held: those pieces until it is let go", *_quantiles(_held(pieces)))
    made.add_row("a garbage collection of all that is known", "", "", "", *_quantiles([min(garbage for _, garbage in passes)])[-1:])
    return made


def _pieces(traffic: Sequence[Arrival], accounts: int) -> tuple[Sequence[float], float]:
    """CPU times of the pieces of work, which are the same in every pass: what other processes take from one, they leave in another.

    Also the CPU time of a full garbage collection at their end.
    """
    gc.collect()
    assessor = Pieces(b"known to all", tick=TICK, max_accounts=2 * accounts)
    _acquaint(assessor, traffic, accounts)
    assessor.watch()
    for arrival in traffic:
        assessor.advance(arrival.request.ts)
        assessor.learn(arrival.exchange())
        assessor.breathe()
    gc.collect()
    start = time.thread_time()
    gc.collect()
    return assessor.pieces, time.thread_time() - start


def _held(pieces: Iterable[float]) -> list[float]:
    """For how long the thread goes on before it lets go: until a breath finds the time up."""
    held, since = [], 0.0
    for piece in pieces:
        since += piece
        if since >= HELD:
            held.append(since)
            since = 0.0
    return held


async def _beats(traffic: Sequence[Arrival], accounts: int) -> tuple[list[float], list[float]]:
    now = 0.0
    assessor = Assessor(b"known to all", tick=TICK, max_accounts=2 * accounts, clock=lambda: now)
    _acquaint(assessor, traffic, accounts)
    idle = [await _beat() for _ in range(_IDLE_BEATS)]
    fed = []
    for arrival in traffic:
        now = max(now, arrival.request.ts)
        assessor.submit(arrival.exchange())
        while assessor.waiting > _PER_BEAT:
            fed.append(await _beat())
    assessor.close()
    return idle, fed


def _acquaint(assessor: Assessor, traffic: Sequence[Arrival], accounts: int) -> None:
    """Lets the assessor learn of accounts that all sent something, so that the first round is about all of them."""
    samples = [arrival.exchange() for arrival in traffic[:1000]]
    for number in range(accounts):
        for sample in samples[number % 7 :: len(samples) // PROFILED_AFTER][:PROFILED_AFTER]:
            subject = msgspec.structs.replace(sample.subject, account=f"known-{number}")
            assessor.learn(msgspec.structs.replace(sample, subject=subject))


async def _beat() -> float:
    start = time.perf_counter()
    await asyncio.sleep(_BEAT)
    return time.perf_counter() - start - _BEAT


def _quantiles(seconds: Sequence[float]) -> list[str]:
    ordered = sorted(seconds)
    return [f"{ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3:.3f}" for share in _SHARES]
