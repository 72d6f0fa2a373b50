"""What the files are that an explanation rests on; logs are replayed into such files first."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from antidistill.cli.replay import Complaints, watched
from antidistill.cli.rows import Rows
from antidistill.errors import AntiDistillError
from antidistill.policy import Policy
from antidistill.replay import Log, Replay, agree

Kind: TypeAlias = Literal["log", "accounts", "campaigns", "decisions"]

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class UnknownFile(AntiDistillError):
    """A file of which nobody knows what it is."""


class Source:
    """Rows of one kind.

    Args:
        kind: What they are; alerts are decisions.
        path: Where they are.
    """

    def __init__(self, kind: Kind, path: Path) -> None:
        self.kind = kind
        self.path = path

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row that can be read."""
        for row in Rows(self.path, wants=()):
            if not row.fault:
                yield _decode(row.raw)


def sort(paths: Sequence[Path], policy: Policy, folder: Path) -> list[Source]:
    """Tells files apart, and replays the logs among them.

    Args:
        paths: The files.
        policy: What logs are replayed under.
        folder: Where the outcome of a replay goes.

    Raises:
        UnknownFile: It is not seen what a file is.
        RecordError: Its logs cannot be replayed together.
        OSError: A file cannot be read.
    """
    sources = [Source(_kind(path), path) for path in paths]
    logs = [source.path for source in sources if source.kind == "log"]
    told = [source for source in sources if source.kind != "log"]
    return [*told, *(_replayed(logs, policy, folder) if logs else ())]


def _kind(path: Path) -> Kind:
    first = next((row for row in Rows(path, wants=(), quiet=True) if not row.fault), None)
    fields = set() if first is None else set(first.fields)
    if "antidistill" in fields or {"path", "status"} <= fields:
        return "log"
    if "requests_before_flag" in fields:
        return "accounts"
    if {"campaign", "accounts"} <= fields:
        return "campaigns"
    if {"rule", "action"} <= fields:
        return "decisions"
    raise UnknownFile(
        f"{path}: this is no traffic log, record or alert file, and nothing that replay wrote (--accounts, --campaigns, --decisions); "
        "`antidistill replay LOG --accounts FILE` makes one"
    )


def _replayed(logs: Sequence[Path], policy: Policy, folder: Path) -> list[Source]:
    logging.getLogger("antidistill.events").addHandler(logging.NullHandler())  # what is replayed alerts nobody
    complaints = Complaints()
    paths: dict[Kind, Path] = {"accounts": folder / "accounts", "campaigns": folder / "campaigns", "decisions": folder / "decisions"}
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(Log(path, complaints))) for path in logs]
        agree(opened)
        files = {kind: stack.enter_context(path.open("wb")) for kind, path in paths.items()}
        findings = Replay(policy, files["decisions"]).run(watched(opened))
        findings.write_accounts(files["accounts"])
        findings.write_campaigns(files["campaigns"])
    complaints.finish()
    return [Source(kind, path) for kind, path in paths.items()]
