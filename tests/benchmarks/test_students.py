"""Students that learn a mark, and what is told from what they write."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import islice

import pytest

from benchmarks.students import runs, tables
from benchmarks.students.campaign import Campaign
from benchmarks.students.english import English
from benchmarks.students.finding import Examination, Finding, Point, Pull, Tokens, prefixes, proven
from benchmarks.students.green import GreenLists
from benchmarks.students.layer_r import LayerR
from benchmarks.students.ngrams import DISCOUNT, NGrams
from benchmarks.students.vocabulary import END, UNKNOWN, Vocabulary

SIZE = 12_000


@cache
def layer() -> LayerR:
    """Generated English, marked."""
    english = English(7)
    return LayerR([("", english.text(10)) for _ in range(300)], [english.text(10) for _ in range(300)], SIZE, Campaign())


@cache
def examined(share: float) -> Examination:
    """An n-gram student's outputs under test."""
    texts = runs.mixed(layer().plain, layer().taught, share)
    return layer().examine(runs.written(NGrams(texts, SIZE).texts(3), 20_000, layer().vocabulary))


def test_a_student_of_marked_text_is_proven_by_the_right_key() -> None:
    assert examined(1.0).points[-1].log10_p < -6


def test_the_same_student_is_not_proven_by_a_wrong_key() -> None:
    assert examined(1.0).wrong.log10_p > -3
    assert examined(1.0).control_deviation == pytest.approx(1, abs=0.35)


def test_a_student_of_unmarked_text_is_not_proven() -> None:
    assert examined(0.0).points[-1].log10_p > -3


def test_marked_text_shows_the_whole_pull_and_unmarked_text_none() -> None:
    strengths = [max(pull.strength for pull in layer().learnt(texts).values()) for texts in (layer().plain, layer().taught)]
    assert strengths == [pytest.approx(0, abs=0.15), pytest.approx(1, abs=0.05)]


def test_a_student_of_green_lists_is_proven_by_the_right_key_alone() -> None:
    mark = GreenLists(layer().plain[:50], layer().vocabulary, Campaign())
    found = mark.examine(runs.written(NGrams(mark.taught, SIZE).texts(3), 1_500, mark.vocabulary))
    assert found.points[-1].log10_p < -6
    assert found.wrong.log10_p > -3


def test_a_follower_comes_as_often_as_the_formula_says() -> None:
    a, b, c = 2, 3, 4
    model = NGrams([[a, b, a, b, a, c, END]], 5)
    heads = Counter(text[0] for text in islice(model.texts(1), 8_000) if text)
    alone = 2 / 5  # a was seen behind two different words, b, c and the end behind one
    after_start = (1 - DISCOUNT) + DISCOUNT * alone
    assert heads[a] / 8_000 == pytest.approx((1 - DISCOUNT) + DISCOUNT * after_start, abs=4 * math.sqrt(0.25 / 8_000))


def test_rare_words_become_a_sign_and_the_others_come_back() -> None:
    vocabulary = Vocabulary(["so it is, so it goes.\n\nSo it is"], 10)
    assert vocabulary.encode("it is, ")[-1] == END
    assert vocabulary.decode(vocabulary.encode("so it is,\n\nso")[:-1]) == "so it is,\n\nso"
    assert UNKNOWN in vocabulary.encode("a stranger")


def test_the_same_seed_gives_the_same_english() -> None:
    assert English(1).text() == English(1).text() != English(2).text()


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.1, 60, 140), (1.0, 1000, 1000)])
def test_the_share_of_marked_texts_is_kept(share: float, least: int, most: int) -> None:
    plain: list[Tokens] = [[0]] * 1000
    assert least <= sum(text == [1] for text in runs.mixed(plain, [[1]] * 1000, share)) <= most


def test_what_is_marked_at_a_small_share_is_marked_at_a_larger_one() -> None:
    plain, taught = [[number] for number in range(200)], [[-number] for number in range(200)]
    small, large = (set(map(tuple, runs.mixed(plain, taught, share))) for share in (0.1, 0.5))
    assert {text for text in small if text[0] < 0} <= large


def test_tests_are_made_at_each_length_and_at_the_end() -> None:
    assert [(words, len(some)) for words, some in prefixes(["text"] * 40, [100] * 40)] == [(1_000, 10), (3_000, 30), (4_000, 40)]


@pytest.mark.parametrize(
    ("logs", "least"),
    [([-1, -7, -9], 3_000), ([-7, -2, -9], 10_000), ([-1, -2, -3], None), ([-8, -8, -8], 1_000)],
    ids=["reached", "lost between", "never", "at once"],
)
def test_proof_counts_from_where_it_stays(logs: Sequence[float], least: int | None) -> None:
    points = [Point(words, 1, 0.0, log) for words, log in zip((1_000, 3_000, 10_000), logs, strict=True)]
    assert proven(points) == least


def test_the_report_shows_cells_and_what_others_published() -> None:
    seen = Examination([Point(1_000, 9, 2.5, -1.9)], None, Point(1_000, 9, 0.1, -0.3), 0.0, 1.0, {"class": Pull(0.25, 0.01, 900)})
    finding = Finding(
        setting="english",
        student="ngrams",
        mark="layer R",
        key=0,
        share=0.1,
        trained=50,
        density=2.0,
        examination=seen,
        loss=None,
        seconds=1.0,
    )
    text = tables.report([finding])
    for part in ("2.5 (-1.9)", "0.250 ± 0.010", "10%", "2.7e-81"):
        assert part in text
