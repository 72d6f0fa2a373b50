"""What a condition can ask of a fact."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from antidistill.policy.facts import FactType


class Operator(Struct, frozen=True):
    """A comparison of a fact's value with what the policy says.

    Attributes:
        name: The word that policies use.
        inverse: The operator that holds exactly where this one does not.
        types: Types of facts that it fits.
        holds: Compares value and operand.
        many: True where the operand is a list.
        description: What it means.
    """

    name: str
    inverse: str
    types: tuple[FactType, ...]
    holds: Callable[[Any, Any], bool]
    description: str
    many: bool = False


_ALL: tuple[FactType, ...] = ("text", "number", "flag")
_LISTED: tuple[FactType, ...] = ("text", "number")
_NUMBER: tuple[FactType, ...] = ("number",)
_TEXT: tuple[FactType, ...] = ("text",)

OPERATORS: dict[str, Operator] = {
    each.name: each
    for each in (
        Operator("eq", "ne", _ALL, operator.eq, "is the value; `fact: value` is short for it"),
        Operator("ne", "eq", _ALL, operator.ne, "is another value"),
        Operator("lt", "ge", _NUMBER, operator.lt, "is less"),
        Operator("le", "gt", _NUMBER, operator.le, "is at most"),
        Operator("gt", "le", _NUMBER, operator.gt, "is more"),
        Operator("ge", "lt", _NUMBER, operator.ge, "is at least"),
        Operator("in", "not_in", _LISTED, lambda value, options: value in options, "is listed; `fact: [a, b]` is short for it", many=True),
        Operator("not_in", "in", _LISTED, lambda value, options: value not in options, "is not listed", many=True),
        Operator("starts_with", "not_starts_with", _TEXT, str.startswith, "begins with the text"),
        Operator("not_starts_with", "starts_with", _TEXT, lambda value, start: not value.startswith(start), "does not begin with the text"),
    )
}
"""Operators by name. Comparisons of text are exact: upper and lower case differ."""
