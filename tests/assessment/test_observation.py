from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.observation import Observation, observe
from antidistill.model import Answer, Call, Exchange, Request, Subject, Turn, Usage
from tests.assessment.traffic import ODD_TEXTS, START, exchange

SEED = 7
QUESTION = "what is the tallest mountain in the southern half of the world"


def seen(row: Exchange) -> Observation:
    observation = observe(row, SEED)
    assert observation is not None
    return observation


def chat(*turns: Turn, **more: object) -> Exchange:
    return exchange(as_call=Call("openai.chat", turns=turns, **more))  # type: ignore[arg-type]


def test_nothing_is_observed_without_an_account():
    assert observe(exchange(None, QUESTION), SEED) is None


def test_an_exchange_that_nobody_could_read_is_observed_without_content():
    observation = seen(exchange("acct", as_call=None, status=500))
    assert (observation.account, observation.status, observation.ts) == ("acct", 500, START)
    assert (observation.prompt, observation.skeleton, observation.lineage, observation.dialect) == (0, (), 0, "")


def test_no_text_is_kept():
    observation = seen(exchange("acct", QUESTION, call={"system": "tall secrets", "sub_identity": "user@example.com"}))
    kept = msgspec.json.encode(observation).decode()
    assert not any(word in kept for word in ("tallest", "mountain", "southern", "secrets", "example.com"))


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: f"{len(text)} characters")
def test_any_text_can_be_observed(text):
    assert len(seen(exchange("acct", text)).skeleton) <= 112


@given(st.text(max_size=200))
def test_observing_is_pure(text):
    assert seen(exchange("acct", text)) == seen(exchange("acct", text))


def test_another_seed_gives_other_hashes():
    one, other = observe(exchange("acct", QUESTION), 1), observe(exchange("acct", QUESTION), 2)
    assert one is not None
    assert other is not None
    assert (one.prompt, one.tenant, one.lineage) != (other.prompt, other.tenant, other.lineage)
    assert not set(one.skeleton) & set(other.skeleton)


def test_the_accounts_of_an_organisation_are_one_tenant():
    assert seen(exchange("key-1", org="org_1")).tenant == seen(exchange("key-2", org="org_1")).tenant


def test_accounts_without_an_organisation_are_tenants_of_their_own():
    assert seen(exchange("key-1")).tenant != seen(exchange("key-2")).tenant


def test_an_account_cannot_pass_for_an_organisation():
    assert seen(exchange("org_1")).tenant != seen(exchange("key-1", org="org_1")).tenant


def test_the_last_turn_is_what_is_asked():
    first, answer, again = Turn("user", "hello there"), Turn("assistant", "hi"), Turn("user", QUESTION)
    assert seen(chat(first, answer, again)).prompt == seen(chat(again)).prompt


def test_a_tool_result_asks_nothing_new():
    observation = seen(chat(Turn("user", QUESTION), Turn("assistant", ""), Turn("tool", "42")))
    assert (observation.prompt, observation.skeleton) == (0, ())


def test_a_conversation_keeps_its_lineage():
    opening = Turn("user", QUESTION)
    later = seen(chat(opening, Turn("assistant", "Aconcagua"), Turn("user", "how tall"), system="Be brief."))
    assert later.lineage == seen(chat(opening, system="Be brief.")).lineage != seen(chat(opening)).lineage


def test_an_answer_without_text_is_nothing_to_train_on():
    row = exchange("acct", QUESTION)
    assert seen(msgspec.structs.replace(row, answer=Answer(200, Usage(9, 0)))).skeleton == ()


def test_a_refused_prompt_is_known_again():
    assert seen(exchange("acct", QUESTION, status=429)).prompt == seen(exchange("acct", QUESTION)).prompt


def test_numbers_of_the_exchange_are_kept():
    call = Call("openai.chat", "m", temperature=0.5, top_p=0.9, seed=3, n=2, logprobs=True, top_logprobs=4, biased=True, tools=("a", "b"))
    row = Exchange(Request("r", 5.0, "POST", "/"), Subject("acct", "f", "n"), call, Answer(200, Usage(7, 8), True, True, 1.5))
    observation = seen(row)
    assert observation.sampling == (0.5, 0.9, 3, 2, True, 4, True)
    assert (observation.input_tokens, observation.output_tokens, observation.streamed, observation.duration) == (7, 8, True, 1.5)
    assert (observation.model, observation.dialect, observation.tools, observation.turns, observation.ts) == ("m", "openai.chat", 2, 0, 5.0)
