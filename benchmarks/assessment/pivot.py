"""How soon a known campaign is seen to turn to a new model.

A release is put into a log: from some day on each account of one campaign asks for a new model, beginning at a moment of its own within a
day, and one in twelve of all other accounts within three days. The log ends three days after the release.
"""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from antidistill.replay import Line, Log
from benchmarks.assessment.labels import Labels, load
from benchmarks.assessment.ours import complain, replay
from benchmarks.assessment.pace import DAY, HOUR
from benchmarks.assessment.tables import console, table

MODEL = "a-model-that-has-just-come-out"
_OTHERS = 1 / 12


def add(parser: ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("log", type=Path, metavar="LOG", help="a traffic log")
    parser.add_argument("--labels", type=Path, required=True, metavar="DIR-or-FILE", help="labels of its accounts")
    parser.add_argument(
        "--release", nargs="+", required=True, metavar="CAMPAIGN:DAY", help="whom a release moves, and on which day of the log"
    )
    parser.add_argument("--seed", type=int, default=3, metavar="N", help="seed of the moments (3)")


def run(args: Namespace) -> None:
    """Replays the log once for each release, and prints a row."""
    labels = load(args.labels)
    made = table(
        "turns to a new model, shipped policy",
        "campaign",
        "hours known\nbefore",
        "first request\n(hours)",
        "evidence\n(hours)",
        "delay\n(hours)",
    )
    for case in args.release:
        campaign, _, day = case.partition(":")
        made.add_row(campaign, *Turn(labels, campaign, float(day), args.seed).cells(args.log))
    console().print(made)


class Turn:
    """One campaign that turns to one new model.

    Args:
        labels: Who is who.
        campaign: Whom the release moves.
        day: Day of the log on which the model comes out.
        seed: Seed of the moments at which accounts begin with it.

    Attributes:
        release: Unix seconds at which it does, once the log is read.
        first: Unix seconds at which a member was first answered by it.
    """

    def __init__(self, labels: Labels, campaign: str, day: float, seed: int) -> None:
        self._rng = Random(seed)
        self._day = day
        self._members = {name for name, label in labels.items() if label.campaign == campaign}
        self._moments = {name: self._moment(name) for name in labels}
        self.release = math.inf
        self.first = math.inf

    def _moment(self, account: str) -> float:
        """Seconds after the release at which an account begins with the new model."""
        if account in self._members:
            return self._rng.random() * DAY
        return self._rng.random() * 3 * DAY if self._rng.random() < _OTHERS else math.inf

    def lines(self, log: Iterable[Line]) -> Iterator[Line]:
        """The log with the release in it."""
        for line in log:
            self.release = min(self.release, line.ts + self._day * DAY)
            since = line.ts - self.release
            if since <= 3 * DAY:
                yield self._turn(line) if since >= self._moments.get(line.account, math.inf) else line

    def _turn(self, line: Line) -> Line:
        if line.account in self._members and line.status == 200:
            self.first = min(self.first, line.ts + line.duration_s)
        return replace(line, body=turned(line.body))

    def cells(self, log: Path) -> tuple[str, ...]:
        """What came of it."""
        rows = [row for row in replay(self.lines(Log(log, complain))).campaigns() if not self._members.isdisjoint(row["accounts"])]
        since = min((row["first_detected_ts"] for row in rows), default=math.inf)
        evidence = [piece["ts"] for row in rows for piece in row["evidence"] if piece["kind"] == "release_pivot"]
        seen = min(evidence, default=math.inf)
        found = (self.release - since, self.first - self.release, seen - self.release, seen - self.first)
        return tuple([f"{seconds / HOUR:.2f}" if math.isfinite(seconds) else "-" for seconds in found])


def turned(body: Raw) -> Raw:
    """A body that asks for the new model."""
    asked: Any = msgspec.json.decode(body)
    return Raw(msgspec.json.encode({**asked, "model": MODEL})) if isinstance(asked, dict) else body
