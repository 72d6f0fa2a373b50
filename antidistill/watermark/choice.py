"""What a key wants of the slots of a text, one after the other, and what became of them."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from antidistill.watermark.lexicon import Found, Lexicon
from antidistill.watermark.slots import Chooser, Left, Seen, Slot, count, inner, slot


class Report(Struct):
    """What became of a text.

    Attributes:
        words: Words, as `str.split` counts them.
        slots: Slots, of all tiers, protected ones too.
        wanted: Slots for which the coins wanted a side.
        carried: Of these, slots that are on it now.
        changed: Of these, slots that were not before.
        protected: Slots left on the other side: no prose, a name, or an echo.
        skipped: Slots left on the other side: nothing around them is in the language of the lexicon.
    """

    words: int = 0
    slots: int = 0
    wanted: int = 0
    carried: int = 0
    changed: int = 0
    protected: int = 0
    skipped: int = 0


class Choice(Struct, frozen=True):
    """What should stand in a slot.

    Attributes:
        found: What stands there.
        left: What stands left of it.
        place: The slot.
        want: The side that is wanted, or None.
        side: The side that should stand there.
        variant: Its variant that should.
    """

    found: Found
    left: Left
    place: Slot
    want: int | None
    side: int
    variant: int

    @property
    def new(self) -> bool:
        """Whether something else stands there."""
        return self.side != self.found.side or self.variant != self.found.variant

    def kept(self) -> Choice:
        """The choice of what stands there."""
        return replace(self, side=self.found.side, variant=self.found.variant)


class Choices:
    """Chooses for each slot of one text.

    Args:
        lexicon: Classes of the language of the text.
        coins: What is wanted of every slot.
        tier: Highest tier of classes that may be changed.
        report: Where slots are counted.
    """

    def __init__(self, lexicon: Lexicon, coins: Chooser, tier: int, report: Report) -> None:
        self._lexicon, self._coins, self._tier, self._report = lexicon, coins, tier, report
        self._seen: Seen = {}

    def choose(self, found: Found, left: Left, at: int) -> Choice:
        """Chooses for the next slot; the same until a choice is noted."""
        place = slot(self._lexicon, found, left, at, self._seen)
        want = self._want(place)
        side = found.side if want is None else want
        within = inner(found.cls, side, found.variant, place, self._seen)
        bit = None if within is None else self._want(within)
        if side == found.side and bit in (None, found.variant & 1):
            return Choice(found, left, place, want, side, found.variant)
        return Choice(found, left, place, want, side, found.variant % len(found.cls.sides[side]) if bit is None else bit)

    def note(self, choice: Choice) -> None:
        """Counts the slot in which the choice stands now, and the one inside."""
        self._count(choice.place, choice.want, choice.side)
        within = inner(choice.found.cls, choice.side, choice.variant, choice.place, self._seen)
        if within is not None:
            self._count(within, self._want(within), within.side)

    def _want(self, place: Slot) -> int | None:
        return self._coins.want(place) if place.tier <= self._tier else None

    def _count(self, place: Slot, want: int | None, side: int) -> None:
        count(self._seen, place)
        self._report.slots += 1
        self._report.wanted += want is not None
        self._report.carried += want == side
