"""Four workers and `antidistill assess` on one real Redis beside one process: do they come to the same, also with a crash in mid-run?

A log is replayed in one process first. Then four processes share it: each has a guard as a server has, takes its part of the exchanges, and
sends what it observed to Redis, in the order in which the exchanges ended; a process of its own assesses and publishes. With `--kill` that
process is killed in the middle, and another one takes over. What comes out is compared row by row.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from rich.console import Console
from ruamel.yaml import YAML

from antidistill.model import Assessment, Event
from antidistill.policy import load_policy
from antidistill.replay import Findings, Line, Log, Replay
from antidistill.replay.findings import FLAG
from benchmarks.assessment.feeding import BLOCK, ENVIRON, Feeders, Rows, Seen, blocks, copy_of
from benchmarks.assessment.tables import table
from tests import redis_server

DEFAULT = Path(__file__).parents[2] / "antidistill" / "policy" / "default.yaml"


def add(parser: ArgumentParser) -> None:
    parser.add_argument("log", type=Path, metavar="LOG")
    parser.add_argument("--policy", type=Path, default=DEFAULT, help="the policy; its store and alert file are replaced")
    parser.add_argument("--kill", action="store_true", help="kill `antidistill assess` (-9) in the middle, and start another one")
    parser.add_argument("--most", type=int, help="exchanges, from the beginning of the log")


def run(args: Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = Lines(args.log, args.most)
        one = alone(lines, args.policy)
        with redis_server.running(Path(folder)) as url:
            several = together(lines, args.policy, Path(folder), url, args.kill)
        Console().print(compared(one, several))


class Lines:
    """The exchanges of a log, once more each time."""

    def __init__(self, path: Path, most: int | None) -> None:
        self._path = path
        self._most = most

    def __iter__(self) -> Iterator[Line]:
        with contextlib.closing(Log(self._path, lambda broken: None)) as log:
            yield from islice(log, self._most)


class Outcome(msgspec.Struct):
    """What an arrangement came to.

    Attributes:
        accounts: Rows of `--accounts`, by account.
        campaigns: Rows of `--campaigns`, by campaign.
        copies: What each process knows in the end, by account.
        seconds: How long it took.
        notes: What else there is to say.
    """

    accounts: Rows
    campaigns: Rows
    copies: list[Rows]
    seconds: float
    notes: dict[str, int] = {}


def outcome(findings: Findings, copies: list[Rows], seconds: float, notes: dict[str, int] | None = None) -> Outcome:
    accounts, campaigns = BytesIO(), BytesIO()
    findings.write_accounts(accounts)
    findings.write_campaigns(campaigns)
    return Outcome(by(accounts, "account"), by(campaigns, "campaign"), copies, seconds, notes or {})


def by(file: BytesIO, name: str) -> Rows:
    return {json.loads(row)[name]: row for row in file.getvalue().splitlines()}


# --- one process -------------------------------------------------------------------------------------------------------


def alone(lines: Lines, policy: Path) -> Outcome:
    logging.getLogger("antidistill.events").addHandler(logging.NullHandler())
    start = time.perf_counter()
    replay = Replay(load_policy(policy, os.environ))
    findings = replay.run(lines)
    return outcome(findings, [copy_of(replay.guard.assessor.assessments())], time.perf_counter() - start)


# --- several -----------------------------------------------------------------------------------------------------------


def together(lines: Lines, source: Path, folder: Path, url: str, kill: bool) -> Outcome:
    policy = shared(source, folder, url)
    start = time.perf_counter()
    assessing = Assessing(folder)
    feeders = Feeders(policy)
    seen: list[Seen] = []
    half = sum(1 for _ in lines) // 2 if kill else None
    for number, block in enumerate(blocks(lines, seen)):
        feeders.feed(number, block)
        if half is not None and number * BLOCK >= half:
            half = None
            assessing.crash()
    last = feeders.finish()
    assessing.finish(url, last, load_policy(policy, ENVIRON).assessment.tick)
    copies = feeders.copies()
    published, repeated = assessing.published()
    findings = found(seen, published, assessing.alerts())
    seconds = time.perf_counter() - start
    return outcome(findings, copies, seconds, {"publications": len(published), "published twice": repeated, "crashes": assessing.crashes})


def shared(source: Path, folder: Path, url: str) -> Path:
    """The policy on a shared store, as a file."""
    with source.open() as file:
        document: dict[str, Any] = YAML(typ="safe", pure=True).load(file)
    document |= {"store": {"url": url, "timeout": 10, "lease": 3}, "alerts": {"file": str(folder / "alerts.jsonl"), "every": 31_536_000}}
    path = folder / "policy.yaml"
    path.write_text(json.dumps(document))
    return path


class Assessing:
    """`antidistill assess` as a process, and what it leaves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.crashes = 0
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "antidistill", "assess", "--policy", str(self._folder / "policy.yaml"), "--every", "5"]
        with (self._folder / "assess.err").open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, "--log", str(self._folder / "published.jsonl")], env={**os.environ, **ENVIRON}, stderr=errors
            )

    def crash(self) -> None:
        """Kills it, and starts another one."""
        while not self._log().exists() or not self._log().stat().st_size:
            time.sleep(0.1)
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.crashes += 1
        self._start()

    def finish(self, url: str, last: float, tick: float) -> None:
        """Lets a tick pass, and ends it once it has read everything."""
        import redis

        with redis.Redis.from_url(url) as client:
            stream = next(client.scan_iter("*:observations"))
            client.xadd(stream, {"t": repr(last + tick)})
            while client.xinfo_groups(stream)[0]["last-delivered-id"] != client.xinfo_stream(stream)["last-generated-id"]:
                time.sleep(0.1)
        self._process.terminate()
        if self._process.wait(120):
            raise RuntimeError((self._folder / "assess.err").read_text())

    def published(self) -> tuple[list[Assessment], int]:
        """What it published, in order, and how much of it twice."""
        rows = self._log().read_bytes().splitlines()
        once = dict.fromkeys(rows)
        return [msgspec.json.decode(row, type=Assessment) for row in once], len(rows) - len(once)

    def alerts(self) -> list[Event]:
        """The alerts that it wrote."""
        rows = (self._folder / "alerts.jsonl").read_bytes().splitlines()
        return [msgspec.json.decode(row, type=Event) for row in rows]

    def _log(self) -> Path:
        return self._folder / "published.jsonl"


def found(seen: Sequence[Seen], published: Sequence[Assessment], alerts: Sequence[Event]) -> Findings:
    """What a replay would have noted of the same publications and alerts, at the same times of the log.

    An assessment bears the time of a tick, or of the exchange that it was made upon, and was made when that ended.
    """
    findings, ends = Findings(), {(account, ts): end for ts, account, end in seen}
    told: list[Assessment | Event] = [*published, *sorted(alerts, key=lambda alert: alert.ts)]
    coming = deque(sorted(((ends.get((str(one.account), one.ts), one.ts), one) for one in told), key=lambda pair: pair[0]))
    for ts, account, _ in [*seen, (float("inf"), "", 0.0)]:
        while coming and coming[0][0] <= ts:
            note(findings, coming.popleft()[1])
        if account:
            findings.see(Line("-", ts, account, "-", "-", 0)).requests += 1
    return findings


def note(findings: Findings, told: Assessment | Event) -> None:
    if isinstance(told, Event):
        findings.hear(replace(told, action=FLAG))
    else:
        findings.assess([told])


# --- the table -----------------------------------------------------------------------------------------------------------


def compared(one: Outcome, several: Outcome) -> Any:
    made = table("one process, and four workers with antidistill assess", "rows", "one process", "several", "equal", "differing")
    pairs: list[tuple[str, Mapping[str, bytes], Mapping[str, bytes]]] = [
        ("accounts", one.accounts, several.accounts),
        ("campaigns", one.campaigns, several.campaigns),
    ]
    pairs += [(f"copy of worker {number}", one.copies[0], copy) for number, copy in enumerate(several.copies, 1)]
    for name, first, other in pairs:
        equal = sum(other.get(key) == row for key, row in first.items())
        made.add_row(name, f"{len(first):,}", f"{len(other):,}", f"{equal:,}", f"{len(first.keys() | other.keys()) - equal:,}")
    for name, count in several.notes.items():
        made.add_row(name, "", f"{count:,}", "", "")
    made.add_row("seconds", f"{one.seconds:,.0f}", f"{several.seconds:,.0f}", "", "")
    return made
