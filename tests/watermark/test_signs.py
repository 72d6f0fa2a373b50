from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.watermark import evidence
from antidistill.watermark.signs import Signs

weights = st.lists(st.integers(-100, 100), min_size=1, max_size=9)


@given(weights, st.integers(-300, 300))
def test_the_tail_is_the_share_of_signs_that_reach_the_score(weights, score):
    sums = [sum(sign * weight for sign, weight in zip(signs, weights, strict=True)) for signs in product((-1, 1), repeat=len(weights))]
    reached = sum(value >= score for value in sums) / len(sums)
    assert (10 ** Signs(weights).tail(score) if reached else 0) == pytest.approx(reached)


@given(st.integers(1, 900), st.floats(0, 1))
def test_equal_weights_have_the_binomial_tail(count, share):
    heads = round(share * count)
    assert Signs([7] * count).tail(7 * (2 * heads - count)) == pytest.approx(evidence.tail(heads, count), abs=1e-9)


def test_what_a_float_cannot_hold_is_bounded():
    assert -7000 < Signs([1] * 10_000).tail(10_000) < -1000


def test_the_deviation_is_that_of_the_sum():
    assert Signs([3, -4, 0]).deviation == 5


def test_no_weights_tell_nothing():
    assert (Signs([]).tail(0), Signs([0]).tail(0), Signs([]).deviation) == (0.0, 0.0, 1.0)


def test_a_score_beyond_all_sums_of_many_is_not_certain():
    assert Signs([1] * 40).tail(40) == pytest.approx(-40 * math.log10(2))
