"""Thresholds on risks are raised a little, by account and day, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.model import Assessment, Campaign, Facts, Subject
from antidistill.policy import Jitter, decide, load_policy

DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2
JITTER = Jitter(b"a secret of the tests", 0.05)


@given(st.floats(0, 1), st.text(), st.floats(0, 1e11))
def test_a_threshold_is_raised_by_no_more_than_the_share_and_half_of_the_way_to_one(threshold, name, now):
    raised = JITTER(threshold, name, now)
    assert threshold <= raised <= min(1.05 * threshold, (threshold + 1) / 2) + 1e-12


def test_the_threshold_of_an_account_holds_all_day_and_another_one_the_next():
    today = {JITTER(0.8, "acct", NOON + hour * 3600) for hour in range(-12, 12)}
    assert len(today) == 1
    assert JITTER(0.8, "acct", NOON + DAY) not in today


def test_accounts_and_keys_have_thresholds_of_their_own():
    thresholds = {JITTER(0.8, f"acct-{number}", NOON) for number in range(1000)}
    assert len(thresholds) == 1000
    assert sum(thresholds) / 1000 == pytest.approx(0.82, abs=0.002)
    assert Jitter(b"another secret", 0.05)(0.8, "acct", NOON) != JITTER(0.8, "acct", NOON)


def matched(when: dict[str, Any], account: str = "acct", risk: float = 0.82, jitter: Any = JITTER) -> bool:
    policy = load_policy({"version": 1, "rules": [{"id": "r", "when": when, "then": ["alert"]}]}, {})
    assessment = Assessment(account, NOON, risk, ("content", "temporal"), campaign=Campaign("c", risk, 9))
    return bool(decide(policy, Facts(NOON, subject=Subject(account, "", ""), assessment=assessment, sub=assessment, jitter=jitter)).matches)


def share(when: dict[str, Any], **facts: Any) -> float:
    return sum(matched(when, f"acct-{number}", **facts) for number in range(200)) / 200


@pytest.mark.parametrize("fact", ["risk", "sub.risk"])
@pytest.mark.parametrize("operator", ["ge", "gt"])
def test_at_half_of_the_jitter_half_of_all_accounts_match(fact, operator):
    assert 0.35 < share({fact: {operator: 0.8}}) < 0.65


@pytest.mark.parametrize(("risk", "matches"), [(0.799, 0.0), (0.841, 1.0)])
def test_below_the_threshold_nobody_matches_and_above_the_jitter_everybody(risk, matches):
    assert share({"risk": {"ge": 0.8}}, risk=risk) == matches


def test_accounts_of_a_campaign_have_one_threshold_on_its_risk():
    assert share({"campaign.risk": {"ge": 0.8}}) in (0.0, 1.0)


@pytest.mark.parametrize(
    "when", [{"risk": {"lt": 0.83}}, {"risk": {"le": 0.82}}, {"families": {"ge": 2}}, {"not": {"risk": {"ge": 0.83}}}], ids=str
)
def test_nothing_else_is_jittered(when):
    assert share(when) == 1.0


def test_without_jitter_the_threshold_is_exact():
    assert share({"risk": {"ge": 0.82}}, jitter=None) == 1.0
