"""All that some files know of one account or decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from antidistill.cli.explain.sources import Source

Row: TypeAlias = dict[str, Any]

_OTHERS = 5


@dataclass
class Deed:
    """What one rule or quota did, or would have done, in one way.

    Attributes:
        row: The first of its decisions.
        count: How many there are.
        until: Unix seconds of the last one.
        detail: What an alert said besides, the latest one.
    """

    row: Row
    count: int = 0
    until: float = 0.0
    detail: Row = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Takes in one decision."""
        self.count += 1
        self.until = max(self.until, row.get("ts") or 0.0)
        self.detail = row.get("detail") or self.detail


@dataclass
class Case:
    """What is known.

    Attributes:
        name: What was asked for.
        account: The account that it is, or that it concerns.
        known: True where any file has it.
        deeds: What was done, by rule and action.
        row: The account's row of `--accounts`, or None.
        campaign: The campaign's row of `--campaigns`, or None.
        others: Some other names, for who mistyped this one.
    """

    name: str
    account: str
    known: bool = False
    deeds: dict[tuple[Any, ...], Deed] = field(default_factory=dict)
    row: Row | None = None
    campaign: Row | None = None
    others: list[str] = field(default_factory=list)

    @property
    def decision(self) -> bool:
        """True where a decision was asked for, not an account."""
        return self.name != self.account


def gather(name: str, sources: Iterable[Source]) -> Case:
    """Reads all there is of an account or decision.

    Args:
        name: Its name.
        sources: Where to look.
    """
    told = list(sources)
    concerned = next((row.get("account") for row in _rows(told, "decisions") if row.get("id") == name), None)
    case = Case(name, concerned or name)
    for row in _rows(told, "decisions"):
        if row.get("id" if case.decision else "account") == name:
            _note(case, row)
        else:
            _mention(case, row.get("account"))
    _find_account(case, told)
    _find_campaign(case, told)
    return case


def _rows(sources: Iterable[Source], kind: str) -> Iterator[Row]:
    for source in sources:
        if source.kind == kind:
            yield from source.rows()


def _note(case: Case, row: Row) -> None:
    case.known = True
    key = tuple(row.get(part) for part in ("rule", "action", "effect", "cause", "enforced"))
    case.deeds.setdefault(key, Deed(row)).add(row)


def _find_account(case: Case, sources: Iterable[Source]) -> None:
    for row in _rows(sources, "accounts"):
        if row.get("account") == case.account:
            case.row, case.known = row, True
        else:
            _mention(case, row.get("account"))


def _find_campaign(case: Case, sources: Iterable[Source]) -> None:
    wanted = (case.row or {}).get("campaign")
    for row in _rows(sources, "campaigns"):
        if row.get("campaign") == wanted or case.account in row.get("accounts", ()):
            case.campaign, case.known = row, True


def _mention(case: Case, other: Any) -> None:
    if isinstance(other, str) and other not in case.others and len(case.others) < _OTHERS:
        case.others.append(other)
