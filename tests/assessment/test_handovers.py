from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.handovers import HALF_LIFE, Handover, Handovers, Unfinished
from antidistill.assessment.observation import observe
from antidistill.model import Call, Exchange, Turn
from tests.assessment.traffic import START, exchange, words

PROMPT, ELSE = words(random.Random(1), 12), words(random.Random(2), 12)


def met(*rows: Exchange) -> Handover | None:
    """What is said of the last exchange."""
    unfinished = Unfinished()
    found = None
    for row in rows:
        observation = observe(row, 7)
        assert observation is not None
        found = unfinished.meet(observation)
    return found


def talk(account: str, opening: str, turns: int, ts: float = START) -> Exchange:
    """A conversation at its `turns`-th question."""
    said = [Turn("user", opening)]
    for _ in range(turns - 1):
        said += [Turn("assistant", "so"), Turn("user", "and then")]
    return exchange(account, ts=ts, as_call=Call("openai.chat", "m", turns=tuple(said)))


REFUSED = exchange("first", PROMPT, status=429)


@pytest.mark.parametrize(
    ("row", "giver"),
    [
        pytest.param(exchange("other", PROMPT, START + 10), "first", id="another tenant asks the same"),
        pytest.param(exchange("first", PROMPT, START + 10), None, id="the account tries again"),
        pytest.param(exchange("other", PROMPT, START + 61), None, id="later"),
        pytest.param(exchange("other", PROMPT, START - 5), None, id="before"),
        pytest.param(exchange("other", ELSE, START + 10), None, id="something else"),
        pytest.param(exchange("other", PROMPT, START + 10, status=429), None, id="another tenant is refused, too"),
    ],
)
def test_a_takeover_is_a_refused_prompt_that_another_tenant_is_answered_at_once(row, giver):
    found = met(REFUSED, row)
    assert (found and found.giver) == giver


def test_small_talk_is_no_takeover():
    text = "thank you very much for all that"
    assert met(exchange("first", text, status=429), exchange("other", text, START + 1)) is None


def test_an_organisation_takes_nothing_over_from_itself():
    assert met(exchange("key-1", PROMPT, status=429, org="org_1"), exchange("key-2", PROMPT, START + 1, org="org_1")) is None


def test_what_others_ask_as_well_is_not_handed_over():
    asked = exchange("pupil", PROMPT, START - 600)
    assert met(asked, REFUSED, exchange("other", PROMPT, START + 1)) is None


def test_a_class_with_one_exercise_hands_over_once():
    rows = [exchange(f"pupil-{n}", PROMPT, START + n, status=200 if n % 2 else 429) for n in range(30)]
    unfinished = Unfinished()
    found = [unfinished.meet(observation) for row in rows if (observation := observe(row, 7)) is not None]
    assert sum(handover is not None for handover in found) == 1


@pytest.mark.parametrize(
    ("rows", "giver"),
    [
        pytest.param([talk("a", PROMPT, 1), talk("b", PROMPT, 2)], "a", id="another tenant goes on"),
        pytest.param([talk("a", PROMPT, 1), talk("a", PROMPT, 2)], None, id="the account itself does"),
        pytest.param([talk("a", PROMPT, 1), talk("b", PROMPT, 1), talk("b", PROMPT, 2)], None, id="two begin alike"),
        pytest.param([talk("a", "hello", 1), talk("b", "hello", 2)], None, id="small talk"),
        pytest.param([talk("a", PROMPT, 1), talk("b", PROMPT, 2), talk("b", PROMPT, 3)], None, id="it moved before"),
    ],
)
def test_a_conversation_that_another_tenant_goes_on_with_is_handed_over(rows, giver):
    found = met(*rows)
    assert (found and found.giver) == giver


def test_what_is_unfinished_is_bounded():
    rng, unfinished = random.Random(1), Unfinished(limit=10)
    for n in range(100):
        observation = observe(exchange("acct", words(rng, 12), START + n, status=429 if n % 2 else 200), 7)
        assert observation is not None
        unfinished.meet(observation)
    assert len(unfinished._refused) == len(unfinished._begun) == 10


def pools(*pairs: str, gap: float = 0.0) -> list[str]:
    handovers = Handovers()
    for n, pair in enumerate(pairs):
        handovers.note(pair[0], pair[1], START + n * gap)
    return ["".join(pool.accounts) for pool in handovers.pools()]


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        pytest.param(["ab", "bc", "ca"], ["abc"], id="a ring"),
        pytest.param(["ab", "bc"], [], id="one coincidence each"),
        pytest.param(["ab", "ab", "ba"], [], id="a pair is no pool"),
        pytest.param(["ab", "ab", "bc", "bc"], ["abc"], id="a chain of two each"),
        pytest.param(["ab", "bc", "ca", "cd"], ["abc"], id="one passer-by"),
        pytest.param(["ab", "bc", "ca", "de", "ef", "fd"], ["abc", "def"], id="two pools"),
        pytest.param(["ab", "bc", "cd"], [], id="a chain of four"),
        pytest.param(["ab", "bc", "cd", "de"], ["abcde"], id="a chain of five"),
        pytest.param(["ab", "bc", "cd", "de", "fg", "gh", "hf"], ["abcde", "fgh"], id="a chain of five beside a ring"),
    ],
)
def test_pools_are_accounts_that_hand_over_more_than_once_or_are_many(pairs, found):
    assert sorted(pools(*pairs)) == found


def test_a_pool_knows_how_often_it_handed_over():
    handovers = Handovers()
    for pair in ("ab", "ab", "bc", "ca"):
        handovers.note(pair[0], pair[1], START)
    (only,) = handovers.pools()
    assert only.handovers == 4


def test_old_handovers_count_less():
    assert pools("ab", "bc", "ca", gap=HALF_LIFE) == []


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")).filter(lambda pair: pair[0] != pair[1]), max_size=60))
def test_the_order_of_handovers_makes_no_difference(pairs):
    assert sorted(pools(*map("".join, pairs))) == sorted(pools(*map("".join, reversed(pairs))))


def test_pairs_are_bounded():
    handovers = Handovers(limit=5)
    for n in range(100):
        handovers.note(f"a{n}", f"b{n}", START + n)
    assert len(handovers._pairs) == 5
