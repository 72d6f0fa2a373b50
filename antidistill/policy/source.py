"""Where a policy comes from: a file, a mapping, or the built-in one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from importlib.resources import files
from os import PathLike, fspath
from typing import Any, TypeAlias

from antidistill.errors import PolicyError, Problem
from antidistill.policy.codes import Code
from antidistill.policy.document import BROKEN, MAX_DEPTH, Document, Path, Problems
from antidistill.policy.environment import VariableError, fill
from antidistill.policy.yaml12 import read_yaml

MAX_BYTES = 1 << 18
"""A policy of a hundred rules has about 16 KiB; the bound keeps a wrong path from stalling the start."""

Source: TypeAlias = str | PathLike[str] | Mapping[str, Any] | None


def read(source: Source, environ: Mapping[str, str]) -> Problems:
    """Reads a source as far as it can be read; the result holds the document and what is wrong with it so far.

    Args:
        source: A path, a mapping, or None for the built-in policy.
        environ: Values for `${NAME}`.

    Raises:
        PolicyError: The file cannot be opened or is no text.
    """
    if isinstance(source, Mapping):
        return _read_mapping(source, environ)
    name, raw = ("default.yaml", _built_in()) if source is None else (fspath(source), _fetch(fspath(source)))
    problems = Problems(Document(name, revision=_hash(raw)))
    read_yaml(_decode(name, raw), environ, problems)
    return problems


def _built_in() -> bytes:
    return (files("antidistill.policy") / "default.yaml").read_bytes()


def _fetch(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _refuse(name, Code.UNREADABLE, f"cannot be read ({reason}); give the path of a policy file") from error
    if len(raw) > MAX_BYTES:
        raise _refuse(name, Code.TOO_LARGE, f"is larger than {MAX_BYTES // 1024} KiB; give the path of a policy file, or split the policy")
    return raw


def _decode(name: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise _refuse(name, Code.ENCODING, "the file is not UTF-8 from here on; save it as UTF-8", line, column) from None


def _refuse(name: str, code: Code, message: str, line: int = 0, column: int = 0) -> PolicyError:
    return PolicyError(name, (Problem(code.value, message, line, column),))


def _hash(raw: bytes) -> str:
    return blake2b(raw, digest_size=8).hexdigest()


# --- mappings --------------------------------------------------------------------------------------------------------


def _read_mapping(source: Mapping[str, Any], environ: Mapping[str, str]) -> Problems:
    problems = Problems(Document("policy"))
    problems.document.data = _Copier(environ, problems).copy(source, ())
    problems.document.revision = _hash(repr(source).encode("utf-8", "replace"))
    return problems


class _Copier:
    """Copies a mapping into plain data, so that what the caller does to it later changes nothing."""

    def __init__(self, environ: Mapping[str, str], problems: Problems) -> None:
        self._environ = environ
        self._problems = problems

    def copy(self, value: Any, path: Path) -> Any:
        marks = self._problems.document.marks
        marks[path] = (0, len(marks))
        if len(path) > MAX_DEPTH:
            return self._report(Code.TOO_DEEP, path, f"nested more than {MAX_DEPTH} levels deep; flatten it")
        match value:
            case Mapping():
                return {str(key): self.copy(part, (*path, str(key))) for key, part in value.items()}
            case list() | tuple():
                return [self.copy(part, (*path, index)) for index, part in enumerate(value)]
            case str():
                return self._fill(str(value), path)
            case date():
                return value.isoformat()
            case None | bool() | int() | float():
                return value
            case _:
                message = f"a {type(value).__name__} cannot stand in a policy; give text, numbers, lists or mappings"
                return self._report(Code.WRONG_TYPE, path, message)

    def _fill(self, text: str, path: Path) -> Any:
        try:
            filled = fill(text, self._environ)
        except VariableError as error:
            return self._report(error.code, path, str(error))
        if filled != text:
            self._problems.document.filled[path] = filled
        return filled

    def _report(self, code: Code, path: Path, message: str) -> Any:
        self._problems.add(code, path, message)
        return BROKEN
