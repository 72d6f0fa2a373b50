"""Marks a text while it streams: in slots of its prose, puts the variant that a key wants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from antidistill.watermark.choice import Choice, Choices, Report
from antidistill.watermark.echo import SHINGLE, Echo, plain
from antidistill.watermark.language import hearing
from antidistill.watermark.lexicon import Found, Lexicon, Wait
from antidistill.watermark.phrase import Run, exchange, exchangeable
from antidistill.watermark.prose import Prose
from antidistill.watermark.slots import EDGE, WINDOW, Chooser, Left, beginnings, passed
from antidistill.watermark.tokens import LIMIT, SOLIDS, Solid, known_runs

_RUN: Final = re.compile(rf"(\s*+)(\S{{1,{LIMIT}}}+)")
_PART: Final = 1 << 16
"""Characters that are taken in at once."""
_NEAR: Final = 24
"""Tokens before a slot that tell what language it stands in."""
_MANY: Final = 1 << 12
"""Tokens that are remembered before most are forgotten."""

_hearing = lru_cache(maxsize=8)(hearing)


class Embedder:
    """Marks one text. Whatever pieces it is fed in, the same comes out as if it were fed at once.

    Holds back at most four words, the one that is arriving included, and a few hundred characters at most.

    Args:
        lexicon: Classes of the language of the text.
        coins: What is wanted of every slot.
        tier: Highest tier of classes that may be changed.
        echo: Recognises what the text repeats from its prompt, which stays as it is.

    Attributes:
        report: What became of the text so far.
    """

    def __init__(self, lexicon: Lexicon, coins: Chooser, tier: int = 1, echo: Echo | None = None) -> None:
        self.report = Report()
        self._lexicon, self._echo = lexicon, echo
        self._choices = Choices(lexicon, coins, tier, self.report)
        self._beginnings = beginnings(lexicon)
        self._hear = _hearing(lexicon.language)
        self._prose = Prose()
        self._rest = ""  # Text of which it is not known yet where its last run ends.
        self._held: list[Run] = []
        self._tokens: list[str] = []  # The last tokens of the text; those of held runs at the end.
        self._at = 0  # Place of the first token that is undecided.
        self._left, self._since = EDGE, 0  # What stands left of the token at `_since`; no slot lies behind.
        self._choice: Choice | None = None  # What waits for words behind it.
        self._before: Solid | None = None
        self._curly = False
        self._need = 0  # Runs that must be held before it makes sense to decide.

    @property
    def held(self) -> int:
        """Words that are held back, the one that is arriving included."""
        return len(self._held) + bool(self._rest.strip())

    def feed(self, text: str) -> str:
        """Takes the next piece of text, returns what can be sent now."""
        if len(text) <= _PART:
            return self._feed(text)
        return "".join([self._feed(text[start : start + _PART]) for start in range(0, len(text), _PART)])

    def flush(self) -> str:
        """Returns what was held back; called once, at the end of the text."""
        sent: list[str] = []
        rest, self._rest = self._rest, ""
        self._take(rest, sent)
        self._settle(sent, final=True)
        sent.append(rest[len(rest.rstrip()) :])
        return "".join(sent)

    def _feed(self, text: str) -> str:
        rest = self._rest + text
        sent: list[str] = []
        if known := known_runs(rest):
            self._take(rest[:known], sent)
            rest = rest[known:]
        if len(rest) > LIMIT:
            rest = self._widen(rest, sent)
        self._rest = rest
        return "".join(sent)

    def _widen(self, rest: str, sent: list[str]) -> str:
        """Lets a very wide gap go, with all that waits for a word behind it."""
        wide = len(rest) - len(rest.lstrip()) - 1
        if wide < LIMIT:
            return rest
        self._settle(sent, final=True)
        self._prose.space(rest[:wide])
        sent.append(rest[:wide])
        return rest[wide:]

    def _take(self, text: str, sent: list[str]) -> None:
        """Takes whole runs."""
        prose, tokens, apart, held, words = self._prose, self._tokens, self._beginnings.isdisjoint, self._held, self.report.words
        calm, base, runs = prose.calm, len(tokens), _RUN.findall(text)
        solids = [SOLIDS[run] for _, run in runs]
        # Nothing is looked at across a gap that is very wide.
        wide = max([len(gap) for gap, _ in runs if gap != " "], default=0) > LIMIT
        ahead = [] if wide else [token for solid in solids for token in solid.tokens]
        for (gap, run), solid in zip(runs, solids, strict=True):
            fresh = broken = False
            free = calm and gap == " " and not solid.special
            if not free:
                free = self._free(gap, run, solid, words, sent)
                calm, fresh, broken = prose.calm, prose.fresh, prose.broken
            if gap or not words:
                words += 1
            if not held and (apart(solid.tokens) or self._vain(solid, len(tokens), ahead, base)):
                tokens += solid.tokens
                sent.append(gap + run)
                self._before = solid
            else:
                tokens += solid.tokens
                held.append(Run(gap + run, gap, solid, free, fresh, broken, len(tokens), words - 1))
                if len(held) >= self._need:
                    self._settle(sent, final=False)
        self.report.words = words
        if len(tokens) > _MANY:
            self._forget()

    def _vain(self, solid: Solid, at: int, ahead: Sequence[str], base: int) -> bool:
        """Whether nothing begins in the first run that would be held, as the tokens ahead tell at once; theirs begin at `base`."""
        self._at = at
        if len(solid.tokens) > 1:
            return False
        before = self._left.token if at == self._since else self._tokens[at - 1]
        words, place = (ahead, at - base) if ahead else (solid.tokens, 0)
        found = self._lexicon.find(words, place, before, False)
        self._need = 2 if isinstance(found, Wait) else 0
        return found is None

    def _free(self, gap: str, run: str, solid: Solid, number: int, sent: list[str]) -> bool:
        """Whether a run is prose, where that takes a closer look."""
        if len(gap) > LIMIT:
            self._settle(sent, final=True)
        self._curly = self._curly or "’" in run
        return self._prose.free(gap, run, solid, number)

    def _settle(self, sent: list[str], final: bool) -> None:
        """Decides and sends whatever can be decided."""
        held, tokens, beginnings, find = self._held, self._tokens, self._beginnings, self._lexicon.find
        self._need = 0
        if self._choice is not None and not self._put(self._choice, final):
            return
        while held:
            run = held[0]
            while (at := self._at) < run.end:
                before = self._left.token if at == self._since else tokens[at - 1]
                found = find(tokens, at, before, final) if tokens[at] in beginnings else None
                # Marks without words do not make it wait for ever.
                if found is None or (len(held) >= WINDOW and isinstance(found, Wait)):
                    self._at = at + 1
                elif isinstance(found, Wait) or not self._put(self._choose(found), final):
                    return
            while held and held[0].end <= self._at:
                run = held.pop(0)
                self._before = run.solid
                sent.append(run.text)

    def _choose(self, found: Found) -> Choice:
        left = passed(self._left, self._tokens, self._since, self._at)
        return self._choices.choose(found, left, self._held[0].number)

    def _put(self, choice: Choice, final: bool) -> bool:
        """Puts the variant that was chosen; returns whether enough is known to do so."""
        if choice.new:
            need = min(WINDOW, max(choice.found.length + 1, SHINGLE if self._echo else 0))
            if len(self._held) < need and not final:
                self._choice, self._need = choice, need
                return False
            if not self._change(choice):
                choice = choice.kept()
        self._choice = None
        self._choices.note(choice)
        self._at += choice.found.length
        self._left, self._since = Left(choice.place.cls, choice.place.cls), self._at
        return True

    def _change(self, choice: Choice) -> bool:
        """Puts a variant, unless what stands there must stay; returns whether it did."""
        held, found, left = self._held, choice.found, choice.left
        starts = left.token in ("", ":") or held[0].fresh
        if not (exchangeable(held, found.length, self._before, starts) and self._stands(found, left) and not self._repeats(found.length)):
            self.report.protected += 1
            return False
        if not self._hear(plain(self._tokens[max(0, self._at - _NEAR) :])):
            self.report.skipped += 1
            return False
        exchange(held, found.length, found.cls.sides[choice.side][choice.variant], self._curly)
        self.report.changed += 1
        return True

    def _stands(self, found: Found, left: Left) -> bool:
        """Whether it is no unit of a number, and would be found there too if sentences ended where lines do."""
        tokens, at, held = self._tokens, self._at, self._held
        if at and tokens[at - 1][:1].isdigit():
            return False
        before = "" if held[0].broken else left.token
        end = next((run.end - len(run.solid.tokens) for run in held[1:] if run.broken), None)
        if end is None and before == left.token:
            return True
        return self._lexicon.find(tokens[at:end], 0, before, True) == found

    def _repeats(self, length: int) -> bool:
        """Whether it stands in the prompt too, together with words around it."""
        tokens, at = self._tokens, self._at
        if self._echo is None or not self._echo.knows(tokens[at : at + length]):
            return False
        before = plain(tokens[max(0, at - 2 * SHINGLE) : at])[1 - SHINGLE :]
        return self._echo.repeats(before + plain(tokens[at:]), len(before), len(before) + length)

    def _forget(self) -> None:
        """Drops tokens that nothing will look at again."""
        self._at = self._at if self._held else len(self._tokens)
        drop = max(0, self._at - _NEAR)
        self._left = passed(self._left, self._tokens, self._since, self._at)
        self._at = self._since = self._at - drop
        del self._tokens[:drop]
        for run in self._held:
            run.end -= drop


def mark(text: str, lexicon: Lexicon, coins: Chooser, tier: int = 1, echo: Echo | None = None) -> str:
    """Marks a whole text, as an `Embedder` would while it streams."""
    embedder = Embedder(lexicon, coins, tier, echo)
    return embedder.feed(text) + embedder.flush()
