from __future__ import annotations

import pytest

from antidistill.policy import load_policy

THROTTLE, DENY = {"throttle": {"scale": 0.5}}, "deny"


def advice(when, *then):
    policy = load_policy({"version": 1, "rules": [{"id": "a", "when": when, "then": list(then)}]}, {})
    return {problem.code for problem in policy.warnings}


RISK = {"risk": {"ge": 0.9}}
TWO = [
    {"families": {"ge": 2}},
    {"families": {"gt": 1}},
    {"families": 3},
    {"families": [2, 4]},
    {"not": {"families": {"lt": 2}}},
    {"family.content": True, "family.temporal": {"ne": False}},
    {"campaign.risk": {"ge": 0.9}},
    {"any": [{"families": {"ge": 2}}, {"campaign.risk": {"ge": 0.9}}]},
    {"all": [{"family.content": True}, {"any": [{"family.network": True}, {"families": {"ge": 3}}], "families": {"ge": 2}}]},
]
ONE = [
    {},
    {"families": {"ge": 1}},
    {"families": {"le": 2}},
    {"family.content": True},
    {"family.content": True, "family.temporal": False},
    {"signal.sweep": {"ge": 3}},
    {"campaign.accounts": {"ge": 3}},
    {"campaign.risk": {"ge": 0.1}},
    {"any": [{"families": {"ge": 2}}, {"signal.sweep": {"ge": 3}}]},
    {"any": [{"family.content": True}, {"family.temporal": True}]},
]
COORDINATED = [
    {"family.coordination": True, "families": {"ge": 2}},
    {"family.coordination": True, "family.content": True},
    {"campaign.risk": {"ge": 0.9}},
]


@pytest.mark.parametrize("when", TWO, ids=str)
def test_two_families_may_throttle(when):
    assert advice({**RISK, **when}, THROTTLE) == set()


@pytest.mark.parametrize("when", ONE, ids=str)
def test_fewer_than_two_families_should_not_throttle(when):
    assert advice({**RISK, **when}, THROTTLE) == {"AD062"}


@pytest.mark.parametrize("when", COORDINATED, ids=str)
def test_coordination_and_one_family_more_may_deny(when):
    assert advice({**RISK, **when}, DENY) == set()


@pytest.mark.parametrize(
    "when", [*ONE, {"families": {"ge": 5}}, {"family.coordination": True}, {"family.content": True, "families": 2}], ids=str
)
def test_nothing_less_should_deny(when):
    assert advice({**RISK, **when}, DENY) == {"AD063"}


def test_a_rule_that_throttles_and_denies_is_advised_on_both():
    assert advice(RISK, THROTTLE, DENY) == {"AD062", "AD063"}


def test_whoever_only_observes_needs_no_evidence():
    assert advice(RISK, "alert") == set()


def test_a_rule_about_requests_needs_no_evidence():
    assert advice({"request.logprobs": True}, DENY) == set()


def test_a_rule_for_every_request_may_observe():
    assert advice({}, {"tag": {"key": "seen"}}) == set()


def test_a_rule_for_every_request_should_not_restrict():
    assert advice({}, DENY) == {"AD065"}


def test_an_attribute_that_identity_reads_is_fine():
    identity = {"attributes": {"created": "header:x-created", "org": "header:x-org", "plan": "header:x-plan"}}
    when = {"account.age_days": {"lt": 3}, "org": "acme", "attribute.plan": "free"}
    policy = load_policy({"version": 1, "identity": identity, "rules": [{"id": "a", "when": when, "then": ["alert"]}]}, {})
    assert policy.warnings == ()
