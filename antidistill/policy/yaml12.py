"""YAML 1.2 into a document, from the parser's events: places are kept, and nothing in a file can run code or blow up in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from antidistill.policy.codes import Code
from antidistill.policy.document import BROKEN, MAX_DEPTH, Mark, Path, Problems, describe_value
from antidistill.policy.environment import VariableError, fill

MAX_DIGITS = 18

_TAG = "tag:yaml.org,2002:"
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_ADVICE = (
    ("\\t", "indent with spaces, not tabs"),
    ("mapping values are not allowed", "put a value that holds ': ' in quotes"),
    ("end of stream", "a quote or bracket that is opened before is never closed"),
    ("cannot start any token", "put the value in quotes"),
)


class Unreadable(Exception):
    """Ends the reading: what follows cannot be understood."""


def read_yaml(text: str, environ: Mapping[str, str], problems: Problems) -> None:
    """Reads one YAML document into `problems.document`, as far as it can be read.

    Aliases, tags, second documents and nesting beyond `MAX_DEPTH` are refused. Plain (unquoted) values are read as numbers
    and booleans after `${NAME}` is filled in; quoted ones stay text.
    """
    yaml = YAML(typ="safe", pure=True)
    problems.document.marks[()] = (1, 1)
    try:
        problems.document.data = _Reader(yaml, text, environ, problems).document()
    except MarkedYAMLError as error:
        problems.add_at(Code.SYNTAX, _mark(error.problem_mark or error.context_mark), _explain(error))
    except ReaderError as error:
        before = text[: error.position]
        mark = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        problems.add_at(Code.SYNTAX, mark, "here is a control character; remove it and save the file as plain text")
    except Unreadable:
        pass


class _Reader:
    def __init__(self, yaml: YAML, text: str, environ: Mapping[str, str], problems: Problems) -> None:
        self._events: Iterator[Event] = iter(yaml.parse(text))
        self._resolver = yaml.resolver
        self._environ = environ
        self._problems = problems

    def document(self) -> Any:
        next(self._events)  # the start of the stream
        start = next(self._events)
        if isinstance(start, StreamEndEvent):
            return None
        if isinstance(start, DocumentStartEvent) and start.version is not None:
            self._stop(start, Code.SYNTAX, "policies are YAML 1.2; remove the %YAML line")
        data = self._value(next(self._events), ())
        next(self._events)  # the end of the document
        if not isinstance(after := next(self._events), StreamEndEvent):
            self._stop(after, Code.NO_MAPPING, "a second document begins here; put everything into one and remove this line")
        return data

    def _value(self, event: Event, path: Path) -> Any:
        self._problems.document.marks[path] = _mark(event.start_mark)
        if len(path) > MAX_DEPTH:
            self._stop(event, Code.TOO_DEEP, f"nested more than {MAX_DEPTH} levels deep; flatten it")
        if isinstance(event, AliasEvent):
            advice = "write the value out, or put it in quotes if it is text"
            self._problems.add(Code.ALIAS, path, f"the alias *{event.anchor} is not understood in policies; {advice}")
            return BROKEN
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        assert isinstance(event, ScalarEvent)
        return self._scalar(event, path)

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            name = self._key(event)
            where = (*path, name)
            if name in entries:
                first, _ = self._problems.document.keys[where]
                message = f"{describe_value(name)} is given twice; remove one (the first is on line {first})"
                self._problems.add_at(Code.DUPLICATE_KEY, _mark(event.start_mark), message)
                where = (*path, name, "")  # keeps the places of the first
            self._problems.document.keys[where] = _mark(event.start_mark)
            entries.setdefault(name, self._value(next(self._events), where))
        return entries

    def _key(self, event: Event) -> str:
        if not isinstance(event, ScalarEvent):
            self._stop(event, Code.WRONG_TYPE, "a key must be plain text; remove the brackets, the '?' or the '*'")
        return str(event.value)

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        if event.tag is not None:
            self._problems.add(Code.SYNTAX, path, f"the tag {event.tag} is not understood in policies; remove it")
            return BROKEN
        try:
            text = fill(event.value, self._environ)
        except VariableError as error:
            self._problems.add(error.code, path, str(error))
            return BROKEN
        if text != event.value:
            self._problems.document.filled[path] = text
        return self._resolve(text, path) if event.implicit[0] else text

    def _resolve(self, text: str, path: Path) -> Any:
        """Reads a plain scalar as YAML 1.2 does; dates stay text."""
        match str(self._resolver.resolve(ScalarNode, text, (True, False))).removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return self._integer(text.replace("_", ""), path)
            case "float":
                return _fraction(text.replace("_", ""))
            case _:
                return text

    def _integer(self, text: str, path: Path) -> Any:
        if len(text) > MAX_DIGITS:
            self._problems.add(Code.OUT_OF_RANGE, path, f"a number of {len(text)} digits; write at most {MAX_DIGITS}")
            return BROKEN
        sign = -1 if text.startswith("-") else 1
        digits = text.lstrip("+-")
        return sign * int(digits, _BASES.get(digits[:2].lower(), 10))

    def _stop(self, event: Event, code: Code, message: str) -> NoReturn:
        self._problems.add_at(code, _mark(event.start_mark), message)
        raise Unreadable


def _fraction(text: str) -> float:
    return float(text.replace(".", "") if text[-1:].isalpha() else text)  # .inf and .nan, in any case


def _mark(mark: Any) -> Mark:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _explain(error: MarkedYAMLError) -> str:
    """Words the parser's complaint, with what to do about the usual ones."""
    problem = str(error.problem or error.context or "not YAML")
    for sign, advice in _ADVICE:
        if sign in problem:
            return f"{problem}; {advice}"
    return f"{problem}; check quotes, brackets and indentation around here"
