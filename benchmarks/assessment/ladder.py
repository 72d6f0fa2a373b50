"""What is seen of attackers that evade more and more.

Every level sends its traffic beside the same honest traffic, through the guard with the shipped policy.
"""

from __future__ import annotations

import heapq
from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from operator import attrgetter
from random import Random

from rich.table import Table

from antidistill.replay import Findings, Replay
from benchmarks.assessment.attackers import LEVELS, Level, campaign
from benchmarks.assessment.generator import lines, stream
from benchmarks.assessment.honest import BackEnd, gateways, population
from benchmarks.assessment.ours import shipped
from benchmarks.assessment.outcome import Flag, Ledger, Outcome, outcome
from benchmarks.assessment.tables import console, part, percent, table
from benchmarks.assessment.words import Grammar


def add(parser: ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("--honest", type=int, default=1_500, metavar="N", help="honest accounts beside each attacker (1500)")
    parser.add_argument("--days", type=float, default=14.0, metavar="N", help="days of traffic (14)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="multiple of the attackers' accounts (1)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of all traffic (1)")
    parser.add_argument("--levels", nargs="+", metavar="L", help="only these levels, such as L8")


def run(args: Namespace) -> None:
    """Climbs the ladder, and prints a row for every level."""
    screen = console()
    made = empty_table(args.honest, args.days, args.seed)
    for level in LEVELS:
        if not args.levels or level.name.split()[0] in args.levels:
            made.add_row(*cells(level, climb(level, args.honest, args.days, args.scale, args.seed)))
    screen.print(made)


class Step:
    """What came of one level.

    Attributes:
        attackers: What was seen of the campaign.
        honest: Honest accounts.
        flagged: Those of them that were flagged.
        linked: Those of them that were linked to others.
        framed: What became of the account that was to be framed: `spared`, `flagged` or `linked`; empty where none was.
    """

    def __init__(self, ledger: Ledger, findings: Findings, framed: str | None) -> None:
        flags = {found.name: Flag(found.flagged, found.before or 0) for found in findings.accounts.values() if found.flagged is not None}
        groups = {found.name: found.campaign for found in findings.accounts.values() if found.campaign is not None}
        (accounts,) = ledger.extraction.values()
        self.attackers: Outcome = outcome(accounts, flags, groups)
        self.honest = len(ledger.cohorts)
        self.flagged = sum(account in flags for account in ledger.cohorts)
        self.linked = sum(account in groups for account in ledger.cohorts)
        self.framed = "" if framed is None else _fate(framed, flags, groups)


def climb(level: Level, honest: int, days: float, scale: float, seed: int) -> Step:
    """Replays one level. For a seed, honest traffic is the same in all of them.

    Args:
        level: The level.
        honest: How many honest accounts.
        days: Days of traffic.
        scale: Multiple of the level's accounts.
        seed: Seed of all traffic.
    """
    replay, ledger, grammar = Replay(shipped()), Ledger(), Grammar(seed)
    crowd = population(grammar, Random(f"honest {seed}"), honest, days)
    victim = next(source for source in crowd if type(source) is BackEnd)
    if level.refused:
        crowd += gateways(grammar, Random(f"gateways {seed}"), days, level.refused)
    operator = campaign(level, grammar, Random(f"{level.name} {seed}"), days, lambda account: _seen(account, replay), victim, scale)
    traffic = heapq.merge(stream(crowd, seed), stream(operator, seed), key=attrgetter("ts"))
    replay.run(lines(ledger.note(traffic)))
    return Step(ledger, replay.findings, victim.account if level.framing else None)


def empty_table(honest: int, days: float, seed: int) -> Table:
    """The table without its rows."""
    title = f"evasion ladder: {honest} honest accounts, {days:g} days, seed {seed}, shipped policy"
    return table(
        title,
        "level",
        "flagged",
        "in one campaign",
        "requests\nbefore flag",
        "extraction\nbefore 1st flag",
        "extraction\nunflagged",
        "honest\nflagged",
        "honest\nlinked",
        "framed",
    )


def cells(level: Level, step: Step) -> tuple[str, ...]:
    """One row of the table."""
    seen = step.attackers
    return (
        f"{level.name}: {level.trick}",
        part(seen.flagged, seen.accounts),
        part(seen.together, seen.accounts),
        f"{seen.before:.0f}" if seen.flagged else "-",
        percent(seen.first),
        f"{percent(seen.unseen)} of {seen.extraction:,}",
        part(step.flagged, step.honest),
        part(step.linked, step.honest),
        step.framed,
    )


def _seen(account: str, replay: Replay) -> bool:
    found = replay.findings.accounts.get(account)
    return found is not None and found.flagged is not None


def _fate(account: str, flags: Collection[str], groups: Collection[str]) -> str:
    return "flagged" if account in flags else "linked" if account in groups else "spared"
