from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.watermark.leanings import leanings

sides = st.tuples(st.integers(0, 500), st.integers(0, 500))
counts = st.dictionaries(st.tuples(st.sampled_from(["big-large", "often"]), st.integers(0, 5)), sides, max_size=8)


def leaning(count, usual=None):
    return leanings({("often", 1): count}, {} if usual is None else {("often", 1): usual})[1]


@given(counts, counts)
def test_no_coin_counts_for_more_than_a_hundred(found, usual):
    assert all(abs(value) <= 100 for value in leanings(found, usual).values())


@given(counts, counts)
def test_sides_may_change_names(found, usual):
    other = leanings({seed: count[::-1] for seed, count in found.items()}, {seed: count[::-1] for seed, count in usual.items()})
    assert other == pytest.approx({index: -value for index, value in leanings(found, usual).items()}, abs=1)


@given(st.integers(0, 50), st.integers(0, 50))
def test_more_of_a_side_leans_more_to_it(first, second):
    assert leaning((first, second)) <= leaning((first, second + 1))


def test_what_is_usual_is_hardly_a_leaning():
    assert abs(leaning((700, 300), (7_000, 3_000))) < 40


def test_a_reference_shows_a_small_shift():
    assert leaning((830, 170), (9_000, 1_000)) > 80
    assert leaning((830, 170)) < 0


def test_a_small_reference_says_less_than_a_large_one():
    assert 0 < leaning((700, 300), (9, 1)) < leaning((700, 300), (900, 100))


def test_without_a_reference_the_rest_of_the_class_stands_in():
    assert leanings({("often", 1): (5, 5), ("often", 2): (900, 100)}, {})[1] > 20


def test_seeds_that_share_a_coin_add_up():
    both = leanings({("often", 1): (5, 10), ("big-large", 1): (5, 10)}, {})[1]
    assert both > leaning((5, 10))
