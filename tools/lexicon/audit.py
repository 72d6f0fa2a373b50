"""Samples substitutions for reading: seeded, in proportion to how often they occur, and without telling which wording is the original.

    python tools/lexicon/audit.py PROSE.jsonl.gz --seed 7 --count 500 --tier 1 > sample.tsv

Prints a row for each sample: number, row id, class, and the place with both wordings in an order that a coin chose. With `--key` prints
instead which of the two (1 or 2) stood in the text, for counting afterwards. The marked text comes from the embedder itself.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from antidistill.watermark.embed import mark
from antidistill.watermark.lexicon import Lexicon
from antidistill.watermark.slots import INNER, Slot


class Exchange:
    """Fair coins for the slot at one place; all others stay. They remember the places they were asked about."""

    def __init__(self, target: int = -1, seed: str = "") -> None:
        self.target, self.seed = target, seed
        self.classes: dict[int, str] = {}

    def want(self, slot: Slot) -> int | None:
        """A side for the target, None elsewhere."""
        self.classes[slot.at] = slot.cls.removesuffix(INNER)
        return random.Random(f"{self.seed} {slot.cls}").getrandbits(1) if slot.at == self.target else None


class Sample(NamedTuple):
    """One substitution: where it is, and the text on both sides of it."""

    row: str
    cls: str
    left: str
    before: str
    after: str
    right: str


def main() -> None:
    """Prints samples."""
    options = _options()
    with gzip.open(options.prose, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    dice = random.Random(options.seed)
    for number, sample in enumerate(samples(rows, dice, options.count, options.tier)):
        first = random.Random(f"{options.seed}/{options.order}/{number}").random() < 0.5
        pair = (sample.before, sample.after) if first else (sample.after, sample.before)
        left, right = sample.left[-options.context :], sample.right[: options.context]
        print(number, sample.row, sample.cls, f"{left}[{pair[0]}|{pair[1]}]{right}" if not options.key else 2 - first, sep="\t")


def samples(rows: list[dict[str, str]], dice: random.Random, count: int, tier: int) -> Iterator[Sample]:
    """Draws substitutions from shuffled texts, each slot of them as likely as any other."""
    lexicon = Lexicon.load("en")
    dice.shuffle(rows)
    places = [(row, place) for row in rows[:count] for place in _places(row["text"], lexicon, tier)]
    dice.shuffle(places)
    drawn = (_sample(row, place, lexicon, tier) for row, place in places)
    yield from islice((sample for sample in drawn if sample.before != sample.after), count)


def _places(text: str, lexicon: Lexicon, tier: int) -> list[int]:
    nobody = Exchange()
    mark(text, lexicon, nobody, tier)
    return sorted(nobody.classes)


def _sample(row: dict[str, str], place: int, lexicon: Lexicon, tier: int) -> Sample:
    text, coins = row["text"], Exchange(place, f"{row['id']} {place}")
    marked = mark(text, lexicon, coins, tier)
    start = _word_start(text, _shared(text, marked))
    end = min(_shared(text[start:][::-1], marked[start:][::-1]), len(text) - start, len(marked) - start)
    end = max(0, end - len(text[len(text) - end :].split(" ")[0]) if end and not text[len(text) - end].isspace() else end)
    before, after = text[start : len(text) - end], marked[start : len(marked) - end]
    return Sample(str(row["id"]), coins.classes[place], _flat(text[:start]), _flat(before), _flat(after), _flat(text[len(text) - end :]))


def _shared(one: str, two: str) -> int:
    """Length of what two texts begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _word_start(text: str, at: int) -> int:
    while at and not text[at - 1].isspace():
        at -= 1
    return at


def _flat(text: str) -> str:
    return text.replace("\n", "⏎").replace("\t", " ")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prose", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--order", type=int, default=1, help="another number shuffles which wording comes first")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--tier", type=int, default=1)
    parser.add_argument("--context", type=int, default=70, help="characters on both sides")
    parser.add_argument("--key", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
