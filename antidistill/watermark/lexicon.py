"""Interchangeable words of a language, and finding them in a text that arrives one word at a time.

Guards decide where a variant may stand, and they cannot see which variant of another class stands beside: a text reads the same before and
after variants were exchanged. `blindness` proves that whenever a lexicon is read from a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from antidistill.errors import LexiconError
from antidistill.watermark.blindness import faults, named
from antidistill.watermark.classes import Guard, SlotClass
from antidistill.watermark.source import read

__all__ = ["WAIT", "Found", "Guard", "Lexicon", "SlotClass", "Wait", "languages"]

_DATA: Final = Path(__file__).parent / "data"
_PAIRS: Final = 1 << 15
"""Pairs of tokens that are remembered, of which few are long: a token has 80 characters at most."""


class Wait:
    """Says that `Lexicon.find` needs more tokens; there is one, `WAIT`."""


WAIT: Final = Wait()


class Found(NamedTuple):
    """A place where a variant stands: its class, its side, its number on that side, and its length in tokens."""

    cls: SlotClass
    side: int
    variant: int
    length: int


class _Entry(NamedTuple):
    """One variant, ready to be matched behind its first word; the second one, where there is any, sorts most of them out."""

    second: str | None
    tail: tuple[str, ...]
    before: Guard
    behind: tuple[Guard, ...]
    found: Found

    def followers(self) -> frozenset[str] | None:
        """Tokens of which one must stand behind the first word, where they can be listed."""
        if self.tail:
            return frozenset(self.tail[:1])
        only = self.behind[0].only if self.behind else None
        return only.words if only is not None and only.finite else None

    def match(self, words: Sequence[str], at: int, ended: bool) -> Found | Wait | None:
        """Whether the rest of the variant and its guards hold behind `at`."""
        place, known = at + 1, len(words)
        for word in self.tail:
            if place >= known:
                return None if ended else WAIT
            if words[place] != word:
                return None
            place += 1
        for guard in self.behind:
            if place >= known and not ended:
                return WAIT
            if not guard.admits(words[place] if place < known else ""):
                return None
            place += 1
        return self.found


class _Admitting(dict[tuple[str, str], tuple[_Entry, ...]]):
    """What may begin at a token behind another one. Pairs repeat, so that nearly every look-up finds what was told before."""

    def __init__(self, entries: Mapping[str, tuple[_Entry, ...]]) -> None:
        super().__init__()
        self._entries = entries

    def __missing__(self, pair: tuple[str, str]) -> tuple[_Entry, ...]:
        previous, first = pair
        found = tuple(entry for entry in self._entries.get(first, ()) if entry.before.admits(previous))
        if len(self) >= _PAIRS:
            self.clear()
        self[pair] = found
        return found


class Lexicon:
    """Classes of one language, and the search for them.

    Attributes:
        language: Code of the language, such as `en`.
        version: Version of the data.
        digest: Hash over everything that decides how a text is read; names what a text was marked with.
        classes: All classes, in the order of their ids.
        lookahead: Most tokens behind the first that `find` may ask for; never above 3 in a shipped file.
    """

    def __init__(self, language: str, version: str, classes: Iterable[SlotClass]) -> None:
        self.language, self.version = language, version
        self.classes = tuple(sorted(classes, key=lambda cls: cls.id))
        self.digest = _digest(language, self.classes)
        entries = _index(self.classes)
        self._admitting = _Admitting(entries)
        self._followers = {first: followers for first, group in entries.items() if (followers := _followers(group)) is not None}
        self._ids = {variant: cls.id for cls in reversed(self.classes) for variant in cls.variants}
        self.lookahead = max((len(entry.tail) + len(entry.behind) for group in entries.values() for entry in group), default=0)

    def find(self, words: Sequence[str], at: int, previous: str, ended: bool) -> Found | Wait | None:
        """Looks for a variant that begins at `words[at]`; the longest wins.

        Args:
            words: Folded tokens of one sentence; punctuation inside a sentence is a token of its own.
            at: Place to look at.
            previous: The token before, or the id of the class whose variant ended there; "" at the start of a sentence.
            ended: Whether `words` is all there is of the sentence.

        Returns:
            What stands there, None, or `WAIT` where more tokens must be known first.
        """
        first, follower = words[at], words[at + 1] if at + 1 < len(words) else None
        if follower is not None and (followers := self._followers.get(first)) is not None and follower not in followers:
            return None
        for entry in self._admitting[previous, first]:
            if follower is None or entry.second is None or entry.second == follower:
                outcome = entry.match(words, at, ended)
                if outcome is not None:
                    return outcome
        return None

    def canonical(self, word: str) -> str:
        """The id of the first class that this word or phrase is a variant of, else the word itself."""
        return self._ids.get(word, word)

    @classmethod
    def load(cls, language: str = "en", extension: Path | None = None) -> Lexicon:
        """Reads the shipped classes of a language and, where given, a private file with more of them.

        Raises:
            LexiconError: There is no lexicon of that language, or a file has mistakes; each is named by file and line.
        """
        if language not in languages():
            advice = f"leave its texts unmarked, or add {language}.json as docs/lexicon.md says"
            raise LexiconError(f"no lexicon for language {language!r}, only for {', '.join(languages())}; {advice}")
        source = read(_DATA / f"{language}.json", extension)
        classes = named(source.classes)
        if found := faults(classes):
            raise LexiconError("\n".join(f"{source.places[id_]} {id_}: {fault}" for id_, fault in found.items()))
        return cls(language, source.version, classes)


def languages() -> tuple[str, ...]:
    """Codes of the languages that have a shipped lexicon."""
    return tuple(sorted(path.stem for path in _DATA.glob("*.json")))


def _index(classes: Iterable[SlotClass]) -> dict[str, tuple[_Entry, ...]]:
    """Variants by their first word, longest first."""
    groups: dict[str, list[_Entry]] = {}
    for cls in classes:
        for first, entry in _entries(cls):
            groups.setdefault(first, []).append(entry)
    return {first: tuple(sorted(group, key=lambda entry: -len(entry.tail))) for first, group in groups.items()}


def _entries(cls: SlotClass) -> Iterator[tuple[str, _Entry]]:
    for side, variants in enumerate(cls.sides):
        for number, variant in enumerate(variants):
            first, *tail = variant.split(" ")
            yield first, _Entry(tail[0] if tail else None, tuple(tail), cls.before, cls.behind, Found(cls, side, number, 1 + len(tail)))


def _followers(entries: Sequence[_Entry]) -> frozenset[str] | None:
    """Tokens of which one must stand behind the first word of any of these variants, where they can be listed."""
    listed = [followers for entry in entries if (followers := entry.followers()) is not None]
    return frozenset[str]().union(*listed) if len(listed) == len(entries) else None


def _digest(language: str, classes: tuple[SlotClass, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode((language, classes), order="deterministic")).hexdigest()
