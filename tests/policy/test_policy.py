from __future__ import annotations

import pytest

from antidistill.model import Mode
from antidistill.policy import load_policy

OFF, SHADOW, ENFORCE = Mode.OFF, Mode.SHADOW, Mode.ENFORCE


def load(mode, own=None):
    more = {} if own is None else {"mode": own}
    rule = {"id": "r", "when": {"proven": True}, "then": ["deny"], **more}
    quota = {"id": "q", "per": "account", "limit": "5/minute", **more}
    return load_policy({"version": 1, "mode": mode, "rules": [rule], "quotas": [quota]}, {})


@pytest.mark.parametrize(
    ("mode", "own", "overrides", "holds"),
    [
        (SHADOW, None, (), SHADOW),
        (ENFORCE, None, (), ENFORCE),
        (SHADOW, ENFORCE, (), ENFORCE),
        (ENFORCE, SHADOW, (None, None), SHADOW),
        (OFF, ENFORCE, (), OFF),
        (OFF, None, (ENFORCE,), ENFORCE),
        (SHADOW, None, (ENFORCE, None), ENFORCE),
        (ENFORCE, None, (SHADOW, None), SHADOW),
        (ENFORCE, None, (ENFORCE, OFF), OFF),
        (SHADOW, ENFORCE, (SHADOW,), SHADOW),
        (SHADOW, SHADOW, (ENFORCE,), SHADOW),
        (OFF, OFF, (ENFORCE,), OFF),
        (SHADOW, ENFORCE, (OFF, ENFORCE), OFF),
    ],
)
def test_the_most_careful_override_is_default_and_ceiling(mode, own, overrides, holds):
    policy = load(mode, own).with_mode(*overrides)
    assert (policy.rules[0].mode, policy.quotas[0].mode) == (holds, holds)


def test_an_override_is_the_mode_of_the_policy():
    assert load(ENFORCE).with_mode(None, SHADOW).mode is SHADOW


def test_what_is_off_is_not_asked_at_all():
    policy = load(ENFORCE).with_mode(OFF)
    assert (policy.before, policy.counting) == ((), ())


def test_an_override_can_wake_what_the_policy_left_off():
    policy = load(OFF).with_mode(ENFORCE)
    assert (len(policy.before), len(policy.counting)) == (1, 1)
