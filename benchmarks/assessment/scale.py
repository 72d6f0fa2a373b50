"""The assessment loop at the size of a published case: 16 million exchanges of 24,000 extracting accounts, beside 200,000 honest ones.

One process writes the traffic, this one runs the loop as a replay does: `learn` for every exchange, its text read and hashed as ever, and
`advance` on the log's clock. What stands before the loop in a server (dialects, identity, policy, quotas) is left out. Rules that read
assessments are tried on every publication, as the guard tries them.
"""

from __future__ import annotations

import resource
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random

import msgspec
from msgspec import Struct
from rich.table import Table

from antidistill.assessment import Assessor
from antidistill.assessment.profile import PROFILED_AFTER
from antidistill.model import Assessment, Facts, Subject
from antidistill.policy import decide_between
from benchmarks.assessment.attackers import Level, campaign
from benchmarks.assessment.generator import exchange, stream
from benchmarks.assessment.honest import population
from benchmarks.assessment.ours import shipped
from benchmarks.assessment.outcome import Flag, Ledger, outcome
from benchmarks.assessment.source import Sent, Source
from benchmarks.assessment.tables import console, part, percent, table
from benchmarks.assessment.words import Grammar

SEED = b"known to all"

_BATCH = 2_000
_STRIDE = 100_000
_TABLES = 1_000_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Sent]).decode

OPERATORS = (
    (1, 12.0, Level(name="hydra, 30 %", trick="", accounts=0, each=0, rho=0.3, hidden=True)),
    (1, 5.0, Level(name="shards", trick="", accounts=0, each=0, hidden=True)),
    (10, 0.2, Level(name="small shards", trick="", accounts=0, each=0)),
    (1, 2.0, Level(name="reworded", trick="", accounts=0, each=0, wording="reworded", hidden=True)),
    (1, 2.0, Level(name="aged", trick="", accounts=0, each=0, aged=7.0, hidden=True)),
    (1, 1.0, Level(name="people's questions", trick="", accounts=0, each=0, wording="question", hidden=True)),
)
"""How many operators of a kind there are, the share of all accounts that each has, and what they do."""


class Size(Struct, frozen=True):
    """How much traffic.

    Attributes:
        exchanges: Exchanges of extracting accounts.
        attackers: Extracting accounts.
        honest: Honest accounts; they send some 23 requests each, most of them by scripts.
        days: Time that it takes.
        seed: Seed of all traffic.
    """

    exchanges: int
    attackers: int
    honest: int
    days: float
    seed: int


def add(parser: ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("--exchanges", type=int, default=16_000_000, metavar="N", help="exchanges of extracting accounts (16000000)")
    parser.add_argument("--attackers", type=int, default=24_000, metavar="N", help="extracting accounts (24000)")
    parser.add_argument("--honest", type=int, default=200_000, metavar="N", help="honest accounts (200000)")
    parser.add_argument("--days", type=float, default=26.0, metavar="N", help="days of traffic (26)")
    parser.add_argument("--remembered", type=int, default=250_000, metavar="N", help="most accounts that the loop remembers (250000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of all traffic (1)")


def run(args: Namespace) -> None:
    """Runs the loop to the end of the traffic, and prints what it saw and what it cost."""
    size = Size(args.exchanges, args.attackers, args.honest, args.days, args.seed)
    screen = console()
    watch = Watch(args.remembered)
    for _ in watch.run(written_elsewhere(size)):
        screen.print(*watch.tables())
        sys.stdout.flush()


def sources(size: Size) -> list[Source]:
    """All accounts."""
    grammar, rng = Grammar(size.seed), Random(f"scale {size.seed}")
    found = population(grammar, rng, size.honest, size.days)
    shares = sum(count * share for count, share, _ in OPERATORS)
    each = round(size.exchanges / size.attackers)
    for count, share, level in OPERATORS:
        for number in range(count):
            name = level.name if count == 1 else f"{level.name} {number + 1}"
            accounts = max(2, round(size.attackers * share / shares))
            one = msgspec.structs.replace(level, name=name, accounts=accounts, each=each)
            found += campaign(one, grammar, rng, size.days, lambda account: False)
    return found


def written_elsewhere(size: Size) -> Iterator[Sent]:
    """The traffic, as another process writes it."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    writer = context.Process(target=_write, args=(there, size), daemon=True)
    writer.start()
    there.close()
    try:
        while batch := here.recv_bytes():
            yield from _decode(batch)
    finally:
        here.close()
        writer.join()


class Watch:
    """The loop under watch.

    Attributes:
        ledger: Who sent what.
        flags: Accounts that a rule of the shipped policy matched.
        groups: By account, the campaign that it was last linked to.
    """

    def __init__(self, remembered: int) -> None:
        self.ledger = Ledger()
        self.flags: dict[str, Flag] = {}
        self.groups: dict[str, str] = {}
        self._policy = shipped()
        self.assessor = Assessor(SEED, tick=self._policy.assessment.tick, max_accounts=remembered, publish=self._publish)
        self._seconds = self._cpu = 0.0

    def run(self, traffic: Iterable[Sent]) -> Iterator[int]:
        """Learns all traffic, and tells on stderr how far it is; gives their number after every million exchanges and after the last."""
        start, cpu, before = time.perf_counter(), time.process_time(), 0
        for number, sent in enumerate(self.ledger.note(traffic), 1):
            self.assessor.learn(exchange(sent))
            self.assessor.advance(sent.ts)
            if number % _STRIDE == 0:
                _tell(number, number - before, time.perf_counter() - start - self._seconds)
                before, self._seconds, self._cpu = number, time.perf_counter() - start, time.process_time() - cpu
                if number % _TABLES == 0:
                    yield number
        self._seconds, self._cpu = time.perf_counter() - start, time.process_time() - cpu
        yield self.ledger.requests.total()

    def tables(self) -> tuple[Table, ...]:
        """What it took so far, and what was seen."""
        return self.cost_table(), self.campaign_table(), self.honest_table()

    def cost_table(self) -> Table:
        """What it took."""
        count, accounts = self.ledger.requests.total(), len(self.ledger.requests)
        hot = sum(requests >= PROFILED_AFTER for requests in self.ledger.requests.values())
        made = table("cost of the loop", "", "")
        made.add_row("exchanges", f"{count:,} of {accounts:,} accounts, {hot:,} of them with a profile at some time")
        made.add_row("seconds", f"{self._seconds:,.0f}; CPU {self._cpu:,.0f}, {self._cpu / max(1, count) * 1e6:.0f} µs an exchange")
        made.add_row("exchanges a second", f"{count / max(self._seconds, 1e-9):,.0f}")
        made.add_row("memory at most", f"loop {_peak(resource.RUSAGE_SELF):,.0f} MiB, writer {_peak(resource.RUSAGE_CHILDREN):,.0f} MiB")
        made.add_row("failures", f"{self.assessor.failures:,}")
        return made

    def campaign_table(self) -> Table:
        """What was seen of every operator."""
        columns = ("flagged", "in one campaign", "requests\nbefore flag", "extraction\nbefore 1st flag", "extraction\nunflagged")
        made = table("extracting accounts", "operator", *columns)
        for name, accounts in self.ledger.extraction.items():
            seen = outcome(accounts, self.flags, self.groups)
            before = f"{seen.before:.0f}" if seen.flagged else "-"
            unseen = f"{percent(seen.unseen)} of {seen.extraction:,}"
            cells = (part(seen.flagged, seen.accounts), part(seen.together, seen.accounts), before, percent(seen.first), unseen)
            made.add_row(name, *cells)
        return made

    def honest_table(self) -> Table:
        """Whom it took for one of them."""
        made = table("honest accounts", "cohort", "flagged", "linked")
        cohorts: dict[str, list[str]] = {"all": list(self.ledger.cohorts)}
        for account, cohort in self.ledger.cohorts.items():
            cohorts.setdefault(cohort, []).append(account)
        for cohort, accounts in cohorts.items():
            flagged, linked = (sum(account in found for account in accounts) for found in (self.flags, self.groups))
            made.add_row(cohort, part(flagged, len(accounts)), part(linked, len(accounts)))
        return made

    def _publish(self, assessments: Sequence[Assessment]) -> None:
        for assessment in assessments:
            account = assessment.account
            facts = Facts(assessment.ts, subject=Subject(account, "", "", proven=True), assessment=assessment)
            if account not in self.flags and decide_between(self._policy, facts).matches:
                self.flags[account] = Flag(assessment.ts, self.ledger.requests[account])
            if assessment.campaign is not None:
                self.groups[account] = assessment.campaign.id
            else:
                self.groups.pop(account, None)


def _write(pipe: Connection, size: Size) -> None:
    """Writes the traffic in batches; an empty one ends it."""
    traffic = stream(sources(size), size.seed)
    while batch := list(islice(traffic, _BATCH)):
        pipe.send_bytes(_encode(batch))
    pipe.send_bytes(b"")
    pipe.close()


def _tell(number: int, count: int, seconds: float) -> None:
    rate = count / max(seconds, 1e-9)
    print(f"{number:,} exchanges, {rate:,.0f} a second, {_peak(resource.RUSAGE_SELF):,.0f} MiB", file=sys.stderr, flush=True)


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024
