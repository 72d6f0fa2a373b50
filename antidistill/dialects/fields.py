"""Reads single fields of a request or an answer, whatever a client put there. Nothing here raises.

Numbers in strings and integral floats are read as numbers, because hosts that validate leniently do the same: a client must not
be able to hide a parameter behind its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

CEILING = 2**53
"""Largest integer that is kept: what a JSON number holds exactly."""

_DIGITS = 24
_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})


def string(value: object) -> str:
    """The string, without lone surrogates (which cannot be encoded), or an empty one."""
    return unicode(value) if isinstance(value, str) else ""


def unicode(text: str) -> str:
    """The text with lone surrogates replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def integer(value: object) -> int | None:
    """The integer, within plus and minus `CEILING`, or None."""
    if value is None:
        return None
    if isinstance(value, str):
        value = _parse(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(-CEILING, min(value, CEILING))


def positive(value: object) -> int | None:
    """The integer where it is at least 1, or None."""
    found = integer(value)
    return found if found is not None and found > 0 else None


def alternatives(value: object) -> int | None:
    """How many alternatives per token are asked for; a negative number asks some hosts for the whole vocabulary: `CEILING`."""
    found = 1 if value is True else integer(value)
    return CEILING if found is not None and found < 0 else found


def number(value: object) -> float | None:
    """The finite number, or None."""
    if value is None:
        return None
    if isinstance(value, str):
        value = _parse(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > CEILING:
        return None
    return float(value) if isfinite(value) else None


def flag(value: object) -> bool:
    """True for true, 1 and the words that hosts take for true."""
    if isinstance(value, str):
        return value.lower() in _TRUE
    return value is True or (isinstance(value, (int, float)) and value == 1)


def mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in the list, or an empty list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def size(value: object) -> int:
    """Bytes of the string in UTF-8; 0 for anything else."""
    if not isinstance(value, str):
        return 0
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))


def _parse(text: str) -> float | int | None:
    if len(text) > _DIGITS or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None
