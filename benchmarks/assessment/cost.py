"""What assessment costs a server, beside what a bare Starlette route costs in the same process.

Rounds go by the clock of the traffic: a log of two weeks has two weeks of them, and each is as small as its traffic is thin.
"""

from __future__ import annotations

import gc
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import uvloop
from rich.table import Table

from antidistill.assessment import Assessor
from antidistill.assessment.loop import TICK
from antidistill.dialects.openai_chat import OpenAIChat
from antidistill.model import Answer, Request, Subject, Usage
from antidistill.replay import Log
from benchmarks import bench_middleware as middleware
from benchmarks.assessment.arrivals import Arrival, arrivals, generated
from benchmarks.assessment.generator import PATH
from benchmarks.assessment.memory import hot_table
from benchmarks.assessment.stalls import stall_table
from benchmarks.assessment.tables import console, table

SEED = b"known to all"

_GLANCE = 0.005
"""Seconds between two looks at whether the thread is done: looking costs time, too."""
_SLICE = 1_000
_BARE = 500
_LOOP = 40


def add(parser: ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("log", type=Path, nargs="?", metavar="LOG", help="traffic log; without, traffic of the generator's own making")
    parser.add_argument("--requests", type=int, default=60_000, metavar="N", help="requests of it (60000)")
    parser.add_argument("--accounts", type=int, default=20_000, metavar="N", help="accounts known where stalls are sought (20000)")


def run(args: Namespace) -> None:
    """Measures and prints."""
    traffic = arrivals(generated() if args.log is None else Log(args.log, print), args.requests)
    screen = console()
    # The traffic waits in memory, which no server's does: nothing should search it for garbage.
    gc.collect()
    gc.freeze()
    screen.print(uvloop.run(_costs(traffic)))
    screen.print(stall_table(traffic, args.accounts))
    screen.print(hot_table(args.accounts))


class Served:
    """An assessor fed as a server feeds it, on the clock of the traffic."""

    def __init__(self) -> None:
        self.now = 0.0
        self.assessor = Assessor(SEED, tick=TICK, clock=lambda: self.now)

    def submit(self, arrival: Arrival) -> None:
        """Reads a call and hands it over; waits for the thread where a round is due, so that no round is left out."""
        if arrival.request.ts // TICK > self.now // TICK:
            self.settle()
        self.now = max(self.now, arrival.request.ts)
        self.assessor.submit(arrival.exchange())

    def settle(self) -> None:
        """Waits until everything is learnt."""
        while self.assessor.waiting:
            time.sleep(_GLANCE)


async def _costs(traffic: Sequence[Arrival]) -> Table:
    bare = await _bare()
    added = [_added() / await _bare() for _ in range(_LOOP)]
    total, floor = await _total(traffic)
    made = table("CPU time of a request, µs", "", "µs", "× bare route")
    made.add_row("bare Starlette route, 1 KB", f"{bare:.1f}", "1.00")
    made.add_row("request loop: call read, exchange handed over", f"{bare * median(added):.1f}", f"{median(added):.2f}")
    made.add_row(f"everything, {len(traffic):,} requests learnt and published", f"{total:.1f}", f"{total / floor:.2f}")
    return made


async def _bare() -> float:
    """Microseconds of the bare route."""
    return (await middleware.measure(_CASE, _SCOPES, _BODIES, _BARE, 0)).loop


def _added() -> float:
    """Microseconds of the event loop's thread."""
    assessor = Assessor(SEED, tick=1e9)
    start = time.thread_time()
    for arrival in _KILOBYTES:
        assessor.submit(arrival.exchange())
    spent = time.thread_time() - start
    assessor.drain(60)
    assessor.close()
    return spent / len(_KILOBYTES) * 1e6


async def _total(traffic: Sequence[Arrival]) -> tuple[float, float]:
    """Microseconds of the process for a request, and of the bare route meanwhile."""
    served, spent, floors = Served(), 0.0, []
    for part in _slices(traffic):
        start = time.process_time()
        for arrival in part:
            served.submit(arrival)
        served.settle()
        spent += time.process_time() - start
        floors.append(await _bare())
    start = time.process_time()
    served.assessor.drain(60)
    spent += time.process_time() - start
    served.assessor.close()
    return spent / len(traffic) * 1e6, sum(floors) / len(floors)


def _slices(traffic: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
    return (traffic[start : start + _SLICE] for start in range(0, len(traffic), _SLICE))


def _kilobyte(number: int, body: bytes) -> Arrival:
    request = Request(f"r{number}", 0.0, "POST", PATH, body=body, body_state="whole")
    return Arrival(request, OpenAIChat(), Subject(f"account {number}", "", "", True), Answer(200, Usage(200, 400)))


_CASE = middleware.Case("bare app", middleware.bare(middleware.chat))
_SCOPES = middleware.scopes()
_BODIES = middleware.bodies()
_KILOBYTES = [_kilobyte(number, body) for number, body in enumerate(_BODIES)]
