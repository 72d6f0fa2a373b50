from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.keyring import Keyring
from antidistill.model import Call, Limits, Match, Quota, Subject
from antidistill.quotas import Costs, counter_key, scopes
from antidistill.stores import MemoryStore
from tests.instant import run

KEY = counter_key(Keyring([bytes(range(32))]))
ALICE = Subject("acct_alice", "fp_sdk", "net_home", proven=True, attributes={"org": "acme"})
COSTS = Costs(1, 100, 50)
CALL = Call("openai.chat", model="m1")


def quota(id="q", per=("account",), unit="requests", limit=100, window=60.0, burst=40):
    return Quota(id, per, unit, limit, window, burst)


def throttle(rule="slow", scale=None, per="account", extra=None, enforced=True):
    return Match(rule, "throttle", "restrict", "assessment", enforced, Limits(scale, per, extra))


def draw(*quotas, subject=ALICE, call=CALL, campaign=None, costs=COSTS, limits=(), key=KEY):
    pairs = [pair if isinstance(pair, tuple) else (pair, True) for pair in quotas]
    return scopes(pairs, subject, call, campaign, costs, limits, key)


def one(*quotas, **given):
    (scope,) = draw(*quotas, **given)
    return scope


# --- which quotas count ----------------------------------------------------------------------------------------------


def test_a_scope_says_what_it_costs_and_whether_it_is_enforced():
    requests, tokens = draw((quota("r"), True), (quota("t", unit="tokens"), False))

    assert (requests.cost, requests.enforced, requests.cause, requests.rule) == (1, True, "quota", "r")
    assert (tokens.cost, tokens.enforced) == (150, False)


MISSING = {
    "account": {"subject": Subject(None, "fp", "net")},
    "org": {"subject": Subject("acct", "fp", "net")},
    "campaign": {},
    "model": {"call": None},
    "network": {"subject": Subject("acct", "fp", "")},
}


@pytest.mark.parametrize(("per", "given"), MISSING.items(), ids=MISSING)
def test_a_quota_does_not_count_where_a_value_is_missing(per, given):
    assert draw(quota(per=(per,)), quota(per=("fingerprint", per)), **given) == ()


def test_a_model_without_a_name_counts_for_no_model():
    assert draw(quota(per=("model",)), call=Call("openai.chat")) == ()


def test_a_quota_may_count_by_anything_that_is_known():
    pers = ["account", "fingerprint", "network", "org", "model", "campaign"]
    keys = [one(quota(per=(per,)), campaign="c1").key for per in pers]

    assert len(set(keys)) == len(pers)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_hangs_on_the_quota_and_not_on_its_limit():
    assert one(quota(limit=100)).key == one(quota(limit=5, window=1.0, burst=1)).key
    assert one(quota("q")).key != one(quota("p")).key


def test_a_key_is_the_same_in_every_process_and_secret():
    assert one(quota(), key=counter_key(Keyring([bytes(range(32))]))).key == one(quota()).key
    assert one(quota(), key=counter_key(Keyring([bytes(32)]))).key != one(quota()).key


parts = st.text(max_size=8).filter(bool)


@given(st.tuples(parts, parts), st.tuples(parts, parts))
def test_different_combinations_never_share_a_counter(left, right):
    keys = [one(quota(per=("network", "fingerprint")), subject=Subject(None, pair[1], pair[0])).key for pair in (left, right)]

    assert (keys[0] == keys[1]) is (left == right)


def test_values_cannot_be_moved_from_one_part_to_the_other():
    per = ("network", "fingerprint")

    assert one(quota(per=per), subject=Subject(None, "b", "a1:")).key != one(quota(per=per), subject=Subject(None, "1:b", "a")).key


def test_a_value_that_json_mangled_has_a_counter():
    assert one(quota(per=("model",)), call=Call("openai.chat", model="\ud800")).key


# --- throttles -------------------------------------------------------------------------------------------------------


def test_an_enforced_throttle_tightens_the_quota_on_its_own_counter():
    scope = one((quota(limit=100, burst=40), False), limits=[throttle(scale=0.25)])

    assert (scope.quota.limit, scope.quota.burst, scope.quota.advertise) == (25, 10, False)
    assert (scope.enforced, scope.cause, scope.rule) == (True, "assessment", "slow")
    assert scope.key == one(quota()).key


def test_a_throttle_scales_only_quotas_of_its_scope():
    both, network = quota("both", per=("account", "model")), quota("network", per=("network",))

    assert [scope.quota.limit for scope in draw(both, network, limits=[throttle(scale=0.5)])] == [50, 100]


def test_of_several_throttles_the_strictest_goes():
    scope = one(quota(), limits=[throttle("a", 0.5), throttle("b", 0.1), throttle("c", 0.9)])

    assert (scope.rule, scope.quota.limit) == ("b", 10)


def test_a_throttle_leaves_at_least_one():
    scope = one(quota(limit=3, burst=3), limits=[throttle(scale=0.01)])

    assert (scope.quota.limit, scope.quota.burst) == (1, 1)


def test_a_throttled_request_that_fits_the_quota_waits_but_is_not_impossible():
    scope = one(quota(unit="tokens", limit=1_000, burst=400), limits=[throttle(scale=0.1)])

    assert (scope.quota.limit, scope.quota.burst) == (100, 150)


def test_a_throttle_of_one_changes_nothing():
    assert draw(quota(), limits=[throttle(scale=1.0)]) == draw(quota())


def test_a_shadow_throttle_watches_on_a_counter_of_its_own():
    watching, base = draw(quota(), limits=[throttle(scale=0.25, enforced=False)])

    assert base == one(quota())
    assert (watching.enforced, watching.cause, watching.rule) == (False, "assessment", "slow")
    assert watching.quota.limit == 25
    assert watching.key != base.key


def test_a_shadow_throttle_watches_only_where_it_is_stricter_than_what_is_enforced():
    strict = draw(quota(), limits=[throttle("a", 0.5), throttle("b", 0.1, enforced=False)])
    lax = draw(quota(), limits=[throttle("a", 0.1), throttle("b", 0.5, enforced=False)])

    assert [scope.rule for scope in strict] == ["b", "a"]
    assert [scope.rule for scope in lax] == ["a"]


def test_a_look_up_by_quota_finds_the_quota_and_not_who_watches():
    found = {scope.quota.id: scope for scope in draw(quota(), limits=[throttle(scale=0.25, enforced=False)])}

    assert found["q"].enforced


def test_a_shadow_throttle_neither_charges_nor_tightens_what_is_enforced():
    store = MemoryStore(clock=lambda: 0.0)
    with_shadow = draw(quota(burst=4), limits=[throttle(scale=0.25, enforced=False)])
    granted = [run(store.reserve(str(number), with_shadow, 0.0)) for number in range(6)]

    assert [reservation.granted for reservation in granted] == [True] * 4 + [False] * 2
    assert [reservation.states[0].breached for reservation in granted] == [False] + [True] * 5


def test_throttling_and_ending_it_forgive_nobody():
    store = MemoryStore(clock=lambda: 0.0)
    throttled = draw(quota(burst=4), limits=[throttle(scale=0.5)])
    for number in range(3):
        run(store.reserve(str(number), draw(quota(burst=4)), 0.0))

    assert not run(store.reserve("throttled", throttled, 0.0)).granted
    assert run(store.peek(draw(quota(burst=4)), 0.0))[0].remaining == 1


# --- further quotas --------------------------------------------------------------------------------------------------


def test_a_throttle_may_add_a_quota_of_its_own():
    base, extra = draw(quota(), campaign="c1", limits=[throttle("campaign", extra=quota("x", per=("campaign",)))])

    assert base == one(quota())
    assert (extra.quota.id, extra.rule, extra.cause, extra.enforced) == ("x", "campaign", "assessment", True)


def test_a_further_quota_does_not_count_where_a_value_is_missing():
    assert draw(limits=[throttle(extra=quota(per=("campaign",)))]) == ()


def test_accounts_of_a_campaign_share_its_counter():
    limits = [throttle(extra=quota(per=("campaign",)))]
    bob = Subject("acct_bob", "fp", "net", proven=True)

    assert one(campaign="c1", limits=limits).key == one(campaign="c1", limits=limits, subject=bob).key
    assert one(campaign="c1", limits=limits).key != one(campaign="c2", limits=limits).key


def test_further_quotas_of_different_rules_or_of_one_rule_do_not_share_a_counter():
    extra = quota("x")
    drawn = draw(extra, limits=[throttle("a", extra=extra), throttle("a", extra=extra), throttle("b", extra=extra)])

    assert len({scope.key for scope in drawn}) == 4


def test_a_further_quota_keeps_its_counter_whatever_other_rules_match():
    later = throttle("b", extra=quota("x"))

    assert one(limits=[later]).key == draw(limits=[throttle("a", extra=quota("x")), later])[1].key


def test_an_effect_may_scale_and_add():
    scaled, extra = draw(quota(), limits=[throttle(scale=0.5, extra=quota("x"))])

    assert (scaled.quota.limit, extra.quota.limit) == (50, 100)


def test_every_account_that_a_request_presents_a_secret_of_is_charged():
    both = Subject("acct_a", "fp", "net", others=("acct_b",))
    drawn = draw(quota("r"), quota("n", per=("network",)), subject=both)
    alone = {name: one(quota("r"), subject=Subject(name, "fp", "net")).key for name in ("acct_a", "acct_b")}
    assert [scope.key for scope in drawn if scope.quota.id == "r"] == [alone["acct_b"], alone["acct_a"]]
    assert len([scope for scope in drawn if scope.quota.id == "n"]) == 1
