"""The mark in the words: layer R, which the accounts of a campaign share, as the middleware puts it and `audit-model` tests it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from antidistill.watermark import slots
from antidistill.watermark.audit import Audit, audit
from antidistill.watermark.marker import Marker, WatermarkConfig
from antidistill.watermark.slots import Slot
from benchmarks.students.campaign import EPOCH, NAME, NOW, STRANGER, Campaign, account
from benchmarks.students.finding import Examination, Point, Pull, Tokens, prefixes
from benchmarks.students.seeds import Seeds, Usage, pulls
from benchmarks.students.vocabulary import Vocabulary


class LayerR:
    """The mark in the words of given texts.

    Args:
        texts: Texts with their prompts, which students are trained on.
        others: Texts of the same kind that no student sees and nobody marked: the reference.
        vocabulary: Words that students know.
        campaign: Whose key marks.
    """

    name = "layer R"

    def __init__(self, texts: Sequence[tuple[str, str]], others: Iterable[str], vocabulary: int, campaign: Campaign) -> None:
        self._marker = Marker(WatermarkConfig(), campaign.ring, clock=lambda: NOW)
        self._keys, self._seeds = campaign.keys, Seeds(campaign)
        plain, marked = [text for _, text in texts], [self._marked(number, *row) for number, row in enumerate(texts)]
        self.vocabulary = Vocabulary(plain + marked, vocabulary)
        self.plain: list[Tokens] = [self.vocabulary.encode(text) for text in plain]
        self.taught: list[Tokens] = [self.vocabulary.encode(text) for text in marked]
        self.density = 100 * sum(map(len, self._read(plain))) / sum(len(text.split()) for text in plain)
        self._others = self._read(others)
        self._usual = Usage(self._seeds.counts(self._others))

    def learnt(self, texts: Sequence[Tokens]) -> dict[str, Pull]:
        """How far choices were pulled to the key's side, by what decides there."""
        return self._pulls(self._read(map(self.vocabulary.decode, texts)))

    def examine(self, texts: Sequence[Tokens]) -> Examination:
        """Tests outputs by length."""
        written = [self.vocabulary.decode(text) for text in texts]
        sizes, found = [len(text.split()) for text in written], self._read(written)
        stranger = self._audit(found, STRANGER)
        return Examination(
            points=[_point(words, self._audit(some, NAME)) for words, some in prefixes(found, sizes)],
            alone=_point(sum(sizes), audit(_unprompted(found), [NAME], self._keys, [EPOCH])),
            wrong=_point(sum(sizes), stranger),
            control_mean=stranger.control_mean,
            control_deviation=stranger.control_deviation,
            pulls=self._pulls(found),
        )

    def _marked(self, number: int, prompt: str, text: str) -> str:
        """A text as an account of the campaign would have been answered."""
        embedder = self._marker.begin(account(number), tier=2, group=NAME, prompt=prompt)
        return embedder.feed(text) + embedder.flush()

    def _read(self, texts: Iterable[str]) -> list[list[Slot]]:
        """The slots of layer R in each text."""
        return [[slot for slot in slots.read(text, self._marker.lexicon) if self._seeds.of(slot)] for text in texts]

    def _pulls(self, found: Iterable[list[Slot]]) -> dict[str, Pull]:
        return pulls(self._seeds.counts(found), self._usual)

    def _audit(self, found: Sequence[list[Slot]], group: str) -> Audit:
        return audit(_unprompted(found), [group], self._keys, [EPOCH], self._others)


def _unprompted(found: Iterable[list[Slot]]) -> Iterator[tuple[list[Slot], tuple[()]]]:
    return ((text, ()) for text in found)


def _point(words: int, result: Audit) -> Point:
    return Point(words, result.seeds, result.z, result.log10_p)
