"""What an operator wants to know after the demo. Every number was measured in the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from antidistill.cli.demo.keep import LOG, POLICY
from antidistill.cli.demo.ledger import Ledger, Phase, Suspect
from antidistill.cli.demo.population import GROUPS
from antidistill.model import Evidence

REASONS = 4
"""Reasons told for an account."""


def report(ledger: Ledger, shadow: Phase, enforce: Phase, suspects: Sequence[Suspect], keep: Path | None) -> RenderableType:
    """Puts the report together."""
    parts: list[RenderableType] = [
        _heading("Who called"),
        _population(),
        _note("The policy is the built-in one, its limits and times scaled to a run of seconds. Nothing in the guard knows who is who."),
        _heading(f"Shadow mode, {shadow.seconds:.0f} s: everything was judged, nothing was changed"),
        _shadowed(ledger, shadow, suspects),
        _heading(f"Enforce mode, {enforce.seconds:.0f} s: the same clients, the same server"),
        _enforced(ledger, enforce),
        _yield(shadow, enforce),
        _heading("Why accounts were flagged"),
        *_reasons(suspects),
        _heading("Honest accounts touched (false positives)"),
        _innocents(ledger, enforce, suspects),
        _heading("What it cost"),
        _cost(ledger),
        _heading("What next"),
        _next(keep),
    ]
    return Lines(*parts)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(*columns: str, words: int = 1) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < words else "right")
    return table


def _population() -> Table:
    table = _table("group", "accounts", "what they do")
    table.columns[2].justify = "left"
    for group in GROUPS:
        table.add_row(group.name, str(group.accounts), group.about, style="" if group.honest else "red")
    return table


def _shadowed(ledger: Ledger, phase: Phase, suspects: Sequence[Suspect]) -> Table:
    table = _table("group", "calls", "answered", "requests it would have turned away", "accounts flagged by the end")
    restricted = ledger.restricted(phase.events)
    for group in GROUPS:
        calls = phase.calls[group.name]
        flagged = sum(suspect.customer.group.name == group.name for suspect in suspects)
        row = (calls.asked, calls.obtained, restricted.get(group.name, 0))
        table.add_row(group.name, *map(str, row), f"{flagged} of {group.accounts}", style="" if group.honest else "red")
    return table


def _enforced(ledger: Ledger, phase: Phase) -> RenderableType:
    table = _table("group", "calls", "answered", "slowed", "refused", "still waiting", "requests turned away")
    restricted = ledger.restricted(phase.events)
    for group in GROUPS:
        calls = phase.calls[group.name]
        row = (calls.asked, calls.answered, calls.slowed, calls.refused, calls.waiting, restricted.get(group.name, 0))
        table.add_row(group.name, *map(str, row), style="" if group.honest else "red")
    return Lines(
        table, _note("slowed: answered after the SDK waited as told and asked again. refused: given up after its retries."), *_failed(phase)
    )


def _yield(shadow: Phase, enforce: Phase) -> RenderableType:
    """What enforcement took from those who copy, per second, because phases are not equally long."""
    parts = []
    for group in (group for group in GROUPS if not group.honest):
        before, after = (phase.calls[group.name].obtained / phase.seconds for phase in (shadow, enforce))
        parts.append(f"{group.name} {before:.1f} in shadow mode, {after:.1f} in enforce mode")
    return _note(f"Answers obtained per second: {'; '.join(parts)}.")


def _failed(phase: Phase) -> Iterator[RenderableType]:
    failed = sum(calls.failed for calls in phase.calls.values())
    if failed:
        yield _note(f"{failed} calls ended in another error.", "yellow")


def _reasons(suspects: Sequence[Suspect]) -> Iterator[RenderableType]:
    """A paragraph for each campaign, told by its riskiest member, and for each account that belongs to none."""
    if not suspects:
        yield _note("None was flagged. A longer run (--seconds) gives the assessment more to go by.")
    told = set()
    for suspect in suspects:
        campaign = suspect.campaign
        if campaign is None:
            yield _note(f"{suspect.customer.name}, risk {suspect.risk:.2f}, flagged by {', '.join(suspect.rules)}")
        elif campaign.id in told:
            continue
        else:
            told.add(campaign.id)
            yield _note(
                f"{_members(suspects, campaign.id)} act as one: risk of the campaign {campaign.risk:.2f}. Of {suspect.customer.name}:"
            )
        yield from (Padding(f"· {piece.family}: {piece.reason}", (0, 0, 0, 4)) for piece in _against(suspect))


def _members(suspects: Sequence[Suspect], campaign: str) -> str:
    members = [suspect.customer for suspect in suspects if suspect.campaign is not None and suspect.campaign.id == campaign]
    groups = ", ".join(dict.fromkeys(member.group.name for member in members))
    return f"{len(members)} accounts ({groups})"


def _against(suspect: Suspect) -> list[Evidence]:
    evidence = suspect.assessment.evidence if suspect.assessment is not None else ()
    return [piece for piece in evidence if piece.weight > 0][:REASONS]


def _innocents(ledger: Ledger, enforce: Phase, suspects: Sequence[Suspect]) -> RenderableType:
    honest = sum(group.accounts for group in GROUPS if group.honest)
    flagged = [suspect.customer.name for suspect in suspects if suspect.customer.group.honest]
    restricted = {group.name: count for group in GROUPS if group.honest and (count := ledger.restricted(enforce.events).get(group.name))}
    if not flagged and not restricted:
        return _note(f"None of {honest}: no flag, no refusal.", "green")
    parts = [f"flagged: {', '.join(flagged)}"] if flagged else []
    parts += [f"{count} requests of group {name} restricted" for name, count in restricted.items()]
    return _note(f"{'; '.join(parts)} (of {honest} honest accounts)", "yellow")


def _cost(ledger: Ledger) -> RenderableType:
    middle, high = ledger.overhead()
    return _note(
        f"The guard computed for {middle:.0f} µs per request (median of {len(ledger.overheads):,}; 90 % took less than {high:.0f} µs). "
        "Assessment runs in a thread of its own."
    )


def _next(keep: Path | None) -> RenderableType:
    log = "access.jsonl.gz" if keep is None else str(keep / LOG)
    policy = "" if keep is None else f" --policy {keep / POLICY}"
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    table.add_row(Text("antidistill check --app main:app", style="bold"), "Which routes of your app would be guarded?")
    table.add_row(Text(f"antidistill replay {log}{policy}", style="bold"), "What would a policy have done to logged traffic?")
    table.add_row(
        Text("ANTIDISTILL_MODE=shadow uvicorn main:app", style="bold"), "After app.add_middleware(AntiDistillMiddleware): what does it see?"
    )
    return Padding(table, (0, 0, 0, 2))


def _note(text: str, style: str = "") -> RenderableType:
    return Padding(Text(text, style=style), (0, 0, 0, 2))
