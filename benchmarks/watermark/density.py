"""How many slots real texts have, how many of them carry the mark, and how many a reader finds on the side that they were put on."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from statistics import quantiles
from typing import NamedTuple

from antidistill.watermark.choice import Report
from antidistill.watermark.embed import Embedder
from benchmarks.watermark.prose import EPOCH, KEYS, answers, human, lexicon, read

COUNTS = ("slots", "wanted", "carried", "changed")


class Marked(NamedTuple):
    """What became of a text, and how many of its slots a reader finds on the side that the coins want."""

    report: Report
    found: int


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--least", type=int, default=120, help="fewest words of a text (120)")


def run(args: argparse.Namespace) -> None:
    """Marks every text once, and prints."""
    for name, texts in (("answers of models", answers(args.least)), ("prose that people wrote", human(args.least))):
        for tier in (1, 2):
            print(f"{name}, {len(texts):,} of {args.least} words and more, tier {tier}, per 100 words")
            report([mark(text, tier) for text in texts])


def mark(text: str, tier: int) -> Marked:
    """Marks a text and reads it."""
    coins = KEYS.mark("acct", EPOCH, group="deployment" if tier > 1 else None)
    embedder = Embedder(lexicon(), coins, tier)
    slots = read(embedder.feed(text) + embedder.flush())
    return Marked(embedder.report, sum(slot.tier <= tier and coins.want(slot) == slot.side for slot in slots))


def report(texts: Iterable[Marked]) -> None:
    """Prints the densities, and how much is found again."""
    kept = [text for text in texts if text.report.words]
    for name in COUNTS:
        print(f"  {name:<8} {_spread([(getattr(text.report, name), text.report.words) for text in kept])}")
    found, carried = sum(text.found for text in kept), sum(text.report.carried for text in kept)
    print(f"  read back: {found:,} of {carried:,} slots that carry the mark")


def _spread(counts: list[tuple[int, int]]) -> str:
    mean = 100 * sum(count for count, _ in counts) / sum(words for _, words in counts)
    tenths = quantiles([100 * count / words for count, words in counts], n=10)
    return f"{mean:5.2f} in all; a text p10 {tenths[0]:.2f}, p50 {tenths[4]:.2f}, p90 {tenths[8]:.2f}"
