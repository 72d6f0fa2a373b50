"""Whether a condition can hold at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from antidistill.policy.conditions import Compare, Every, Node, Some
from antidistill.policy.facts import Fact


def reachable(node: Node, given: tuple[Compare, ...] = ()) -> bool:
    """Tells whether a condition could hold; False only where it certainly cannot.

    Args:
        node: The condition.
        given: Comparisons that hold already.
    """
    known = (*given, *_conjuncts(node))
    return _consistent(known) and all(any(reachable(part, known) for part in choice.parts) for choice in _choices(node))


def _conjuncts(node: Node) -> Iterator[Compare]:
    if isinstance(node, Compare):
        yield node
    elif isinstance(node, Every):
        for part in node.parts:
            yield from _conjuncts(part)


def _choices(node: Node) -> Iterator[Some]:
    if isinstance(node, Some):
        yield node
    elif isinstance(node, Every):
        for part in node.parts:
            yield from _choices(part)


def _consistent(comparisons: Iterable[Compare]) -> bool:
    by_fact: dict[str, list[Compare]] = {}
    for comparison in comparisons:
        by_fact.setdefault(comparison.fact.name, []).append(comparison)
    return all(_possible(group[0].fact, group) for group in by_fact.values())


def _possible(fact: Fact, group: list[Compare]) -> bool:
    candidates = _candidates(fact, group)
    if candidates is not None:
        return any(_allowed(candidate, fact, group) for candidate in candidates)
    return _interval(fact, group) if fact.type == "number" else _prefixes(group)


def _candidates(fact: Fact, group: list[Compare]) -> tuple[Any, ...] | None:
    """Every value that the fact could have, where the comparisons or the fact list them."""
    for each in group:
        if each.operator.name == "eq":
            return (each.operand,)
        if each.operator.name == "in":
            return tuple(each.operand)
    return (True, False) if fact.type == "flag" else fact.choices or None


def _allowed(value: Any, fact: Fact, group: list[Compare]) -> bool:
    low, high = _ends(fact)
    return (fact.type != "number" or low <= value <= high) and all(each.operator.holds(value, each.operand) for each in group)


def _ends(fact: Fact) -> tuple[float, float]:
    return -inf if fact.low is None else fact.low, inf if fact.high is None else fact.high


def _interval(fact: Fact, group: list[Compare]) -> bool:
    lower = [(each.operand, each.operator.name == "gt") for each in group if each.operator.name in ("gt", "ge")]
    upper = [(each.operand, each.operator.name == "lt") for each in group if each.operator.name in ("lt", "le")]
    least, most = _ends(fact)
    low, above = max([*lower, (least, False)])
    high, below = min([*upper, (most, False)], key=lambda end: (end[0], not end[1]))
    return low < high or (low == high and not above and not below)


def _prefixes(group: list[Compare]) -> bool:
    starts = [each.operand for each in group if each.operator.name == "starts_with"]
    barred = [each.operand for each in group if each.operator.name == "not_starts_with"]
    longest = max(starts, key=len, default="")
    return all(longest.startswith(start) for start in starts) and not any(longest.startswith(bar) for bar in barred)
