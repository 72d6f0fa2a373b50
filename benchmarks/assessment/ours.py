"""antidistill itself: a log through the guard with the shipped policy."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from antidistill.policy import Policy, load_policy
from antidistill.replay import Broken, Findings, Line, Log, Replay
from benchmarks.assessment.verdict import Verdict


class Row(Struct):
    """A row of `antidistill replay --accounts`, as far as it is needed."""

    account: str
    score: float
    flagged: bool


def shipped() -> Policy:
    """The policy that holds where none is given. Its alerts are not logged."""
    logging.getLogger("antidistill.events").addHandler(logging.NullHandler())
    return load_policy(None, {})


def replay(lines: Iterable[Line]) -> Findings:
    """Runs lines through the guard."""
    return Replay(shipped()).run(lines)


def replay_log(path: Path) -> Findings:
    """Runs a log through the guard."""
    return replay(Log(path, complain))


def verdicts(findings: Findings) -> dict[str, Verdict]:
    """What came of every account."""
    rows = (account.row() for account in findings.accounts.values())
    return {row["account"]: Verdict(row["score"], row["flagged"]) for row in rows}


def read_verdicts(path: Path) -> Mapping[str, Verdict]:
    """The same from what `antidistill replay --accounts` wrote."""
    rows = [msgspec.json.decode(line, type=Row) for line in path.read_bytes().splitlines()]
    return {row.account: Verdict(row.score, row.flagged) for row in rows}


def complain(broken: Broken) -> None:
    """Says which line was no exchange."""
    print(f"{broken}; skipped")
