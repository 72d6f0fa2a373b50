"""Trains students, lets them write, and tests what they wrote."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from antidistill.watermark.lexicon import Lexicon
from benchmarks.students.campaign import Campaign
from benchmarks.students.english import English
from benchmarks.students.finding import Finding, Mark, Tokens
from benchmarks.students.green import GreenLists
from benchmarks.students.layer_r import LayerR
from benchmarks.students.ngrams import NGrams
from benchmarks.students.vocabulary import Vocabulary

if TYPE_CHECKING:
    from benchmarks.students.network import Network

SHARES = (0.0, 0.05, 0.1, 1.0)
STUDENTS = ("ngrams", "network") if find_spec("torch") else ("ngrams",)
MARKS = (LayerR.name, GreenLists.name)
SEED = 1


class Plan(Struct, frozen=True):
    """How much is done.

    Attributes:
        files: Training texts, JSON Lines with `text` and perhaps `prompt`; English of our own without.
        words: Words of training text at most.
        vocabulary: Words that students know.
        epochs: How often a network reads its training text.
        written: Words that each student writes, by its kind.
    """

    files: tuple[str, ...]
    words: int
    vocabulary: int
    epochs: int
    written: dict[str, int]

    @property
    def setting(self) -> str:
        """What the findings depend on."""
        names = "+".join(Path(name).name for name in self.files) or "english"
        sizes = f"{self.words:,} words at most, {self.vocabulary:,} different, {self.epochs} epochs"
        return f"{names}, {sizes}, lexicon {Lexicon.load('en').digest[:12]}"


def corpus(plan: Plan) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Prompts and texts: those for training, and others to compare with, at most as many; by chance."""
    rows = [row for name in plan.files for row in _rows(Path(name))] if plan.files else _english(2 * plan.words)
    Random(SEED).shuffle(rows)
    rest = iter(rows)
    return list(_until(plan.words, rest)), list(_until(plan.words, rest))


def mark(plan: Plan, wanted: str, key: int) -> Mark:
    """A mark under a key, with its training texts."""
    texts, others = corpus(plan)
    layer = LayerR(texts, [text for _, text in others], plan.vocabulary, Campaign(key))
    return layer if wanted == LayerR.name else GreenLists(layer.plain, layer.vocabulary, Campaign(key))


def finding(plan: Plan, mark: Mark, student: str, share: float, key: int) -> Finding:
    """Trains one student and tests it."""
    texts = mixed(mark.plain, mark.taught, share)
    before = time.process_time()
    model = NGrams(texts, len(mark.vocabulary)) if student == "ngrams" else network(texts, len(mark.vocabulary), plan.epochs)
    outputs = written(model.texts(SEED), plan.written[student], mark.vocabulary)
    return Finding(
        setting=plan.setting,
        student=student,
        mark=mark.name,
        key=key,
        share=share,
        trained=sum(mark.vocabulary.words(text) for text in texts),
        density=mark.density,
        examination=mark.examine(outputs),
        loss=None if isinstance(model, NGrams) else model.loss,
        seconds=time.process_time() - before,
    )


def network(texts: Sequence[Tokens], size: int, epochs: int) -> Network:
    """A network that has read the texts; torch is loaded for no less."""
    from benchmarks.students.network import Network

    return Network(texts, size, epochs, SEED)


def mixed(plain: Sequence[Tokens], taught: Sequence[Tokens], share: float) -> list[Tokens]:
    """Texts of which a share, chosen by chance, is marked; what is marked at a smaller share is so at a larger one."""
    rng = Random(SEED)
    return [other if rng.random() < share else text for text, other in zip(plain, taught, strict=True)]


def written(texts: Iterator[Tokens], words: int, vocabulary: Vocabulary) -> list[Tokens]:
    """Texts until there are so many words."""
    held: list[Tokens] = []
    while words > 0:
        held.append(next(texts))
        words -= vocabulary.words(held[-1])
    return held


def _english(words: int) -> list[tuple[str, str]]:
    english = English(SEED)
    return [("", english.text()) for _ in range(words // 200 + 1)]


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            yield row.get("prompt", ""), row["text"]


def _until(words: int, rows: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    while words > 0 and (row := next(rows, None)):
        yield row
        words -= len(row[1].split())
