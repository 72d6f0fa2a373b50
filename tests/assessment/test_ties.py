from __future__ import annotations

import pytest

from antidistill.assessment.frame import Standing
from antidistill.assessment.profile import Fillings
from antidistill.assessment.ties import LEAD, Tie, bond, exposure, tightest
from tests.assessment.traffic import START


def tie(strength: float, exposed: float) -> Tie:
    return Tie(1, Fillings(), Standing(strength=strength), exposed)


def test_exposure_grows_with_every_use():
    assert exposure(Fillings(new=0), START) == 0.0
    assert exposure(Fillings(new=1), START) == 0.5
    assert 0.9 < exposure(Fillings(new=4), START) < exposure(Fillings(new=8), START) < 1


def test_who_had_a_template_before_others_is_hardly_exposed():
    assert exposure(Fillings(early=40, new=40, since=START), START + LEAD) < 0.01


def test_who_is_first_by_a_little_is_exposed_like_the_others():
    assert exposure(Fillings(early=40, new=40, since=START), START + LEAD - 1) > 0.99


@pytest.mark.parametrize(
    ("ties", "expected"),
    [([], 0.0), ([tie(0.0, 1.0)], 0.0), ([tie(1.0, 0.5)], 0.5), ([tie(1.0, 0.5), tie(0.5, 1.0)], 0.75), ([tie(1.0, 1.0)] * 3, 1.0)],
)
def test_ties_add_up_to_a_bond(ties, expected):
    assert bond(ties) == pytest.approx(expected)


def test_the_tightest_tie_counts():
    part, standing = tightest([tie(0.4, 0.5), tie(0.9, 0.5)], lambda standing: 1.0)
    assert part == pytest.approx(0.45)
    assert standing.strength == 0.9


def test_without_ties_nothing_is_tight():
    assert tightest([], lambda standing: 1.0)[0] == 0.0
