"""Sub-identities are assessed apart, within bounds, and excuse nobody."""

from __future__ import annotations

import random
from typing import Any

from msgspec.structs import replace

from antidistill.assessment.loop import Assessor
from antidistill.assessment.subs import MOST, name_of, sub_of
from antidistill.model import SUB, Assessment, Exchange, Subject
from antidistill.text.sketch import seed_of
from tests.assessment.traffic import SEED, START, campaign, evidence, exchange, in_order, people, replay, words

KEY = seed_of(SEED)


def by(row: Exchange, sub: Any, account: str = "tenant") -> Exchange:
    """The exchange as one of a tenant's end user."""
    return replace(row, subject=replace(row.subject, account=account, attributes={"sub_identity": sub}))


def named(sub: str, account: str = "tenant") -> str:
    return name_of(account, sub_of(Subject(account, "", "", attributes={"sub_identity": sub}), KEY))


def shard_of_a_tenant() -> list[Exchange]:
    """A campaign one of whose shards is an end user of a tenant, beside other end users of it."""
    rng = random.Random(1)
    shards = [by(row, "shard") if row.subject.account == "bot-0" else row for row in campaign(rng, each=20)]
    users = [by(row, f"user-{row.subject.account}") for row in people(rng, each=30)]
    return in_order(shards, users)


def test_an_end_user_that_is_a_shard_is_seen_apart_and_its_neighbours_are_not() -> None:
    _, published = replay(shard_of_a_tenant())
    assert published[named("shard")].risk > 0.8
    assert published[named("user-person-3")].risk < 0.1


def test_what_a_sub_identity_does_counts_for_its_account_as_if_it_had_no_name() -> None:
    rows = shard_of_a_tenant()
    nameless = [replace(row, subject=replace(row.subject, attributes={})) for row in rows]
    (_, published), (_, without) = replay(rows), replay(nameless)
    assert {account: found for account, found in published.items() if not found.sub} == without
    assert evidence(published, "tenant")["sharing"] > 0


def test_an_assessment_says_whose_it_is() -> None:
    found = Assessment(named("ada"), 0.0, 0.5)
    assert (found.owner, found.account) == ("tenant", f"tenant{SUB}{found.sub}")
    assert (Assessment("tenant", 0.0, 0.5).owner, Assessment("tenant", 0.0, 0.5).sub) == ("tenant", "")


def test_end_users_of_one_name_at_two_accounts_never_meet() -> None:
    assert named("ada", "one").partition(SUB)[2] != named("ada", "two").partition(SUB)[2]


def test_a_value_that_is_no_name_is_none() -> None:
    assert [sub_of(Subject("a", "", "", attributes={"sub_identity": value}), KEY) for value in ("", None, 7)] == [0, 0, 0]  # type: ignore[dict-item]


def test_what_a_client_claims_is_not_looked_at() -> None:
    assessor = Assessor(SEED)
    for number in range(20):
        assessor.learn(exchange("tenant", "hello there", START + number, call={"sub_identity": "ada"}))
    assessor.advance(START + 3600)
    assert assessor.latest(named("ada")) is None


def test_an_account_with_very_many_end_users_takes_up_little_room() -> None:
    assessor = Assessor(SEED, max_accounts=1000)
    rng = random.Random(3)
    for number in range(1200):
        assessor.learn(by(exchange("x", words(rng, 8), START + number), f"user-{number % 300}"))
    assert len(assessor._profiles) == MOST + 1
