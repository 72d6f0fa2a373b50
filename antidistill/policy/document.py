"""A policy as plain data that remembers where each part was written, and the list of its mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from antidistill.errors import Problem
from antidistill.policy.codes import Code

Path: TypeAlias = tuple[str | int, ...]
Mark: TypeAlias = tuple[int, int]

MAX_DEPTH = 24
"""Levels of nesting that a policy may have; the conditions of a good one reach about eight."""

_HIDDEN = "the value of its environment variable"


class Broken:
    """Stands in for a value whose mistake is already reported, so that the rest can still be checked."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final[Any] = Broken()


class Document(Struct):
    """Data and places of one policy. Readers fill it in as they go.

    Attributes:
        name: The file's path as given, or what else to call the source.
        data: Plain data: mappings, lists, text, numbers, booleans, None.
        revision: Hash of the source.
        marks: Line and column of each value; line 0 where the source has no lines, and the column then counts values.
        keys: The same for the keys of mappings.
        filled: Values that the environment supplied: never quoted, they may be credentials.
    """

    name: str
    data: Any = BROKEN
    revision: str = ""
    marks: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    filled: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path, *, key: bool = False) -> Mark:
        """Finds the mark of a value or key, or of the nearest part around it."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, (0, 0))


class Problems:
    """Collects the mistakes of a document.

    Attributes:
        document: What the paths point into.
        errors: How many mistakes keep the policy from loading.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.errors = 0
        self._found: set[tuple[Mark, Code, str]] = set()

    def add(self, code: Code, path: Path, message: str, *, key: bool = False) -> None:
        """Notes a mistake.

        Args:
            code: Its kind.
            path: Where it is.
            message: What is wrong and what to write instead.
            key: True to point at the key rather than at the value.
        """
        mark = self.document.place(path, key=key)
        for value in self.document.filled.values():
            message = message.replace(f"'{value}'", _HIDDEN).replace(repr(value), _HIDDEN)
        self.add_at(code, mark, message if mark[0] or not path else f"{dotted(path)}: {message}")

    def add_at(self, code: Code, mark: Mark, message: str) -> None:
        """Notes a mistake that is found before there is any data to point at."""
        if (mark, code, message) not in self._found:
            self._found.add((mark, code, message))
            self.errors += not code.warns

    def listed(self) -> tuple[Problem, ...]:
        """Returns everything found, in the order of the source."""
        return tuple(
            Problem(code.value, message, line, column if line else 0, code.warns) for (line, column), code, message in sorted(self._found)
        )

    def quote(self, path: Path, value: Any) -> str:
        """Describes a value for a message; a value from the environment is not shown."""
        return _HIDDEN if path in self.document.filled else describe_value(value)


def describe_value(value: Any) -> str:
    """Names a value the way a reader of YAML would."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"'{_clip(value)}'"
        case _:
            return _clip(str(value))


def dotted(path: Path) -> str:
    """Writes a path as `rules[0].when.risk`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _clip(text: str) -> str:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return "".join(character if character.isprintable() else " " for character in shown)
