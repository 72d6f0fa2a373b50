"""How long the assessment thread keeps the interpreter to itself, and what a heartbeat on the event loop sees of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
import uvloop
from rich.table import Table

from antidistill.assessment import Assessor
from antidistill.assessment.loop import TICK
from antidistill.assessment.profile import PROFILED_AFTER
from benchmarks.assessment.arrivals import Arrival
from benchmarks.assessment.tables import table

_BEAT = 0.001
_IDLE_BEATS = 5_000
_PER_BEAT = 2
_SHARES = (0.5, 0.99, 0.999, 1.0)


class Watched(Assessor):
    """An assessor that notes the CPU time of its thread from one breath to the next, which is what nobody can take from it."""

    def watch(self) -> None:
        """Starts to note."""
        self.stretches: list[float] = []
        self.since = 0.0
        self._start()
        breathe = self._breathe

        def noted() -> None:
            now = time.thread_time()
            self.stretches.append(now - self.since)
            breathe()
            self.since = time.thread_time()

        self._breathe = noted


def stall_table(traffic: Sequence[Arrival], accounts: int) -> Table:
    """Feeds an assessor that knows many accounts, a day of traffic in some seconds, beside a heartbeat of a millisecond."""
    idle, fed, stretches = uvloop.run(_beats(traffic, accounts))
    made = table(f"stalls, ms, with {accounts:,} accounts known", "", *[f"{share:.1%}" if share < 1 else "most" for share in _SHARES])
    made.add_row("heartbeat late, nothing to assess", *_quantiles(idle))
    made.add_row("heartbeat late, assessing all the time", *_quantiles(fed))
    made.add_row(f"CPU time between two breaths, {len(stretches):,} of them", *_quantiles(stretches))
    return made


async def _beats(traffic: Sequence[Arrival], accounts: int) -> tuple[list[float], list[float], list[float]]:
    now = 0.0
    assessor = Watched(b"known to all", tick=TICK, max_accounts=2 * accounts, clock=lambda: now)
    _acquaint(assessor, traffic, accounts)
    idle = [await _beat() for _ in range(_IDLE_BEATS)]
    assessor.watch()
    fed = []
    for arrival in traffic:
        now = max(now, arrival.request.ts)
        assessor.submit(arrival.exchange())
        while assessor.waiting > _PER_BEAT:
            fed.append(await _beat())
    assessor.close()
    return idle, fed, assessor.stretches


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
