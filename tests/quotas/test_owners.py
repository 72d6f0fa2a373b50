from __future__ import annotations

import pytest

from antidistill.keyring import Keyring
from antidistill.model import Call, Subject
from antidistill.quotas import Owners, counter_key
from antidistill.quotas.memberships import MOST, Memberships
from antidistill.quotas.owners import REST

KEY = counter_key(Keyring([bytes(range(32))]))
DAY = 86_400.0
ALICE, BOB = Subject("acct_alice", "fp", "net"), Subject("acct_bob", "fp", "net")


def owners(bound=100):
    return Owners(KEY, bound)


def user(name):
    return Call("openai.chat", sub_identity=name)


# --- homes -----------------------------------------------------------------------------------------------------------


def test_an_account_has_a_home_that_does_not_name_it():
    [alice] = owners().of(ALICE, None, None, 0.0, 0)
    [bob] = owners().of(BOB, None, None, 0.0, 0)

    assert alice.home != bob.home
    assert "alice" not in alice.home
    assert owners().of(Subject("acct_alice", "other", "other"), None, "c1", 9.0, 0)[-1].home == alice.home


def test_who_has_no_account_has_no_home():
    assert owners().of(Subject(None, "fp", "net"), user("ada"), "c1", 0.0, 10)[-1].home == ""


def test_an_account_that_a_request_presents_besides_has_its_own_home():
    other, own = owners().of(Subject("acct_alice", "fp", "net", others=("acct_bob",)), user("ada"), None, 0.0, 10)

    assert (other.values["account"], other.only, own.values["account"], own.only) == ("acct_bob", "account", "acct_alice", None)
    assert other.home == owners().of(BOB, None, None, 0.0, 0)[0].home


@pytest.mark.parametrize("org", [7, None, ["acme"]], ids=str)
def test_an_org_that_is_no_text_is_not_known(org):
    [owner] = owners().of(Subject("acct", "fp", "net", attributes={"org": org}), None, None, 0.0, 0)

    assert owner.values["org"] is None


# --- sub-identities --------------------------------------------------------------------------------------------------


def test_a_sub_identity_is_known_by_a_hash():
    one, same, other = [owners().of(ALICE, user(name), None, 0.0, 10)[0].values["sub_identity"] for name in ("ada", "ada", "bob")]

    assert one == same != other
    assert "ada" not in one


@pytest.mark.parametrize(
    ("subject", "call", "most"),
    [
        (ALICE, None, 10),
        (ALICE, user(None), 10),
        (ALICE, user(""), 10),
        (ALICE, user("ada"), 0),
        (Subject(None, "fp", "n"), user("ada"), 10),
    ],
    ids=["no call", "no name", "an empty name", "not counted", "no account"],
)
def test_what_names_no_sub_identity_has_none(subject, call, most):
    assert owners().of(subject, call, None, 0.0, most)[-1].values["sub_identity"] is None


def test_beyond_the_bound_of_a_day_sub_identities_share_a_name():
    known = owners()
    names = [known.of(ALICE, user(claim), None, 0.0, 3)[-1].values["sub_identity"] for claim in "123452"]
    assert names[3:] == [REST, REST, names[1]]
    assert len({*names[:3], REST}) == 4


def test_a_name_that_json_mangled_is_a_name():
    assert owners().of(ALICE, user("\ud800"), None, 0.0, 10)[0].values["sub_identity"]


# --- campaigns -------------------------------------------------------------------------------------------------------


def test_an_account_remembers_the_campaigns_that_it_was_in():
    memberships = Memberships(10)

    assert memberships.former("a", "c1", 0.0) == []
    assert memberships.former("a", "c1", 60.0) == []
    assert memberships.former("a", "c2", 100.0) == [("c1", 40.0)]
    assert memberships.former("b", "c2", 100.0) == []
    assert memberships.former("a", "c1", 110.0) == [("c2", 10.0)]


def test_the_latest_former_campaigns_are_remembered():
    memberships = Memberships(10)
    for number in range(10):
        memberships.former("a", f"c{number}", float(number))

    assert [former for former, _ in memberships.former("a", "c9", 10.0)] == [f"c{number}" for number in range(9 - MOST, 9)]


def test_a_campaign_that_an_account_came_back_to_is_not_the_first_to_be_forgotten():
    memberships = Memberships(10)
    for moment, campaign in enumerate(["c0", "c1", "c2", "c3", "c4", "c0", "c5"]):
        memberships.former("a", campaign, float(moment))

    assert [former for former, _ in memberships.former("a", "c5", 7.0)] == ["c2", "c3", "c4", "c0"]


def test_a_campaign_that_an_account_was_in_is_charged_besides():
    register = owners()
    register.of(ALICE, None, "c1", 0.0, 0)
    former, own = register.of(ALICE, None, "c2", 30.0, 0)

    assert (former.values["campaign"], former.only, former.age) == ("c1", "campaign", 30.0)
    assert (own.values["campaign"], own.only, own.age) == ("c2", None, 0.0)


def test_an_end_user_that_the_host_names_goes_before_the_one_that_the_client_claims():
    attested = Subject("acct_alice", "fp", "net", attributes={"sub_identity": "ada"})
    known = owners()
    names = [
        known.of(subject, user(claim), None, 0.0, 10)[-1].values["sub_identity"]
        for subject, claim in ((attested, "bob"), (attested, None), (ALICE, "ada"), (ALICE, "bob"))
    ]
    assert names[0] == names[1] == names[2] != names[3]
