from __future__ import annotations

import pytest

from antidistill.assessment.due import Due
from antidistill.assessment.profile import Profile, begin
from antidistill.assessment.signals import SIGNALS
from tests.assessment.traffic import START


def profile(account: str, requests: int) -> Profile:
    return begin(account, START, requests, SIGNALS)


@pytest.mark.parametrize(
    ("requests", "due"),
    [
        pytest.param([1], True, id="little so far"),
        pytest.param([8, 9], True, id="little when it was looked at"),
        pytest.param([80], False, id="one more of many"),
        pytest.param([80, 89], False, id="a tenth more"),
        pytest.param([80, 90], True, id="an eighth more"),
    ],
)
def test_an_account_is_due_where_its_requests_may_say_something_new(requests, due):
    accounts = Due(10)
    for number in requests:
        accounts.touch(profile("ann", number))
    assert list(accounts.take(every=False)) == ["ann"] * due


def test_a_review_is_about_all_that_sent_anything_once():
    accounts = Due(10)
    for account, requests in (("ann", 1), ("bob", 80), ("ann", 2)):
        accounts.touch(profile(account, requests))
    accounts.add("cid")
    assert sorted(accounts.take(every=True)) == ["ann", "bob", "cid"]
    assert list(accounts.take(every=True)) == []


def test_growth_counts_from_the_last_look():
    accounts = Due(10)
    for requests in (80, 90):
        accounts.touch(profile("ann", requests))
    assert list(accounts.take(every=False)) == ["ann"]
    accounts.touch(profile("ann", 91))
    assert list(accounts.take(every=False)) == []


def test_who_was_not_taken_yet_still_waits():
    accounts = Due(10)
    accounts.add("ann")
    accounts.add("bob")
    assert next(accounts.take(every=False)) == "ann"
    assert list(accounts.take(every=False)) == ["bob"]


def test_an_account_that_is_forgotten_is_not_due():
    accounts = Due(10)
    accounts.touch(profile("ann", 80))
    accounts.drop("ann")
    assert len(accounts) == 0
    assert list(accounts.take(every=True)) == []
