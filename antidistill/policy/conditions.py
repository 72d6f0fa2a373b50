"""Conditions as trees of comparisons, and compiled to closures.

`not` is pushed down to the comparisons: `not ge` becomes `lt`. So a comparison with a missing fact is false whether it stands
under `not` or not, and a rule never acts because something is unknown. This is Kleene's logic of three values, with "unknown"
at the root read as false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, TypeAlias

from msgspec import Struct

from antidistill.model import Cause, Facts
from antidistill.policy.facts import Fact
from antidistill.policy.operators import OPERATORS, Operator

Condition: TypeAlias = Callable[[Facts], bool]


class Compare(Struct, frozen=True):
    """A comparison of one fact with what the policy says."""

    fact: Fact
    operator: Operator
    operand: Any


class Every(Struct, frozen=True):
    """Holds where every part does; without parts, always."""

    parts: tuple[Node, ...]


class Some(Struct, frozen=True):
    """Holds where some part does."""

    parts: tuple[Node, ...]


Node: TypeAlias = Compare | Every | Some

ALWAYS = Every(())

_RAISED = ("ge", "gt")


def negate(node: Node) -> Node:
    """Returns the tree that holds where this one is known not to."""
    match node:
        case Compare():
            return Compare(node.fact, OPERATORS[node.operator.inverse], node.operand)
        case Every():
            return Some(tuple(negate(part) for part in node.parts))
        case Some():
            return Every(tuple(negate(part) for part in node.parts))


def comparisons(node: Node) -> Iterator[Compare]:
    """Yields every comparison of a tree."""
    if isinstance(node, Compare):
        yield node
    else:
        for part in node.parts:
            yield from comparisons(part)


def causes(node: Node) -> frozenset[Cause]:
    """Returns what the facts of a tree come from."""
    return frozenset(comparison.fact.cause for comparison in comparisons(node))


def compiled(node: Node, missing: MutableMapping[str, int]) -> Condition | None:
    """Turns a tree into a closure, or into None where it holds for every request.

    Args:
        node: The tree.
        missing: Where the closure counts facts that were not known, by name.
    """
    for comparison in comparisons(node):
        missing.setdefault(comparison.fact.name, 0)
    return None if node == ALWAYS else _closure(node, missing)


def _closure(node: Node, missing: MutableMapping[str, int]) -> Condition:
    if isinstance(node, Compare):
        return _comparison(node, missing)
    parts = tuple(_closure(part, missing) for part in node.parts)
    if len(parts) == 1:
        return parts[0]
    return _every(parts) if isinstance(node, Every) else _some(parts)


def _comparison(node: Compare, missing: MutableMapping[str, int]) -> Condition:
    name, read, holds, operand = node.fact.name, node.fact.read, node.operator.holds, node.operand

    def holds_for(facts: Facts) -> bool:
        value = read(facts)
        if value is None:
            missing[name] += 1
            return False
        return holds(value, operand)

    whose = node.fact.whose if node.operator.name in _RAISED else None
    return holds_for if whose is None else _jittered(holds_for, node, whose)


def _jittered(holds_for: Condition, node: Compare, whose: Callable[[Facts], str]) -> Condition:
    """A comparison whose threshold is higher than the policy says, by account and day; only where it would hold is that looked up."""
    read, holds, operand = node.fact.read, node.operator.holds, node.operand

    def holds_today(facts: Facts) -> bool:
        if not holds_for(facts):
            return False
        return facts.jitter is None or holds(read(facts), facts.jitter(operand, whose(facts), facts.now))

    return holds_today


def _every(parts: tuple[Condition, ...]) -> Condition:
    def every(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - all() would make a generator for every request
            if not part(facts):
                return False
        return True

    return every


def _some(parts: tuple[Condition, ...]) -> Condition:
    def some(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 - as above
            if part(facts):
                return True
        return False

    return some
