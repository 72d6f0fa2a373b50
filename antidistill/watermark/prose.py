"""What is prose and what is never touched, told while a text arrives.

Whatever opens something that is not prose (a fence, a formula, a quotation, a brace) protects from there until it closes, or until the
line, the paragraph or the text ends. Nothing is held back to see whether it closes: what stays open protects a little too much.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from antidistill.watermark import regions
from antidistill.watermark.regions import Region, Scope
from antidistill.watermark.tokens import Solid

_FENCE: Final = re.compile(r"(`{3,}|~{3,})[^`]*$")
_MARKER: Final = re.compile(r"[-*+•◦▪‣–]$|\d{1,4}[.)]$|\((?:\d{1,4}|[A-Za-z])\)$|[A-Za-z][.)]$")
_LABEL: Final = re.compile(r"\*\*|__")
_RULE: Final = re.compile(r":?-{2,}[-:|]*$")
_PARAGRAPH: Final = re.compile(r">|</?[A-Za-z!?]")
_LINE: Final = re.compile(
    r"#|\||\$$|\+\+\+$|[a-z_][\w.-]*:$"
    # First words of lines of code and of commands; prose begins with a capital, and `Let` is no `let`.
    r"|(?:import|from|def|class|function|const|let|var|return|if|elif|else|for|while|public|private|protected|static|void|int|float|double|char"
    r"|package|using|namespace|select|insert|update|delete|create|alter|drop|diff|sudo|git|pip|npm|npx|curl|docker|cd|ls|mkdir|echo|export"
    r"|printf?|SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|JOIN|GROUP|ORDER|INNER|LEFT|BEGIN|END)$"
)
_MONEY: Final = re.compile(r"\$\d[\d,.]*$")
_OPERATOR: Final = re.compile(r"[-+=*<>^]$|\\(?!begin)[a-z]")
_EARLY: Final = 3
"""Runs from the start of a line among which code shows."""
_VERSE: Final = 10
"""Words of a line of verse, at most."""
_STANZA: Final = 2
"""Such lines in a row behind which all are verse, until something else comes."""


class _Beginning(NamedTuple):
    """What a line may be that begins with a run: a fence of marks, a list item, a label, a row of dashes; and how far it is no prose."""

    fence: str
    marker: bool
    label: bool
    rule: bool
    barred: Scope


@lru_cache(maxsize=1 << 12)
def _beginning(run: str) -> _Beginning:
    fence, rule = _FENCE.match(run), bool(_RULE.match(run))
    if run == "@@":
        barred = Scope.TEXT
    elif _PARAGRAPH.match(run):
        barred = Scope.PARAGRAPH
    else:
        barred = Scope.LINE if rule or _LINE.match(run) else Scope.NONE
    return _Beginning(fence[1] if fence else "", bool(_MARKER.match(run)), bool(_LABEL.match(run)), rule, barred)


class Prose:
    """Tells of one run of text after the other whether its word is prose. Keeps a few numbers, whatever the length of the text.

    Attributes:
        calm: Whether a run is prose that follows after one space, unless it is special itself.
        fresh: Whether the last run that was asked about begins a paragraph or a list item.
        broken: Whether a line end stood before it.
    """

    def __init__(self) -> None:
        self.calm = False
        self.fresh = self.broken = True
        self._region: Region | None = None
        self._outer: Region | None = None  # What that one opened in.
        self._barred = Scope.NONE  # How far what follows is no prose, whatever opens and closes in it.
        self._ruled = False  # Whether the line began with a row of dashes.
        self._breaks = 2  # Line ends since the last run; a text begins like a paragraph.
        self._indent = 0
        self._spaced = True
        self._item = False  # Whether the last run was the marker of a list item.
        self._list = False
        self._line = 0  # Number of the run that began the line.
        self._short = 0  # Short lines one after the other; from the third on they are verse.
        self._money = False

    def space(self, gap: str) -> None:
        """Takes whitespace; any number of times between two runs."""
        self.calm = False
        lines = gap.count("\n")
        if lines:
            self._breaks += lines
            self._indent = 0
            gap = gap[gap.rindex("\n") + 1 :]
        self._spaced = self._spaced or bool(lines or gap)
        if gap:
            self._indent += len(gap) + 3 * gap.count("\t")
            if "\t" in gap and not self._breaks:
                self._bar(Scope.LINE)  # Columns.

    def free(self, gap: str, run: str, solid: Solid, number: int) -> bool:
        """Whether the word of the next run may be changed. Need not be asked about plain runs after one space, while `calm`.

        Args:
            gap: Whitespace before it, as far as `space` was not told.
            run: Text without whitespace: the next part of a long run, where neither brought whitespace.
            solid: What was read in the run.
            number: Number of the run.
        """
        at, spaced = 0, True
        if gap == " " and not self._breaks and not self._item:
            self.fresh = self.broken = False
        else:
            at, spaced = self._begin(gap, run, number)
        if self._region is None and not solid.special:
            free, self._money = not self._barred, False
        else:
            free = self._scan(run, at, number)
        self.calm = self._region is None and not (self._barred or self._item or self._money)
        return free and spaced

    def _begin(self, gap: str, run: str, number: int) -> tuple[int, bool]:
        """Begins a line, a list item, or a part of a long run; returns where to look for more, and whether whitespace stands before."""
        self.space(gap)
        breaks, spaced, self._breaks, self._spaced = self._breaks, self._spaced, 0, False
        self.broken, self.fresh = breaks > 0, breaks > 1 or self._item
        if breaks:
            words, plain = number - self._line, self._region is None and not self._barred
            self._break(breaks, run)
            self._measure(words, plain, breaks, run)
            self._line = number
        at = self._open(run, breaks) if breaks or self._item else 0
        self._indent = 0
        return at, spaced

    def _break(self, breaks: int, run: str) -> None:
        """Ends what ends with a line, or a paragraph."""
        self._item = self._ruled = False
        if self._barred and self._barred <= min(breaks, Scope.PARAGRAPH):
            self._barred = Scope.NONE
        if self._outer is not None and self._outer.ends(breaks):
            self._outer = None
        if self._region is not None and self._region.ends(breaks):
            self._region, self._outer = self._outer, None
        if self._region is not None:
            self._region.begin(run)

    def _measure(self, words: int, plain: bool, breaks: int, run: str) -> None:
        """Tells verse, whose metre and rhyme suffer no exchange, by the lines before: short, plain, and no list."""
        beginning = _beginning(run)
        prose = words > _VERSE or beginning.marker or beginning.barred or beginning.fence
        if prose or (self._short < _STANZA and (breaks > 1 or not plain)):
            self._short = 0
        else:
            self._short += breaks == 1
        if self._short >= _STANZA:
            self._bar(Scope.LINE)

    def _open(self, run: str, breaks: int) -> int:
        """Tells what begins with the first run of a line, or of a list item; returns where in the run its inside begins."""
        if self._region is not None and self._region.scope == Scope.TEXT:
            return 0
        beginning = _beginning(run)
        if beginning.fence:
            self._enter(regions.fence(beginning.fence))
            return len(beginning.fence)
        flush = not breaks or self._lies_flush(beginning.marker, breaks)
        self._item = flush and breaks > 0 and beginning.marker
        if not self._item:
            self._ruled = beginning.rule
            if beginning.barred or not flush:
                self._bar(beginning.barred or Scope.LINE)
        if self._region is not None and (opening := regions.opened(run, 0, deep=True)):
            self._enter(opening[0])
            return opening[1]
        if self._region is None and breaks and beginning.label:
            self._enter(regions.LABEL)
            return 2
        return 0

    def _lies_flush(self, marker: bool, breaks: int) -> bool:
        """Whether the indentation of a line is that of prose, or of a list; deeper is code."""
        if self._indent < 2:
            self._list = marker or (self._list and breaks < 2)
            return True
        self._list = self._list or (marker and self._indent < 4)
        return self._list and (marker or self._indent < 4)

    def _bar(self, scope: Scope) -> None:
        self._barred = max(self._barred, scope)

    def _enter(self, region: Region) -> None:
        self._outer, self._region = self._region, region

    def _scan(self, run: str, at: int, number: int) -> bool:
        """Closes and opens whatever the run closes and opens; returns whether all of it is prose."""
        if self._money and self._region is None and _OPERATOR.match(run):
            self._region = regions.MATH
        self._money = run[0] == "$" and bool(_MONEY.match(run))
        free = True
        while True:
            if self._region is not None:
                free = False
                opening = regions.opened(run, at, deep=True) if self._region.nests else None
                end = self._region.close(run, at)
                if opening and (end < 0 or opening[1] < end):
                    self._enter(opening[0])
                    at = opening[1]
                elif end < 0:
                    return False
                else:
                    self._region, self._outer, at = self._outer, None, end
            elif opening := regions.opened(run, at, deep=False):
                free = False
                at = self._step_in(*opening, number)
            else:
                return free and not self._barred

    def _step_in(self, region: Region, at: int, number: int) -> int:
        if region is regions.COLUMN:
            self._bar(Scope.PARAGRAPH if self._ruled else Scope.LINE)
        elif region is regions.CODE_LINE:
            self._bar(Scope.LINE if number - self._line < _EARLY else Scope.NONE)
        else:
            self._region = region
        return at
