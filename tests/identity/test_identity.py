from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.identity import Identity, IdentityConfig
from antidistill.keyring import Keyring
from antidistill.model import Request
from antidistill.testing import FakeClock

EDGE, CLIENT = "10.0.0.1", "198.51.100.7"


@pytest.fixture
def clock():
    return FakeClock(1_790_000_000.0)


@pytest.fixture
def identify(clock):
    """Makes an identity from the fields of its section."""

    def make(call=None, **section):
        config = IdentityConfig(**{"trusted_proxies": ("10.0.0.0/8",), **section})
        return Identity(config, Keyring([bytes(range(32))]), clock, call)

    return make


def request(*headers, peer=CLIENT, **fields):
    pairs = tuple((name.encode(), value.encode()) for name, value in headers)
    return Request(id="r1", ts=1_790_000_000.0, method="POST", path="/v1/chat/completions", headers=pairs, peer=peer, **fields)


def bearer(secret, **fields):
    return request(("authorization", f"Bearer {secret}"), **fields)


# --- account ---------------------------------------------------------------------------------------------------------


def test_a_secret_names_one_account_however_it_is_sent(identify):
    identity = identify()
    sent = [
        bearer("sk-1"),
        request(("authorization", "bearer  sk-1 ")),
        request(("x-api-key", "sk-1")),
        request(("x-api-key", "Bearer sk-1")),
        request(("authorization", "Bearer sk-1"), ("x-api-key", "sk-1")),
    ]

    assert len({identity.name(one).account for one in sent}) == 1
    assert identity.name(bearer("sk-2")).account != identity.name(bearer("sk-1")).account


def test_an_account_does_not_show_its_secret(identify):
    subject = identify().name(bearer("sk-secret"))

    assert subject.account.startswith("acct_1")
    assert "sk-secret" not in repr(subject)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("authorization", "Basic dXNlcjpwYXNz"),),
        (("authorization", "Bearer"),),
        (("authorization", "Bearer   "),),
        (("authorization", "sk-1"),),
        (("x-api-key", ""),),
        (("cookie", "session=1"),),
    ],
    ids=str,
)
def test_a_request_without_a_secret_names_nobody(identify, headers):
    subject = identify().name(request(*headers))

    assert (subject.account, subject.proven) == (None, False)


@pytest.mark.parametrize(
    "headers",
    [
        (("authorization", "Bearer made-up"), ("x-api-key", "sk-1")),
        (("authorization", "Bearer made-up"), ("authorization", "Bearer sk-1")),
        (("x-api-key", "sk-1"), ("x-api-key", "made-up")),
    ],
    ids=str,
)
def test_a_request_with_two_secrets_names_both_accounts(identify, headers):
    identity = identify()
    alone = [identity.name(request(("x-api-key", secret))).account for secret in ("made-up", "sk-1")]
    subject = identity.name(request(*headers))
    assert sorted([subject.account, *subject.others]) == sorted(alone)


def test_a_flood_of_secrets_in_one_request_is_bounded(identify):
    subject = identify().name(request(*[("x-api-key", f"sk-{number}") for number in range(100)]))
    assert len(subject.others) == 3


def test_a_secret_in_a_header_that_is_no_source_does_not_matter(identify):
    identity = identify(account=("header:x-api-key",))

    assert identity.name(request(("authorization", "Bearer dummy"), ("x-api-key", "sk-1"))).account is not None


def test_the_first_source_that_is_there_names_the_account(identify):
    one = bearer("sk-1", principal="alice")

    assert identify(account=("principal", "bearer")).name(one).account == identify().name(request(principal="alice")).account
    assert identify(account=("bearer", "principal")).name(one).account == identify().name(bearer("sk-1")).account


def test_a_principal_needs_no_proof(identify):
    assert identify().name(request(principal="alice")).proven


def test_no_secret_collides_with_a_principal(identify):
    identity = identify(account=("principal", "bearer", "trusted-header:x-user"))
    names = [
        identity.name(request(principal="alice")).account,
        identity.name(bearer("alice")).account,
        identity.name(bearer("principal\0alice")).account,
        identity.name(request(("x-user", "alice"), peer=EDGE)).account,
    ]

    assert len(set(names)) == 4


def test_a_principal_that_json_mangled_still_has_an_account(identify):
    assert identify().name(request(principal="\ud800")).account.startswith("acct_1")


def test_an_asserted_account_counts_from_a_trusted_peer_only(identify):
    identity = identify(account=("trusted-header:X-User", "bearer"))
    headers = (("x-user", "alice"), ("authorization", "Bearer sk-1"))

    assert identity.name(request(*headers, peer=EDGE)).proven
    assert identity.name(request(*headers)).account == identity.name(bearer("sk-1")).account


def test_the_nearest_proxy_has_the_last_word_on_an_asserted_account(identify):
    identity = identify(account=("trusted-header:x-user",))

    forged = identity.name(request(("x-user", "bob"), ("x-user", "alice"), peer=EDGE))

    assert forged.account == identity.name(request(("x-user", "alice"), peer=EDGE)).account


def test_a_callable_names_the_account_before_the_sources(identify):
    identity = identify(lambda asked: "alice" if asked.path.startswith("/v1") else None)

    assert identity.name(bearer("sk-1")) == identify().name(bearer("sk-1", principal="alice"))


def test_where_the_callable_names_nobody_the_sources_are_asked(identify):
    identity = identify(lambda asked: None)

    assert identity.name(bearer("sk-1")).account == identify().name(bearer("sk-1")).account


def test_the_principal_of_a_log_is_used_as_it_stands(identify):
    subject = identify(account=("bearer",)).name(bearer("sk-1", principal="acct_eval_team", attested=True))

    assert (subject.account, subject.proven) == ("acct_eval_team", True)


# --- proof -----------------------------------------------------------------------------------------------------------


def test_a_successful_answer_proves_the_account_from_then_on(identify):
    identity = identify()
    first = identity.name(bearer("sk-1"))

    assert not first.proven
    assert identity.confirm(first, 200)
    assert identity.name(bearer("sk-1")).proven
    assert not identity.name(bearer("sk-2")).proven


@pytest.mark.parametrize("status", [0, 101, 302, 400, 401, 403, 404, 429, 500, 503])
def test_no_other_answer_proves_an_account(identify, status):
    identity = identify()

    assert not identity.confirm(identity.name(bearer("sk-1")), status)
    assert not identity.name(bearer("sk-1")).proven


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_secret_loses_its_proof(identify, status):
    identity = identify()
    identity.confirm(identity.name(bearer("sk-1")), 200)

    assert not identity.confirm(identity.name(bearer("sk-1")), status)
    assert not identity.name(bearer("sk-1")).proven


@pytest.mark.parametrize("status", [0, 400, 429, 500])
def test_a_failure_of_the_exchange_leaves_a_proven_account_proven(identify, status):
    identity = identify()
    identity.confirm(identity.name(bearer("sk-1")), 200)

    assert identity.confirm(identity.name(bearer("sk-1")), status)


def test_a_proof_ends_after_its_time_unless_it_is_renewed(identify, clock):
    identity = identify(proof_ttl=100.0)
    identity.confirm(identity.name(bearer("sk-1")), 200)
    clock.now += 60
    identity.confirm(identity.name(bearer("sk-1")), 200)
    clock.now += 60
    assert identity.name(bearer("sk-1")).proven
    clock.now += 100

    assert not identity.name(bearer("sk-1")).proven


def test_a_principal_stays_proven_whatever_the_answer_is(identify):
    identity = identify()
    subject = identity.name(request(principal="alice"))

    assert [identity.confirm(subject, status) for status in (200, 403, 500, 0)] == [True] * 4


def test_a_request_that_names_nobody_proves_nothing(identify):
    identity = identify()

    assert not identity.confirm(identity.name(request()), 200)


def test_a_secret_that_is_verified_before_us_is_proven_at_once(identify):
    identity = identify(confirm="always")
    subject = identity.name(bearer("sk-1"))

    assert subject.proven
    assert identity.confirm(subject, 500)


def test_where_nobody_verifies_secrets_they_name_nobody(identify):
    identity = identify(confirm="never")

    assert identity.name(bearer("sk-1")).account is None
    assert identity.name(request(principal="alice")).proven


def test_at_most_so_many_accounts_are_remembered(identify):
    identity = identify(max_accounts=10)
    for number in range(50):
        identity.confirm(identity.name(bearer(f"sk-{number}")), 200)

    assert sum(identity.name(bearer(f"sk-{number}")).proven for number in range(50)) == 10


@given(st.lists(st.tuples(st.sampled_from(["sk-1", "sk-2", "sk-3"]), st.sampled_from([200, 204, 400, 401, 403, 500])), max_size=30))
def test_an_account_is_proven_by_its_latest_answer_that_says_anything(exchanges):
    identity = Identity(IdentityConfig(), Keyring([bytes(32)]), clock=lambda: 0.0)
    proven: dict[str, bool] = {}
    for secret, status in exchanges:
        subject = identity.name(bearer(secret))
        assert subject.proven == proven.get(secret, False)
        counts = identity.confirm(subject, status)
        if status in (200, 204, 401, 403):
            proven[secret] = status < 300
        assert counts == proven.get(secret, False)


# --- attributes, fingerprint, network --------------------------------------------------------------------------------

ATTRIBUTES = {"org": "header:X-Org-Id", "ja4": "header:cf-ja4"}


def test_attributes_are_read_from_a_trusted_peer_only(identify):
    identity = identify(attributes=ATTRIBUTES)
    headers = (("x-org-id", "acme"),)

    assert identity.name(request(*headers, peer=EDGE)).attributes == {"org": "acme"}
    assert identity.name(request(*headers, attested=True)).attributes == {"org": "acme"}
    assert identity.name(request(*headers)).attributes == {}


def test_what_the_app_attests_wins_over_headers(identify):
    identity = identify(attributes=ATTRIBUTES)

    subject = identity.name(request(("x-org-id", "acme"), ("cf-ja4", "t13d"), peer=EDGE, attributes={"org": "initech"}))

    assert subject.attributes == {"org": "initech", "ja4": "t13d"}
    assert identity.name(request(attributes={"org": "initech"})).attributes == {"org": "initech"}


def test_an_attribute_is_the_nearest_proxy_s_and_bounded(identify):
    identity = identify(attributes=ATTRIBUTES)

    subject = identity.name(request(("x-org-id", "forged"), ("x-org-id", "a" * 9_999), ("cf-ja4", " "), peer=EDGE))

    assert subject.attributes == {"org": "a" * 256}


def test_an_attribute_that_is_not_text_is_kept_apart_from_others(identify):
    identity = identify(attributes=ATTRIBUTES)

    def org(value):
        return identity.name(Request("r", 0.0, "GET", "/", ((b"x-org-id", value),), EDGE)).attributes["org"]

    assert org("Müller".encode()) == "Müller"
    assert org(b"\xff") != org(b"\xfe")


def test_the_tls_fingerprint_counts_where_the_edge_tells_it(identify):
    identity = identify(attributes=ATTRIBUTES)

    def fingerprint(ja4, peer):
        return identity.name(request(("user-agent", "curl/8.1.2"), ("cf-ja4", ja4), peer=peer)).fingerprint

    assert fingerprint("t13d", EDGE) != fingerprint("t12i", EDGE)
    assert fingerprint("t13d", CLIENT) == fingerprint("t12i", CLIENT)


def test_attributes_do_not_change_the_fingerprint(identify):
    identity = identify(attributes=ATTRIBUTES)

    assert identity.name(request(("x-org-id", "acme"), peer=EDGE)).fingerprint == identity.name(request(peer=EDGE)).fingerprint


def test_forwarded_addresses_count_from_a_trusted_peer_only(identify):
    identity = identify()
    direct = identity.name(request()).network

    assert identity.name(request(("x-forwarded-for", CLIENT), peer=EDGE)).network == direct
    assert identity.name(request(("x-forwarded-for", "203.0.113.9"))).network == direct


def test_several_headers_of_forwarded_addresses_are_one_list(identify):
    headers = (("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", CLIENT), ("x-forwarded-for", "10.0.0.2"))

    assert identify().name(request(*headers, peer=EDGE)).network == identify().name(request()).network


def test_the_address_in_a_log_is_the_client_s(identify):
    logged = request(("x-forwarded-for", "203.0.113.9"), peer=EDGE, attested=True)

    assert identify().name(logged).network == identify().name(request(peer=EDGE)).network


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=60)), max_size=20), st.none() | st.text(max_size=20))
def test_no_headers_and_no_peer_break_the_naming(headers, peer):
    identity = Identity(IdentityConfig(trusted_proxies=("0.0.0.0/0",), attributes=ATTRIBUTES), Keyring([bytes(32)]), clock=lambda: 0.0)
    named = [(b"authorization", b"Bearer \xff"), (b"x-forwarded-for", b"\xff,,"), (b"x-org-id", b"\xff"), *headers]

    subject = identity.name(Request("r", 0.0, "POST", "/", tuple(named), peer))

    assert subject.fingerprint
    assert subject.network
