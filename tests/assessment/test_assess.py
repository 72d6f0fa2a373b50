from __future__ import annotations

import math
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.assess import DAY, assess, bounded, follow, noticeable, risk, weigh
from antidistill.assessment.profile import begin
from antidistill.model import Assessment, Campaign, Evidence, Family

PROFILE = begin("acct", 5.0, 12, ())

pieces = st.lists(
    st.builds(Evidence, st.text("abc", min_size=1, max_size=2), st.sampled_from(get_args(Family)), st.floats(), st.just("because")),
    max_size=30,
)


def found(*weights: tuple[Family, float]) -> list[Evidence]:
    return [Evidence(f"signal-{number}", family, weight, "because") for number, (family, weight) in enumerate(weights)]


def of(*weights: tuple[Family, float]) -> Assessment:
    return assess(PROFILE, found(*weights), 9.0)


def test_without_evidence_the_risk_is_one_in_a_thousand():
    assert of().risk == pytest.approx(0.001)
    assert of().families == ()


def test_the_risk_is_the_logistic_of_prior_and_weights():
    assert of(("content", 2.0), ("temporal", 1.0)).risk == pytest.approx(1 / (1 + 999 * math.exp(-3)))


@pytest.mark.parametrize("family", get_args(Family))
def test_one_family_alone_never_convicts(family):
    assert of(*[(family, 100.0)] * 20).risk < 0.2


def test_two_families_in_full_convict():
    assert of(("content", 3.0), ("content", 3.0), ("coordination", 3.0), ("coordination", 3.0)).risk > 0.9


def test_evidence_may_speak_for_an_account():
    assert of(("content", 2.0), ("temporal", -2.0)).risk == pytest.approx(0.001)
    assert of(("content", 2.0), ("temporal", -2.0)).families == ("content",)


def test_faint_evidence_makes_no_family():
    assert of(("content", 0.3)).families == ()


def test_families_are_named_weightiest_first():
    assert of(("content", 1.0), ("temporal", 2.0), ("network", 1.5)).families == ("temporal", "network", "content")


def test_evidence_is_told_weightiest_first():
    assert [piece.weight for piece in of(("content", 1.0), ("temporal", -2.0), ("network", 1.5)).evidence] == [1.5, 1.0, -2.0]


def test_an_assessment_says_what_it_rests_on():
    campaign = Campaign("c", 0.9, 3)
    assessment = assess(PROFILE, [], 9.0, campaign)
    assert (assessment.account, assessment.ts, assessment.requests, assessment.first_seen) == ("acct", 9.0, 12, 5.0)
    assert assessment.campaign is campaign


@given(pieces)
def test_whatever_signals_say_the_assessment_keeps_its_bounds(evidence):
    assessment = assess(PROFILE, evidence, 9.0)
    assert 0 <= assessment.risk <= 1
    assert all(-3 <= piece.weight <= 3 for piece in assessment.evidence)
    assert all(-5 <= weight <= 5 for weight in weigh(bounded(evidence)).values())
    assert len(assessment.families) >= 2 or assessment.risk < 0.2


@given(pieces, st.randoms())
def test_the_order_of_evidence_does_not_matter(evidence, rng):
    shuffled = rng.sample(evidence, len(evidence))
    assert assess(PROFILE, shuffled, 9.0).risk == pytest.approx(assess(PROFILE, evidence, 9.0).risk)


@given(pieces, st.sampled_from(get_args(Family)), st.floats(0, 3))
def test_more_evidence_against_an_account_never_lowers_its_risk(evidence, family, weight):
    before = risk(weigh(bounded(evidence)))
    assert risk(weigh(bounded([*evidence, Evidence("more", family, weight, "because")]))) >= before - 1e-9


BEFORE = of(("content", 3.0))
SMALL = msgspec.structs.replace(of(), risk=0.001)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(None, msgspec.structs.replace(of(), requests=9), False, id="too little known, nothing to say"),
        pytest.param(None, of(), True, id="well known, nothing to say"),
        pytest.param(None, BEFORE, True, id="something to say for the first time"),
        pytest.param(BEFORE, BEFORE, False, id="the same"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, risk=BEFORE.risk + 0.005), False, id="a little more"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, risk=BEFORE.risk + 0.02), True, id="more"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, risk=0.001), True, id="less"),
        pytest.param(SMALL, msgspec.structs.replace(SMALL, risk=0.0011), False, id="a little more of little"),
        pytest.param(SMALL, msgspec.structs.replace(SMALL, risk=0.002), True, id="twice as much of little"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, families=()), True, id="other families"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, trend="rising"), True, id="another trend"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, campaign=Campaign("c", 0.9, 3)), True, id="a campaign"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, evidence=(*BEFORE.evidence, *BEFORE.evidence)), True, id="more evidence"),
        pytest.param(BEFORE, msgspec.structs.replace(BEFORE, ts=10.0, requests=13), False, id="later"),
    ],
)
def test_only_what_changed_noticeably_is_told(before, after, told):
    assert noticeable(before, after) is told


# --- trend -----------------------------------------------------------------------------------------------------------


def told(*points: tuple[float, float]) -> Assessment:
    """Assessments at days, with risks, each following the one before."""
    latest = None
    for day, chance in points:
        latest = follow(latest, Assessment("acct", day * DAY, chance))
    assert latest is not None
    return latest


@pytest.mark.parametrize(
    ("points", "trend"),
    [
        pytest.param([(0, 0.001)], "steady", id="an account like any other"),
        pytest.param([(0, 0.5)], "rising", id="an account unknown before"),
        pytest.param([(0, 0.5), (0.5, 0.5)], "rising", id="the same day"),
        pytest.param([(0, 0.5), (1, 0.5)], "steady", id="the day after"),
        pytest.param([(0, 0.5), (0.9, 0.5), (1.8, 0.5), (2.9, 0.5)], "steady", id="days after, often assessed"),
        pytest.param([(0, 0.5), (5, 0.9)], "rising", id="after silence"),
        pytest.param([(0, 0.5), (1, 0.6)], "steady", id="a little more"),
        pytest.param([(0, 0.9), (1, 0.5)], "falling", id="less"),
        pytest.param([(0, 0.9), (1, 0.5), (1.5, 0.9)], "steady", id="back again"),
    ],
)
def test_the_trend_compares_with_the_risk_a_day_before(points, trend):
    assert told(*points).trend == trend


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.001, 0.999)), min_size=1, max_size=40))
def test_the_past_of_an_assessment_is_bounded_and_in_order(points):
    found = told(*sorted(points))
    assert 1 <= len(found.past) <= 2
    assert [point.ts for point in found.past] == sorted(point.ts for point in found.past)
