"""Lowers parameters of a request to upper bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from antidistill.dialects.fields import alternatives, positive

Names: TypeAlias = Mapping[str, tuple[str, ...]]
"""An API's own names for each neutral name; the last is the one that is set where a request has none."""


def capped(body: dict[str, Any], caps: Mapping[str, int], names: Names) -> dict[str, Any] | None:
    """Returns a copy of the request within the bounds, or None where it keeps within them already."""
    changes: dict[str, Any] = {}
    for neutral, bound in caps.items():
        own = names.get(neutral, ())
        given = {name: body[name] for name in own if body.get(name) is not None}
        changes |= _bounded(given, bound, own) if neutral == "max_tokens" else _lowered(given, bound)
    return {**body, **changes} if changes else None


def _bounded(given: Mapping[str, Any], bound: int, own: tuple[str, ...]) -> dict[str, int]:
    """Output is without bound where the client names none, or none that makes sense: then the bound is set."""
    if not given:
        return {own[-1]: bound} if own else {}
    return {name: bound for name, value in given.items() if (positive(value) or bound + 1) > bound}


def _lowered(given: Mapping[str, Any], bound: int) -> dict[str, int]:
    return {name: bound for name, value in given.items() if (alternatives(value) or 0) > bound}
