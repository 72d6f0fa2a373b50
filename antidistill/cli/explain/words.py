"""A case in plain words."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from textwrap import fill
from typing import Any

from antidistill import plugins
from antidistill.assessment.signals import Signal
from antidistill.cli.explain.case import Case, Deed, Row
from antidistill.errors import PluginError
from antidistill.model import Assessment, Campaign, Evidence, Facts, Subject
from antidistill.policy import CompiledRule, Policy
from antidistill.policy.conditions import Compare, Every, Node

WIDTH = 110

_HONEST = "Honest use that looks like it:"


def explanation(case: Case, policy: Policy) -> str:
    """The whole explanation, ready to print."""
    parts = (_who(case), _evidence(case), _campaign(case), _deeds(case, policy), _remedies(case))
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part)


# --- who -------------------------------------------------------------------------------------------------------------


def _who(case: Case) -> Iterator[str]:
    yield f"Decision {case.name}, on the account {case.account}" if case.decision else f"Account {case.name}"
    row = case.row
    if row is None:
        yield _wrap("Only decisions are known of it: give the file of --accounts, or a log, to learn what it was judged by.")
        return
    yield _wrap(f"Seen since {_time(row.get('first_seen_ts'))}, {row.get('requests', 0):,} requests.")
    if not row.get("evidence"):
        yield _wrap("No signal says anything about it: its risk is that of anybody, one in a thousand.")
        return
    families = ", ".join(row["families"]) or "none"
    yield _wrap(f"Highest risk {row['score']:.3f}; {row.get('trend', 'steady')} by now. Families of evidence against it then: {families}.")
    if row["flagged"]:
        before = row["requests_before_flag"]
        yield _wrap(f"Flagged on {_time(row['first_flagged_ts'])}, after {before:,} requests: a rule that reads assessments matched.")
    else:
        yield "Never flagged: no rule that reads assessments matched it."


# --- why -------------------------------------------------------------------------------------------------------------


def _evidence(case: Case) -> Iterator[str]:
    pieces = [_piece(piece) for piece in (case.row or {}).get("evidence", ())]
    against = [piece for piece in pieces if piece.weight > 0]
    if against:
        yield "Evidence against it, weightiest first (in nats; 3 is the most that one signal may weigh)"
    for piece in against:
        yield from _told(piece)
    if spoken_for := [piece for piece in pieces if piece.weight <= 0]:
        yield "Evidence for it"
        yield from (_wrap(f"{piece.signal} ({piece.family}, {piece.weight:+.2f}): {piece.reason}.", "  ") for piece in spoken_for)


def _told(piece: Evidence) -> Iterator[str]:
    yield _wrap(f"{piece.signal} ({piece.family}, {piece.weight:+.2f}): {piece.reason}.", "  ")
    signal = _signal(piece.signal)
    if signal is not None:
        yield _wrap(f"falls when: {signal.falls}", "    ")
        yield _wrap(f"honest use that looks like it: {_honest(signal)}", "    ")


def _signal(name: str) -> Signal | None:
    try:
        return plugins.signals().get(name)
    except PluginError:
        return None


def _honest(signal: Signal) -> str:
    """The last paragraph of the docstring that every signal has."""
    return " ".join((inspect.getdoc(type(signal)) or "").partition(_HONEST)[2].split())


def _campaign(case: Case) -> Iterator[str]:
    row = case.campaign
    if row is None:
        named = next((deed.detail for deed in case.deeds.values() if deed.detail.get("campaign")), None)
        if named is not None:
            yield f"Campaign {named['campaign']}, {named.get('campaign_accounts') or 'several'} accounts at the time"
        return
    yield f"Campaign {row['campaign']}: {len(row['accounts']):,} accounts that act as one, risk {row['score']:.3f}"
    yield _wrap(f"First found {_time(row['first_detected_ts'])}. What links them:", "  ")
    for item in row["evidence"]:
        yield _wrap(f"{item['kind']}, since {_time(item['ts'])}: {item['detail']}.", "  ")


# --- what was done ---------------------------------------------------------------------------------------------------


def _deeds(case: Case, policy: Policy) -> Iterator[str]:
    yield "What was done"
    if not case.deeds:
        yield "  Nothing, as far as these files tell."
    rules, facts = {rule.id: rule for rule in policy.rules}, _facts(case)
    told = dict.fromkeys(str(deed.row.get("rule")) for deed in case.deeds.values())
    for name in told:
        deeds = [deed for deed in case.deeds.values() if deed.row.get("rule") == name]
        for deed in deeds:
            yield from _deed(deed)
        yield from _reasons(rules.get(name), deeds[0], facts)
    for rule in policy.rules:
        if rule.id not in told and rule.cause == "assessment" and rule.when is not None and rule.when(facts):
            yield _wrap(f"{rule.id}: matched. It tightens what is counted, and no request met that.", "  ")
            yield from _conditions(rule, facts)


def _deed(deed: Deed) -> Iterator[str]:
    row = deed.row
    verb = "done" if row.get("enforced") else "would have been done (shadow mode)"
    times = f"on {_time(row.get('ts'))}" if deed.count == 1 else f"{deed.count:,} times, {_time(row.get('ts'))} to {_time(deed.until)}"
    yield _wrap(f"{row['rule']}: {row['action']} {verb}, {times}. Cause: {row.get('cause')}.", "  ")
    for reason in deed.detail.get("reasons", ()):
        yield _wrap(f"because {reason}.", "    ")


def _reasons(rule: CompiledRule | None, deed: Deed, facts: Facts) -> Iterator[str]:
    if rule is not None:
        yield from _conditions(rule, facts)
    elif deed.row.get("cause") == "quota":
        yield _wrap("a quota of that name had no room left: docs/policy.md, Quotas.", "    ")
    else:
        yield _wrap("the policy given here has no rule of that name: give the one that was in force with --policy.", "    ")


def _conditions(rule: CompiledRule, facts: Facts) -> Iterator[str]:
    for text in _read(rule.wants, facts):
        yield _wrap(text, "    ")


def _read(node: Node, facts: Facts) -> Iterator[str]:
    if isinstance(node, Compare):
        value = node.fact.read(facts)
        known = "not known from these files" if value is None else f"it was {_value(value)} at its highest"
        if node.fact.whose is not None:
            known += " (the threshold stands a little higher, by account and day)"
        yield f"it wants {node.fact.name}: {{{node.operator.name}: {_value(node.operand)}}}; {known}"
        return
    if not isinstance(node, Every):
        yield "it wants one of these:"
    for part in node.parts:
        yield from _read(part, facts)


def _facts(case: Case) -> Facts:
    """What a rule could read of the account where its risk was highest. The request itself is in no file."""
    row = case.row
    assessment = None if row is None or not row.get("evidence") else _assessment(row, case)
    return Facts(row["first_flagged_ts"] or 0.0 if row else 0.0, subject=Subject(case.account, "", "", True), assessment=assessment)


def _assessment(row: Row, case: Case) -> Assessment:
    found = case.campaign
    campaign = None if found is None else Campaign(found["campaign"], found["score"], len(found["accounts"]))
    evidence = tuple(_piece(piece) for piece in row["evidence"])
    return Assessment(case.account, 0.0, row["score"], tuple(row["families"]), evidence, row.get("requests", 0), campaign=campaign)


# --- what to do ------------------------------------------------------------------------------------------------------


def _remedies(case: Case) -> Iterable[str]:
    yield "If this is wrong"
    yield _wrap(
        "- Accounts of one organisation or product: let your edge or app name it (identity.attributes: org), and they are one.", "  "
    )
    yield _wrap("- A licence, an evaluation, a friend: exempt it for a while, in the policy:", "  ")
    yield f'      exempt: [{{account: {case.account}, until: DATE, because: "who agreed to what"}}]'
    yield _wrap("- More like it: raise risk or families in the rule, and try that on a log with antidistill replay.", "  ")


def _piece(row: Any) -> Evidence:
    return Evidence(row["signal"], row["family"], row["weight"], row["reason"])


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _time(ts: Any) -> str:
    return f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%d %H:%M} UTC" if isinstance(ts, int | float) else "a time unknown"


def _wrap(text: str, indent: str = "") -> str:
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  " if indent else "")
