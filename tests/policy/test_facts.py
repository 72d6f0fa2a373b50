from __future__ import annotations

import pytest

from antidistill.model import Assessment, Call, Campaign, Evidence, Facts, Quota, QuotaState, Request, Scope, Subject, Turn
from antidistill.policy.facts import FACTS
from antidistill.policy.vocabulary import Vocabulary

NOW = 1_795_000_000.0
QUOTA = Quota("q", ("account",), "tokens", 1000, 60.0, 200)
FULL = Facts(
    now=NOW,
    request=Request("r", NOW, "POST", "/v1/chat/completions", ((b"x-stainless-retry-count", b"2"),), body_state="whole"),
    call=Call(
        dialect="openai.chat",
        model="m",
        turns=(Turn("user", "hello"), Turn("assistant", "hi")),
        stream=True,
        max_tokens=100,
        n=2,
        temperature=0.5,
        top_p=0.9,
        seed=0,
        logprobs=True,
        top_logprobs=5,
        biased=True,
        structured=True,
        tools=("search",),
        input_tokens=12,
    ),
    subject=Subject("acct", "fp", "net", True, {"created": "2026-11-04T11:06:40Z", "org": "acme", "plan": "free"}),
    assessment=Assessment(
        "acct",
        NOW,
        0.8,
        ("content", "coordination"),
        (Evidence("sweep", "content", 1.5, "because"),),
        40,
        campaign=Campaign("c", 0.9, 12),
    ),
    quotas={"q": QuotaState(Scope(QUOTA, "k", 1), True, 50, 10.0)},
    sub=Assessment("acct\0f", NOW, 0.7, ("content",), requests=9),
)
EMPTY = Facts(NOW)

VALUES = {
    "request.method": "POST",
    "request.path": "/v1/chat/completions",
    "request.body": "whole",
    "request.retry": 2,
    "request.guarded": True,
    "request.dialect": "openai.chat",
    "request.model": "m",
    "request.stream": True,
    "request.max_tokens": 100,
    "request.n": 2,
    "request.temperature": 0.5,
    "request.top_p": 0.9,
    "request.seed": True,
    "request.logprobs": True,
    "request.top_logprobs": 5,
    "request.biased": True,
    "request.structured": True,
    "request.tools": 1,
    "request.turns": 2,
    "request.input_tokens": 12,
    "account": "acct",
    "proven": True,
    "fingerprint": "fp",
    "network": "net",
    "org": "acme",
    "account.age_days": 14.0,
    "risk": 0.8,
    "families": 2,
    "requests": 40,
    "sub.risk": 0.7,
    "sub.families": 1,
    "sub.requests": 9,
    "campaign.id": "c",
    "campaign.risk": 0.9,
    "campaign.accounts": 12,
    "attribute.plan": "free",
    "family.content": True,
    "family.network": False,
    "signal.sweep": 1.5,
    "quota.q.used": 0.75,
    "quota.q.breached": True,
}


def read(name, facts):
    return Vocabulary(["q"], ["plan"]).find(name).read(facts)


def test_the_table_below_has_every_fact():
    assert set(FACTS) <= set(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_a_fact_is_read(name):
    assert read(name, FULL) == VALUES[name]


@pytest.mark.parametrize("name", VALUES)
def test_a_fact_that_is_not_known_is_none(name):
    assert read(name, EMPTY) is None


def test_a_route_is_guarded_also_where_its_body_could_not_be_read():
    unread = Facts(NOW, Request("r", NOW, "POST", "/v1/chat/completions", body_state="unread"))
    assert read("request.guarded", unread) is True


def test_a_route_without_a_dialect_is_not_guarded():
    assert read("request.guarded", Facts(NOW, Request("r", NOW, "POST", "/upload"))) is False


@pytest.mark.parametrize("header", [b"", b"-1", b"two", b"9" * 400], ids=repr)
def test_a_retry_count_that_is_none_is_not_known(header):
    assert read("request.retry", Facts(NOW, Request("r", NOW, "POST", "/", ((b"x-stainless-retry-count", header),)))) is None


@pytest.mark.parametrize(
    ("created", "days"),
    [
        ("2026-11-18", pytest.approx(0.46296, abs=1e-4)),
        ("2026-11-17T11:06:40+00:00", 1.0),
        ("2026-11-17T13:06:40+02:00", 1.0),
        ("2099-01-01", 0.0),
        ("last year", None),
        ("", None),
        ("0001-01-01T00:00:00+23:59", pytest.approx(739_938.5, abs=2)),
        (20261117, None),
    ],
)
def test_the_age_of_an_account_is_counted_in_days(created, days):
    assert read("account.age_days", Facts(NOW, subject=Subject("a", "f", "n", attributes={"created": created}))) == days


def test_a_signal_that_said_nothing_is_not_known():
    assert read("signal.sampling", FULL) is None


def test_an_account_outside_campaigns_has_no_campaign_facts():
    assert read("campaign.risk", Facts(NOW, assessment=Assessment("a", NOW, 0.1))) is None


def test_a_quota_without_room_is_spent_whole():
    state = QuotaState(Scope(QUOTA, "k", 1), False, 0, 10.0)
    assert read("quota.q.used", Facts(NOW, quotas={"q": state})) == 1.0
