"""Signals that need one account only: sweep, corpus, labels, sampling, cadence, failover."""

from __future__ import annotations

import random
from typing import Any

import pytest

from antidistill.assessment.assess import risk, weigh
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.observation import observe
from antidistill.assessment.profile import Profile, begin
from antidistill.assessment.signals import SIGNALS
from antidistill.assessment.ties import ties
from antidistill.model import Call, Evidence, Exchange, Turn
from tests.assessment.traffic import START, exchange, fill, people, replay, words


def judged(rows: list[Exchange]) -> dict[str, Evidence]:
    """Evidence about the sender of the last exchange."""
    crowd = Crowd(14)
    profiles: dict[str, Profile] = {}
    account = str(rows[-1].subject.account)
    for row in rows:
        observation = observe(row, 7)
        assert observation is not None
        profile = profiles.setdefault(observation.account, begin(observation.account, observation.ts, 0, SIGNALS))
        profile.learn(observation, crowd.read(observation), SIGNALS)
    list(crowd.rate())
    shared = ties(profiles[account], crowd.frames)
    found = (signal.weigh(state, profiles[account], shared) for signal, state in zip(SIGNALS, profiles[account].states, strict=True))
    return {piece.signal: piece for piece in found if piece is not None}


def sweep(rng: random.Random, count: int, repeat: int = 1) -> list[Exchange]:
    frame = words(rng, 16)
    return [exchange("acct", text, START + n) for n, text in enumerate(fill(frame, rng) for _ in range(count)) for _ in range(repeat)]


def resampled(rng: random.Random, prompts: int, times: int, **more: int) -> list[Exchange]:
    texts = [words(rng, 15) for _ in range(prompts)]
    return [
        exchange("acct", text, START + n * 9 + seed, call={"seed": seed}, **more) for n, text in enumerate(texts) for seed in range(times)
    ]


def corpus(rng: random.Random, prompts: int, again: int = 0, gap: float = 2.0, **more: object) -> list[Exchange]:
    texts = [words(rng, rng.randint(5, 30)) for _ in range(prompts)]
    return [exchange("acct", text, START + n * gap, **more) for n, text in enumerate([*texts, *texts[:again]])]


def paced(gaps: list[float], **more: float) -> list[Exchange]:
    ts = START
    rows = []
    for gap in gaps:
        ts += gap
        rows.append(exchange("acct", "hello", ts, **more))
    return rows


def test_hundreds_of_prompts_each_asked_once_in_haste_are_a_corpus():
    found = judged(corpus(random.Random(1), 480))
    assert found["corpus"].weight == pytest.approx(1.0)
    assert risk(weigh(found.values())) < 0.1


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param({"prompts": 340}, id="a benchmark of some hundred items"),
        pytest.param({"prompts": 480, "again": 200}, id="the same set over two models"),
        pytest.param({"prompts": 480, "gap": 30.0}, id="an app at the pace of its users"),
        pytest.param({"prompts": 480, "tokens": 3}, id="a classifier"),
        pytest.param(
            {"prompts": 480, "as_call": Call("openai.chat", "m", turns=(Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c")))},
            id="talk",
        ),
    ],
)
def test_honest_volume_is_no_corpus(rows):
    assert "corpus" not in judged(corpus(random.Random(1), **rows))


@pytest.mark.parametrize(
    ("tokens", "weight"),
    [
        pytest.param(1, -1.0, id="classes speak for the account"),
        pytest.param(8, -1.0, id="a short label"),
        pytest.param(9, None, id="text says nothing"),
        pytest.param(0, None, id="an unknown length says nothing"),
    ],
)
def test_accounts_that_ask_for_labels_are_spoken_for(tokens, weight):
    found = judged(corpus(random.Random(1), 30, tokens=tokens)).get("labels")
    assert (found and found.weight) == weight


def test_a_sweep_over_one_template_counts_but_convicts_nobody():
    found = judged(sweep(random.Random(1), 100))
    assert found["sweep"].weight == pytest.approx(2.0)
    assert risk(weigh(found.values())) < 0.1


def test_a_sweep_tells_its_numbers():
    assert "99 of 100 prompts" in judged(sweep(random.Random(1), 100))["sweep"].reason


def test_a_template_with_repeated_values_is_no_sweep():
    assert judged(sweep(random.Random(1), 40, repeat=3)).get("sweep") is None


def test_a_few_uses_are_no_sweep():
    assert "sweep" not in judged(sweep(random.Random(1), 8))


def test_prompts_without_a_template_are_no_sweep():
    rng = random.Random(1)
    assert "sweep" not in judged([exchange("acct", words(rng, 30), START + n) for n in range(100)])


def test_resampling_counts():
    assert judged(resampled(random.Random(1), 20, 5))["sampling"].weight > 1


def test_asking_the_same_again_is_no_resampling():
    text = words(random.Random(1), 15)
    assert "sampling" not in judged([exchange("acct", text, START + n, call={"seed": 3}) for n in range(100)])


def test_trying_again_after_a_refusal_is_no_resampling():
    assert "sampling" not in judged(resampled(random.Random(1), 20, 5, status=429))


def test_other_parameters_for_other_prompts_are_no_resampling():
    rng = random.Random(1)
    assert "sampling" not in judged([exchange("acct", words(rng, 15), START + n, call={"seed": n}) for n in range(100)])


@pytest.mark.parametrize(
    ("gaps", "more", "low", "high"),
    [
        pytest.param([5.0] * 50, {"duration": 0.1}, 1.0, 1.2, id="a timer"),
        pytest.param(
            [random.Random(1).lognormvariate(1, 1.2) for _ in range(50)], {"duration": 60.0}, 1.0, 1.2, id="answers nobody can read"
        ),
        pytest.param([20 + random.Random(n).lognormvariate(4, 1.4) for n in range(50)], {}, -0.3, -0.3, id="a person"),
    ],
)
def test_cadence_tells_machines_from_people(gaps, more, low, high):
    weight = judged(paced(gaps, **more))["cadence"].weight
    assert low - 0.001 <= weight <= high + 0.001


@pytest.mark.parametrize(
    "gaps",
    [
        pytest.param([5.0] * 15, id="too few"),
        pytest.param([86_400.0] * 50, id="once a day"),
        pytest.param([-5.0] * 50, id="a clock that goes back"),
        pytest.param([0.0] * 50, id="all at once"),
    ],
)
def test_cadence_needs_a_stretch_of_work(gaps):
    assert "cadence" not in judged(paced(gaps))


@pytest.mark.parametrize(("times", "weight"), [(1, 1.5), (2, 2.5), (9, 2.5)])
def test_takeovers_count(times, weight):
    rng, rows = random.Random(1), []
    for n in range(times):
        text = words(rng, 12)
        rows += [exchange("first", text, START + n * 100, status=429), exchange("second", text, START + n * 100 + 5)]
    assert judged(rows)["failover"].weight == weight


def test_people_have_no_content_evidence_against_them():
    _, published = replay(people(random.Random(1)))
    assert all(assessment.risk < 0.005 and "content" not in assessment.families for assessment in published.values())


def test_whom_nobody_asks_back_is_unattended():
    rng = random.Random(1)
    rows = [exchange("acct", words(rng, 12), START + n) for n in range(12)]
    assert judged(rows)["unattended"].weight == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("turns", "more"),
    [
        pytest.param((Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c")), {}, id="somebody asks back"),
        pytest.param((Turn("user", "a"), Turn("assistant", "b"), Turn("tool", "c")), {}, id="only tools answer"),
        pytest.param((Turn("user", "a"),), {"status": 429}, id="nothing was answered"),
    ],
)
def test_conversations_count_where_they_are_begun_and_answered(turns, more):
    call = Call("openai.chat", "m", turns=turns)
    assert "unattended" not in judged([exchange("acct", ts=START + n, as_call=call, **more) for n in range(40)])


def test_an_account_with_customers_that_ask_back_is_not_unattended():
    turns = (Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))
    rows = [exchange("acct", words(random.Random(n), 9), START + n, call={}) for n in range(20)]
    rows += [exchange("acct", ts=START + 100 + n, as_call=Call("openai.chat", "m", turns=turns)) for n in range(4)]
    assert "unattended" not in judged(rows)


def moving(ago: float, back: int = 0, moved: int = 10) -> list[Exchange]:
    """Twenty requests to an old model, then ten to one that came out so many seconds ago, and some to the old one."""
    release = START + 3 * 86_400
    others = [as_model(f"other-{n}", "new", release + n) for n in range(3)]
    before = [as_model("acct", "old", START + n * 60) for n in range(20)]
    after = [as_model("acct", "new" if n >= back else "old", release + ago + n * 60) for n in range(moved - 1 + back)]
    return [*before, *others, as_model("acct", "new", release + ago - 1), *after]


def as_model(account: str, model: str, ts: float) -> Exchange:
    return exchange(account, ts=ts, as_call=Call("openai.chat", model, turns=(Turn("user", "hello"),)))


@pytest.mark.parametrize(("moved", "weight"), [(1, 0.27), (2, 0.53), (3, 0.8), (10, 0.8)])
def test_moving_to_a_new_model_at_once_counts_from_the_first_request_on(moved, weight):
    assert judged(moving(3600.0, moved=moved))["release_pivot"].weight == pytest.approx(weight, abs=0.01)


@pytest.mark.parametrize(("ago", "back"), [(3 * 86_400.0, 0), (3600.0, 15)], ids=["late", "half of the work stays"])
def test_moving_late_or_in_part_does_not_count(ago, back):
    assert "release_pivot" not in judged(moving(ago, back))


def used(client: str = "fp", network: str = "net", model: str = "m", system: str = "", times: int = 20) -> list[Exchange]:
    """Requests in one manner."""
    call = Call("openai.chat", model, system=system, turns=(Turn("user", "hello"),))
    return [exchange("acct", client=client, network=network, as_call=call) for _ in range(times)]


THIEF: dict[str, Any] = {"client": "script", "network": "elsewhere", "model": "large", "system": "Answer."}


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*used(), *used(**THIEF)], id="the thief comes after the owner"),
        pytest.param([*used(), *(row for _ in range(12) for row in (*used(times=1), *used(**THIEF, times=1)))], id="beside the owner"),
    ],
)
def test_a_key_that_changed_hands_is_told_and_convicts_nobody(rows):
    found = judged(rows)
    assert found["hands"].weight == pytest.approx(2.0)
    assert risk(weigh(found.values())) < 0.1


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*used(), *used(client="new", network="home", model="large")], id="a new machine and a new model"),
        pytest.param([row for n in range(40) for row in used(network=f"net-{n}", times=1)], id="on the move"),
        pytest.param([*used(), *used(**THIEF, times=4)], id="tried out once"),
        pytest.param([*used(times=5), *used(**THIEF)], id="an account that has no habits yet"),
        pytest.param(
            [*used(), *used(client="a"), *used(client="a", network="b"), *used(**THIEF | {"client": "a", "network": "b"})], id="bit by bit"
        ),
        pytest.param([*used(client=""), *used(**THIEF | {"client": ""})], id="no client is known"),
    ],
)
def test_habits_that_change_in_part_are_nobody_elses(rows):
    assert "hands" not in judged(rows)
