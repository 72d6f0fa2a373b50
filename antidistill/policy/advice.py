"""Advice about rules that may stand in a policy, but are hardly meant: above all, how much evidence a rule acts on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor

from msgspec import Struct

from antidistill.actions import Action
from antidistill.policy.codes import Code
from antidistill.policy.conditions import ALWAYS, Compare, Every, Node, causes
from antidistill.policy.reach import reachable

_COUNTS = ("families", "sub.families")
LIKELY = 0.5
"""Risk of a campaign from which on belonging to it is evidence."""


def advise(rule: str, when: Node, actions: Sequence[Action]) -> Iterator[tuple[Code, str]]:
    """Yields what an operator should know about a rule that is allowed, but hardly meant.

    A rule that restricts or marks by an assessment wants two families of evidence, as one signal can be wrong about an honest
    account; a rule that denies wants coordination and one family more.
    """
    acting = [action for action in actions if action.kind != "observe"]
    if not reachable(when):
        yield Code.NEVER_MATCHES, f"rule '{rule}' can never match: no facts fulfil all its conditions; correct the bounds"
    elif acting and when == ALWAYS:
        yield Code.ALWAYS_MATCHES, f"rule '{rule}' restricts every request; add a condition, or use a quota for what should hold for all"
    elif acting and "assessment" in causes(when):
        yield from _evidence(rule, grounds(when), {action.name for action in acting})


def _evidence(rule: str, ground: Grounds, actions: set[str]) -> Iterator[tuple[Code, str]]:
    if "deny" in actions and not (ground.coordination and ground.families >= 2):
        advice = "add family.coordination: true and families: {ge: 2}, or throttle instead"
        yield Code.NO_COORDINATION, f"rule '{rule}' denies without coordination and one family of evidence more; {advice}"
    if actions - {"deny"} and ground.families < 2:
        advice = "add families: {ge: 2}, as one family can be wrong about an honest account"
        yield Code.ONE_FAMILY, f"rule '{rule}' acts on fewer than two families of evidence; {advice}"


class Grounds(Struct, frozen=True):
    """Evidence that must be there for a condition to hold.

    Attributes:
        count: Families of evidence, whichever they are.
        named: Families that are asked for by name.
        campaign: True where the account must belong to a likely campaign, which rests on what its accounts share and do together.
    """

    count: int = 0
    named: frozenset[str] = frozenset()
    campaign: bool = False

    @property
    def families(self) -> int:
        """Families of evidence, at least."""
        return max(self.count, len(self.named), 2 if self.campaign else 0)

    @property
    def coordination(self) -> bool:
        """True where the account must have acted together with others."""
        return self.campaign or "coordination" in self.named


def grounds(node: Node) -> Grounds:
    """Returns the evidence that every request which fulfils the condition has against it."""
    if isinstance(node, Compare):
        return _ground(node)
    parts = [grounds(part) for part in node.parts]
    if not parts:
        return Grounds()
    if isinstance(node, Every):
        named = frozenset[str]().union(*(part.named for part in parts))
        return Grounds(max(part.count for part in parts), named, any(part.campaign for part in parts))
    named = parts[0].named.intersection(*(part.named for part in parts))
    return Grounds(min(part.families for part in parts), named, all(part.campaign for part in parts))


def _ground(node: Compare) -> Grounds:
    name = node.fact.name
    if name.startswith("family.") and (node.operator.name == "eq") == node.operand:
        return Grounds(named=frozenset({name.removeprefix("family.")}))
    if name in _COUNTS:
        return Grounds(count=ceil(_least(node)))
    return Grounds(campaign=name == "campaign.risk" and _least(node) >= LIKELY)


def _least(node: Compare) -> float:
    """The least value of a number that the comparison lets through; whole numbers step by one."""
    match node.operator.name:
        case "ge" | "eq":
            return float(node.operand)
        case "gt":
            return floor(node.operand) + 1.0 if node.fact.name in _COUNTS else float(node.operand)
        case "in":
            return float(min(node.operand))
        case _:
            return 0.0
