"""`antidistill replay`: what would a policy have done to yesterday's traffic?"""

from __future__ import annotations

import logging
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from rich import box
from rich.console import Console, Group
from rich.table import Table

from antidistill.cli.rows import progress
from antidistill.cli.trouble import reported
from antidistill.model import Mode
from antidistill.policy import load_policy
from antidistill.replay import LACKING, Broken, Findings, Line, Log, Replay, agree, merge

SHOWN = 20
"""Broken lines that are named; the rest are counted."""

WIDTH = 120
"""Columns of the report where there is no terminal to ask."""

_STEP = 64


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "replay",
        help="try a policy on logged traffic",
        description="Send logged traffic through a policy on the log's own clock, as fast as it goes, and tell what came of it.",
        epilog="A log is JSON Lines, plain or gzip, sorted by time; several are merged. Fields: id, ts, account, "
        "method, path, status, and where there are any org, ip, headers, body, response, duration_s. Files of a record "
        "(record.folder in the policy) are taken as well.",
    )
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="traffic logs, or files of a record")
    parser.add_argument("--policy", metavar="POLICY", help="the policy file; without one, the built-in policy")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), help="mode instead of the policy's own")
    parser.add_argument("--accounts", type=Path, metavar="FILE", help="write a row for every account")
    parser.add_argument("--campaigns", type=Path, metavar="FILE", help="write a row for every campaign")
    parser.add_argument("--decisions", type=Path, metavar="FILE", help="write a row for everything that was or would have been done")
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Replays the logs; 2 where they, the policy or an output cannot be used."""
    logging.getLogger("antidistill.events").addHandler(logging.NullHandler())  # yesterday's alerts alert nobody
    complaints = Complaints()
    policy = load_policy(args.policy, os.environ)
    with ExitStack() as stack:
        logs = [stack.enter_context(closing(Log(path, complaints))) for path in args.logs]
        check = agree(logs)
        outputs = _open(stack, args)
        replay = Replay(policy if args.mode is None else policy.with_mode(args.mode), outputs["decisions"])
        start = time.perf_counter()
        findings = replay.run(watched(logs))
        seconds = time.perf_counter() - start
        _write(findings, outputs)
    complaints.finish()
    Console(width=None if sys.stdout.isatty() else WIDTH).print(report(replay, complaints.count, seconds, check))
    return 0


class Complaints:
    """Names broken lines on stderr, the first ones each, and counts all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, broken: Broken) -> None:
        """Takes one."""
        self.count += 1
        if self.count <= SHOWN:
            print(f"{broken}; skipped", file=sys.stderr)

    def finish(self) -> None:
        """Tells how many were not named."""
        if self.count > SHOWN:
            print(f"{self.count - SHOWN} more lines could not be read and were skipped", file=sys.stderr)


def _open(stack: ExitStack, args: Namespace) -> dict[str, BinaryIO | None]:
    """Opens the outputs, so that what cannot be written shows before the work is done.

    Raises:
        OSError: One cannot be written, or is a log or another output.
    """
    taken = list(args.logs)
    outputs: dict[str, BinaryIO | None] = {}
    for name in ("accounts", "campaigns", "decisions"):
        path: Path | None = getattr(args, name)
        outputs[name] = None
        if path is not None:
            if any(path.exists() and other.exists() and path.samefile(other) and path.is_file() for other in taken):
                raise OSError(0, "is read or written already; give every output a file of its own", str(path))
            outputs[name] = stack.enter_context(path.open("wb"))
            taken.append(path)
    return outputs


def _write(findings: Findings, outputs: dict[str, BinaryIO | None]) -> None:
    if (file := outputs["accounts"]) is not None:
        findings.write_accounts(file)
    if (file := outputs["campaigns"]) is not None:
        findings.write_campaigns(file)


def watched(logs: Sequence[Log]) -> Iterator[Line]:
    """The lines of the logs, with a progress bar where somebody is watching."""
    with progress("replaying", "requests") as (bar, task):
        for number, line in enumerate(merge(logs)):
            if number % _STEP == 0:
                bar.update(task, total=sum(log.size for log in logs), completed=sum(log.position for log in logs), count=number)
            yield line


# --- the report ------------------------------------------------------------------------------------------------------


def report(replay: Replay, broken: int, seconds: float, check: str | None = None) -> Group:
    """What an operator wants to know at the end.

    Args:
        replay: The replay.
        broken: Lines that could not be used.
        seconds: What it took.
        check: Check value of the key of a record; None for traffic logs.
    """
    return Group(*([] if check is None else [_record(check), ""]), _summary(replay, broken, seconds), "", _rules(replay.findings))


def _record(check: str) -> str:
    return f"Recorded observations: hashes as recorded (key {check}). Not known of them, and no ground for quotas or rules: {LACKING}."


def _summary(replay: Replay, broken: int, seconds: float) -> Table:
    findings = replay.findings
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("mode", str(replay.guard.policy.mode))
    table.add_row("requests", f"{findings.requests:,} in {seconds:,.1f} s, {findings.requests / max(seconds, 1e-9):,.0f} a second")
    table.add_row("time of the log", _span(findings))
    table.add_row("accounts", f"{len(findings.accounts):,}")
    table.add_row("accounts flagged", f"{len(findings.flagged()):,}")
    table.add_row("campaigns", f"{len(findings.campaigns()):,}")
    table.add_row("broken lines", f"{broken:,}")
    table.add_row("failures", ", ".join(f"{stage} {count:,}" for stage, count in sorted(replay.failures().items())) or "none")
    return table


def _rules(findings: Findings) -> Table | str:
    """What every rule and quota did. Numbers of requests, but for the last column."""
    if not findings.tallies and not findings.flags:
        return "No rule matched, and no quota was breached."
    table = Table("rule or quota", "action", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("requests", "accounts", "done", "would be done", "accounts flagged"):
        table.add_column(column, justify="right")
    flagged = {rule: len(accounts) for rule, accounts in findings.flags.items()}
    for (rule, action), tally in sorted(findings.tallies.items(), key=lambda item: (item[0][0], -item[1].requests)):
        counts = (tally.requests, len(tally.accounts), tally.did, tally.would, flagged.pop(rule, 0))
        table.add_row(rule, action, *(f"{count:,}" if count else "" for count in counts))
    for rule, count in flagged.items():
        table.add_row(rule, "", "", "", "", "", f"{count:,}")
    return table


def _span(findings: Findings) -> str:
    if not findings.requests:
        return "none"
    first, last = (datetime.fromtimestamp(ts, UTC) for ts in (findings.first, findings.last))
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {timedelta(seconds=round(findings.last - findings.first))}"
