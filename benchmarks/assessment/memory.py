"""What the loop remembers of an account, in bytes, measured where they are allocated."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random

from rich.table import Table

from antidistill.assessment import Assessor
from antidistill.assessment.profile import PROFILED_AFTER
from benchmarks.assessment.attackers import Level, campaign
from benchmarks.assessment.generator import exchange, stream
from benchmarks.assessment.honest import BackEnd, Person
from benchmarks.assessment.pace import dealt
from benchmarks.assessment.source import Sent, Source
from benchmarks.assessment.tables import table
from benchmarks.assessment.words import Grammar

_PLACES = 8
_EACH = 16


def account_table(traffic: Sequence[Sent], run: Callable[[Sequence[Sent]], None]) -> Table:
    """Bytes that grew while the traffic was learnt, by account with a profile.

    Memory that all accounts share counts in full: the wording that tenants have in common (`frames.py`, `text/sketch.py`) grows with
    the wording, not with accounts. What the loop allocates once when it is made does not count.

    Args:
        traffic: What is learnt.
        run: Learns it.
    """
    requests = Counter(sent.account for sent in traffic)
    hot = sum(count >= PROFILED_AFTER for count in requests.values())
    places = _grown(lambda: run(traffic))
    made = table(f"memory of {hot:,} accounts with a profile, {len(traffic) / hot:,.0f} exchanges each", "allocated in", "bytes an account")
    made.add_row("everything that grew", f"{places.total() / hot:,.0f}")
    for place, size in places.most_common(_PLACES):
        made.add_row(place, f"{size / hot:,.0f}")
    return made


def hot_table(accounts: int) -> Table:
    """The same for so many accounts that are all busy: a tenth of them one operator's, and every other one a script with a template."""
    grammar, rng, days = Grammar(2), Random(2), 2.0
    level = Level(name="operator", trick="", accounts=accounts // 10, each=_EACH, rho=0.5, hidden=True)
    sources: list[Source] = campaign(level, grammar, rng, days, lambda account: False)
    for number in range(accounts - len(sources)):
        times = dealt(rng, _EACH, days)
        name = f"honest-{number}"
        sources.append(BackEnd(name, times, grammar, rng, grammar.template(rng)) if number % 2 else Person(name, times, grammar, rng))
    assessor = Assessor(b"known to all", max_accounts=accounts)
    return account_table(list(stream(sources, 2)), lambda traffic: _learn(assessor, traffic))


def _learn(assessor: Assessor, traffic: Iterable[Sent]) -> None:
    for sent in traffic:
        assessor.advance(sent.ts)
        assessor.learn(exchange(sent))


def _grown(work: Callable[[], None]) -> Counter[str]:
    """Bytes that work leaves behind, by file of the package."""
    gc.collect()
    tracemalloc.start()
    work()
    gc.collect()
    grown = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/antidistill/*")])
    tracemalloc.stop()
    places: Counter[str] = Counter()
    for found in grown.statistics("filename"):
        places[found.traceback[0].filename.rpartition("/antidistill/")[2]] += found.size
    return places
