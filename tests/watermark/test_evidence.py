from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.watermark.evidence import accused, chance, tail, threshold

counts = st.integers(0, 400).flatmap(lambda coins: st.tuples(st.integers(0, coins + 1), st.just(coins)))
evidence = st.lists(st.floats(-5, 12), max_size=40)
rates = st.floats(0.001, 0.5)


def exact(matches, coins):
    return Fraction(sum(math.comb(coins, count) for count in range(matches, coins + 1)), 2**coins)


@given(counts)
def test_the_tail_is_that_of_exact_fractions(pair):
    probability = exact(*pair)
    if not probability:
        assert tail(*pair) == -math.inf
    else:
        assert tail(*pair) == pytest.approx(math.log10(probability.numerator) - math.log10(probability.denominator), rel=1e-9, abs=1e-12)


def test_the_tail_is_exact_far_below_the_smallest_float():
    assert tail(3000, 3000) == pytest.approx(-3000 * math.log10(2), rel=1e-12)


def test_the_tail_of_many_coins_is_quick_and_near_the_normal():
    coins, z = 1 << 17, 5.0
    matches = math.ceil(coins / 2 + z * math.sqrt(coins) / 2)
    assert 10 ** tail(matches, coins) == pytest.approx(math.erfc(z / math.sqrt(2)) / 2, rel=0.05)


@given(counts)
def test_more_matches_are_never_more_likely(pair):
    matches, coins = pair
    assert tail(matches + 1, coins) <= tail(matches, coins) <= 0


@given(evidence, rates)
def test_as_many_are_accused_as_can_be_together(values, fdr):
    count = accused(values, fdr)
    ranked = sorted(values, reverse=True)
    enough = [size for size in range(1, len(values) + 1) if 10 ** ranked[size - 1] * fdr * size >= len(values) * (1 - 1e-12)]
    assert count == max(enough, default=0)


@given(evidence, rates, st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(values, fdr, random):
    shuffled = random.sample(values, len(values))
    assert accused(shuffled, fdr) == accused(values, fdr)


@given(evidence, rates)
def test_more_evidence_never_clears(values, fdr):
    assert accused([value + 1 for value in values], fdr) >= accused(values, fdr)


def test_one_of_24000_needs_evidence_of_2_400_000():
    assert threshold(24_000, 1, 0.01) == pytest.approx(math.log10(2_400_000))
    assert accused([6.37] + [0.0] * 23_999, 0.01) == 0
    assert accused([6.39] + [0.0] * 23_999, 0.01) == 1


@pytest.mark.parametrize(("log10_e", "p"), [(-3.0, 1.0), (0.0, 1.0), (2.0, 0.01), (400.0, 1e-300)])
def test_evidence_of_e_has_a_chance_of_one_in_e(log10_e, p):
    assert chance(log10_e) == pytest.approx(p)
