"""Lexicon files: JSON, one class a line, guards written as lists of words. `docs/lexicon.md` describes the format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from antidistill.errors import LexiconError
from antidistill.watermark.classes import Guard, SlotClass, Tokens

EXTENSION_PREFIX: Final = "private."
"""Before the ids of classes from an extension file, so that they never meet shipped ones."""

_VARIANT: Final = re.compile(r"[^\W\d_][\w'.\-]*(?: [^\W\d_][\w'.\-]*){0,3}")
_EDGES: Final = frozenset("^$")
_DEEPEST: Final = 8
"""Lists within lists."""
LOOKAHEAD: Final = 3
"""Tokens behind the first word of a variant that may be looked at: words that a stream holds back."""


class Row(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A class as it is written.

    A guard is tokens with spaces between: words, `*ending`, `#` (a number), `^` (the sentence begins), `$` (it ends), `@list`.
    """

    id: str
    tier: int
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    before: str = ""
    not_before: str = ""
    after: str = ""
    not_after: str = ""
    then: str = ""
    not_then: str = ""
    habit: bool = False


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """A lexicon file as it is written."""

    version: str
    lists: dict[str, str] = field(default_factory=dict)
    classes: tuple[Row, ...] = ()
    licence: str = ""
    provenance: str = ""


class Source(Struct, frozen=True):
    """Classes as read, and the file and line of each by its id."""

    version: str
    classes: tuple[SlotClass, ...]
    places: dict[str, str]

    def joined(self, other: Source) -> Source:
        """Both together, as one lexicon."""
        return Source(f"{self.version}+{other.version}", self.classes + other.classes, self.places | other.places)


def read(path: Path, extension: Path | None = None) -> Source:
    """Reads a lexicon file, and one with more classes: their ids get a prefix, and their guards may use the lists of both files.

    Raises:
        LexiconError: A file cannot be read or has mistakes; each is named by file and line.
    """
    shipped = _decode(path)
    source = _compile(path, shipped, shipped.lists, "")
    if extension is None:
        return source
    private = _decode(extension)
    return source.joined(_compile(extension, private, shipped.lists | private.lists, EXTENSION_PREFIX))


def _decode(path: Path) -> File:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LexiconError(f"{path}: cannot be read ({error.strerror}); name a lexicon file that exists") from error
    try:
        return msgspec.json.decode(content, type=File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path}:{_line_of(str(error), content)} {error}; write it as docs/lexicon.md says") from error


def _line_of(message: str, content: bytes) -> int:
    """Line of the byte or of the class that a decoding error names; the last where the file ends too early, else 1."""
    if "truncated" in message:
        return content.count(b"\n") + 1
    if found := re.search(r"(?:byte|position) (\d+)", message):
        return content[: int(found[1])].count(b"\n") + 1
    rows = [place.start() for place in re.finditer(rb'\{\s*"id"', content)]
    found = re.search(r"classes\[(\d+)\]", message)
    return content[: rows[int(found[1])]].count(b"\n") + 1 if found and int(found[1]) < len(rows) else 1


def _compile(path: Path, file: File, lists: Mapping[str, str], prefix: str) -> Source:
    lines = _lines(path)
    places = {prefix + row.id: f"{path}:{lines.get(row.id, 1)}" for row in file.classes}
    problems = [f"{places[prefix + row.id]} {row.id}: {problem}" for row in file.classes for problem in _problems(row)]
    classes = []
    for row in file.classes:
        try:
            classes.append(slot_class(row, lists, prefix))
        except LookupError as error:
            problems.append(
                f"{places[prefix + row.id]} {row.id}: no list {error.args[0]!r}, or one that contains itself; add it under lists"
            )
    if len(places) < len(file.classes):
        problems.append(f"{path}:1 an id is written twice; give every class its own")
    if problems:
        raise LexiconError("\n".join(problems))
    return Source(file.version, tuple(classes), places)


def _lines(path: Path) -> dict[str, int]:
    """Line of every class, by id."""
    rows = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return {found[1]: number for number, row in rows if (found := re.search(r'"id":\s*"([^"]*)"', row))}


def _problems(row: Row) -> Iterator[str]:
    """What is wrong with a class as written, without looking at others."""
    variants = row.sides[0] + row.sides[1]
    if row.tier not in (1, 2):
        yield f"tier is {row.tier}; write 1 or 2"
    if not all(row.sides):
        yield "a side is empty; give both sides at least one variant"
    if len(set(variants)) < len(variants):
        yield "a variant stands there twice; write it once"
    behind = bool(row.after or row.not_after) + bool(row.then or row.not_then)
    if variants and max(variant.count(" ") for variant in variants) + behind > LOOKAHEAD:
        yield f"looks at more than {LOOKAHEAD} tokens behind a first word; take shorter variants, or fewer guards behind"
    if (row.then or row.not_then) and not (row.after or row.not_after):
        yield "`then` without `after`; say first what stands directly behind"
    for variant in variants:
        if not _VARIANT.fullmatch(variant) or variant != variant.lower():
            yield f"variant {variant!r}: write one to four lower-case words with single spaces between"


def slot_class(row: Row, lists: Mapping[str, str], prefix: str = "") -> SlotClass:
    """The class that a row describes.

    Raises:
        LookupError: The row names a list that is not there or contains itself.
    """
    behind = [_guard(*pair, lists) for pair in ((row.after, row.not_after), (row.then, row.not_then)) if any(pair)]
    return SlotClass(prefix + row.id, row.tier, row.sides, _guard(row.before, row.not_before, lists), tuple(behind), row.habit)


def _guard(only: str, never: str, lists: Mapping[str, str]) -> Guard:
    return Guard(_tokens(only, lists) if only else None, _tokens(never, lists))


def _tokens(written: str, lists: Mapping[str, str]) -> Tokens:
    tokens = set(_expand(written, lists, _DEEPEST))
    suffixes = {token[1:] for token in tokens if token[0] == "*"}
    words = {"" if token in _EDGES else token for token in tokens if token[0] not in "*#"}
    return Tokens(frozenset(words), tuple(sorted(suffixes)), "#" in tokens)


def _expand(written: str, lists: Mapping[str, str], depth: int) -> Iterator[str]:
    for token in written.split():
        if token[0] != "@":
            yield token
        elif depth == 0:
            raise LookupError(token[1:])
        else:
            yield from _expand(lists[token[1:]], lists, depth - 1)
