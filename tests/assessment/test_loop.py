from __future__ import annotations

import random
import threading
import tracemalloc
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antidistill.assessment import Assessor
from antidistill.assessment.loop import BUSY, REVIEW
from antidistill.assessment.observation import Observation
from antidistill.assessment.signals import SIGNALS
from antidistill.model import Assessment, Evidence, Exchange, Family
from antidistill.testing import FakeClock
from tests.assessment.traffic import HOUR, ODD_TEXTS, SEED, START, campaign, exchange, flagged, in_order, names, people, replay, words


class Broken:
    """A signal that fails."""

    name = "broken"
    family: Family = "content"
    falls = "It never does."

    def begin(self) -> None:
        return None

    def learn(self, state: Any, observation: Any, reading: Any) -> None:
        raise RuntimeError("broken")

    def weigh(self, state: Any, profile: Any, ties: Any) -> Evidence | None:
        raise RuntimeError("broken")


class Counting(Broken):
    """A signal that counts how often it is asked."""

    name = "counting"
    weighed = 0

    def learn(self, state: Any, observation: Any, reading: Any) -> None:
        return

    def weigh(self, state: Any, profile: Any, ties: Any) -> Evidence | None:
        self.weighed += 1
        return None


TICK = 300.0


def told() -> tuple[list[Assessment], Any]:
    published: list[Assessment] = []
    return published, published.extend


# --- what it finds ---------------------------------------------------------------------------------------------------


def test_a_campaign_is_flagged_and_nobody_else():
    rng = random.Random(1)
    rows = campaign(rng, accounts=12, frames=3, each=15)
    _, published = replay(in_order(rows, people(rng, accounts=30)))
    assert flagged(published) == set(names(rows))


def test_a_campaign_on_accounts_with_real_customers_is_flagged():
    rng = random.Random(1)
    rows = campaign(rng, accounts=20, frames=4, each=10)
    cover = [
        exchange(account, words(rng, rng.randint(1, 30)), START + rng.random() * 10_000) for account in set(names(rows)) for _ in range(30)
    ]
    _, published = replay(in_order(rows, cover))
    assert len(flagged(published)) >= 18


def test_a_campaign_is_flagged_while_it_works():
    rows = campaign(random.Random(1), accounts=12, frames=3, each=30)
    _, published = replay(rows[: len(rows) // 2])
    assert flagged(published) == set(names(rows))


def test_a_busy_honest_script_is_not_flagged():
    rng = random.Random(1)
    template = words(rng, 20)
    rows = [exchange("batch", f"{template} {words(rng, 30)}", START + n * 5, duration=0.1) for n in range(2_000)]
    _, published = replay(in_order(rows, people(rng)))
    assert flagged(published) == set()
    assert published["batch"].risk < 0.2


# --- laws ------------------------------------------------------------------------------------------------------------


def test_the_same_log_and_seed_give_the_same_assessments():
    rng = random.Random(1)
    rows = in_order(campaign(rng), people(rng))
    assert replay(rows)[1] == replay(rows)[1]


def requests(assessor: Assessor, account: str) -> int:
    """Requests that are known of an account, told or not."""
    profile = assessor._profiles.get(account)
    return 0 if profile is None else profile.requests


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_the_order_within_a_tick_changes_no_verdict(rng):
    rows = campaign(random.Random(1), accounts=10, frames=3, each=15)
    ticks: dict[float, list[Exchange]] = {}
    for row in rows:
        ticks.setdefault(row.request.ts // 300, []).append(row)
    shuffled = [row for tick in ticks.values() for row in rng.sample(tick, len(tick))]
    (here, one), (there, other) = replay(rows), replay(shuffled)
    assert flagged(one) == flagged(other)
    assert {account: requests(here, account) for account in one} == {account: requests(there, account) for account in other}


def test_an_exchange_delivered_twice_raises_no_risk():
    rows = campaign(random.Random(1), accounts=10, frames=3, each=15)
    once, twice = replay(rows)[1], replay([row for row in rows for _ in range(2)])[1]
    assert all(twice[account].risk <= found.risk + 0.02 for account, found in once.items() if account in twice)


def test_duplicates_of_honest_prompts_accuse_nobody():
    rows = people(random.Random(1))
    assert flagged(replay([row for row in rows for _ in range(3)])[1]) == set()


def test_a_clock_that_goes_back_does_no_harm():
    rng = random.Random(1)
    rows = in_order(campaign(rng, each=15), people(rng))
    back = [
        msgspec.structs.replace(row, request=msgspec.structs.replace(row.request, ts=row.request.ts - rng.choice([0, 30, 5 * HOUR])))
        for row in rows
    ]
    assessor, published = replay(back)
    assert assessor.failures == 0
    assert all(0 <= found.risk <= 1 for found in published.values())


def test_any_text_is_learnt():
    assessor, published = replay([exchange(f"acct-{n % 5}", text, START + n) for n, text in enumerate(ODD_TEXTS * 4)])
    assert assessor.failures == 0
    assert flagged(published) == set()


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.text(max_size=60), st.floats(0, 1e10), st.sampled_from([0, 200, 400, 429, 500])), max_size=40
    )
)
def test_any_traffic_is_learnt(traffic):
    rows = [exchange(account, text, ts, status=status) for account, text, ts, status in traffic]
    assessor, published = replay(rows)
    assert assessor.failures == 0
    assert flagged(published) == set()


def test_memory_is_bounded_however_many_accounts_come():
    rng = random.Random(1)
    rows = [exchange(f"acct-{n // 4}", words(rng, 12), START + n) for n in range(4_000)]
    assessor, _ = replay(rows, max_accounts=50)
    assert len(assessor._profiles) <= 50
    assert len(assessor._latest) <= 50
    assert len(assessor._due) <= 50


@pytest.mark.parametrize("each", [1, 3], ids=["one request each", "a profile each"])
def test_memory_does_not_grow_with_accounts_that_never_come_again(each):
    def grown(accounts: int) -> int:
        assessor = Assessor(SEED, max_accounts=100)
        tracemalloc.start()
        for n in range(accounts * each):
            assessor.recall(Observation(f"acct-{n // each}", n // each, START + n, status=200, prompt=n, skeleton=(n, n + 1)))
            assessor.advance(START + n)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size

    grown(2_500)  # the interpreter keeps up to 2,000 tuples of each length that were freed
    assert grown(2_500) <= 1.1 * grown(500)


def test_an_account_costs_no_more_however_much_it_sends():
    assessor, rng, sizes = Assessor(SEED), random.Random(1), []
    tracemalloc.start()
    for n in range(4_000):
        assessor.recall(Observation("acct", 1, START + n, status=200, prompt=n, skeleton=tuple(rng.choices(range(10**9), k=12))))
        assessor.advance(START + n)
        if n in (1_500, 3_999):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert assessor.failures == 0
    assert sizes[1] <= sizes[0] + 1024


def test_an_account_that_grew_little_waits_for_the_next_round_of_all():
    counting = Counting()
    assessor, rounds = Assessor(SEED, tick=TICK, signals=(counting,)), []
    for tick in range(REVIEW + 1):
        for n in range(1 if tick else 8 * BUSY + 1):
            assessor.recall(Observation("acct", 1, START + tick * TICK + n, status=200))
        assessor.advance(START + (tick + 1) * TICK)
        rounds.append(counting.weighed)
    assert rounds == [9] * REVIEW + [10]


def test_hashes_made_to_collide_displace_nobody_and_fail_nothing():
    rng = random.Random(1)
    rows = in_order(campaign(rng, accounts=10, frames=3, each=15))
    assessor, _ = replay(rows)
    for n in range(3_000):
        skeleton = tuple([shingle << 20 | n % 4 for shingle in rng.choices(range(1 << 40), k=40)])
        assessor.recall(Observation(f"flood-{n % 7}", n % 7, START + 30_000 + n, status=200, prompt=n, skeleton=skeleton))
    assessor.advance(START + 90_000)
    assert assessor.failures == 0
    assert {account for account in names(rows) if (found := assessor.latest(account)) and found.risk >= 0.8} == set(names(rows))


def test_assessments_of_forgotten_accounts_are_forgotten():
    rng = random.Random(1)
    waves = [campaign(rng, accounts=10, prefix=f"wave-{wave}", start=START + wave * 10_000) for wave in range(6)]
    assessor, published = replay(in_order(*waves), max_accounts=20)
    assert len(published) > 20
    assert len(assessor._latest) <= 20


def test_a_flood_of_accounts_does_not_make_offenders_fresh():
    rng = random.Random(1)
    rows = campaign(rng, accounts=10, frames=3, each=15)
    flood = [exchange(f"flood-{n // 4}", words(rng, 6), START + 20_000 + n) for n in range(2_000)]
    assessor, _ = replay(in_order(rows, flood), max_accounts=40)
    assert all((found := assessor.latest(account)) is not None and found.risk >= 0.8 for account in names(rows))


# --- ticks -----------------------------------------------------------------------------------------------------------


def test_assessments_come_at_ticks():
    published, publish = told()
    assessor = Assessor(SEED, tick=600, publish=publish)
    rows = campaign(random.Random(1), gap=0.5)
    assessor.advance(START)
    for row in rows:
        assessor.learn(row)
        assessor.advance(row.request.ts)
    assert published == []
    assessor.advance(START + 600)
    assert {found.ts for found in published} == {(START + 600) // 600 * 600}


def test_a_tick_is_published_once():
    published, publish = told()
    assessor = Assessor(SEED, publish=publish)
    for row in campaign(random.Random(1)):
        assessor.learn(row)
    for _ in range(3):
        assessor.advance(START)
    assessor.advance(START - HOUR)
    assert len(published) == len({found.account for found in published})


def test_what_does_not_change_is_told_once():
    published, publish = told()
    assessor = Assessor(SEED, publish=publish)
    for row in campaign(random.Random(1), each=15):
        assessor.learn(row)
    for tick in range(20):
        assessor.advance(START + tick * 600)
    assert len(published) <= 2 * 12  # once for the account, once for its campaign


def test_nothing_is_known_of_a_stranger():
    assert Assessor(SEED).latest("stranger") is None


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_failing_signal_is_counted_and_stops_nothing():
    assessor = Assessor(SEED, signals=(Broken(),))
    for row in people(random.Random(1), accounts=1, each=5):
        assessor.learn(row)
    assessor.advance(START)
    assert assessor.failures > 0


def test_what_cannot_be_told_is_counted_and_stops_nothing():
    def publish(assessments: Sequence[Assessment]) -> None:
        raise OSError("nobody listens")

    assessor = Assessor(SEED, publish=publish)
    for row in campaign(random.Random(1)):
        assessor.learn(row)
    assessor.advance(START)
    assert assessor.failures == 1
    assert assessor.latest("bot-3") is not None


# --- the thread ------------------------------------------------------------------------------------------------------


def test_submitted_traffic_is_assessed_as_replayed_traffic_is():
    published, publish = told()
    rows = campaign(random.Random(1), accounts=12, frames=3, each=15)
    assessor = Assessor(SEED, publish=publish, clock=FakeClock(START))
    for row in rows:
        assessor.submit(row)
    assert assessor.drain(30)
    assessor.close()
    assert {found.account for found in published if found.risk >= 0.8} == set(names(rows))
    assert {account: assessor.latest(account) for account in names(rows)} == {
        account: next(found for found in reversed(published) if found.account == account) for account in names(rows)
    }


def test_no_thread_starts_before_it_is_needed():
    before = set(threading.enumerate())
    assessor = Assessor(SEED)
    assert assessor.drain(1)
    assert set(threading.enumerate()) <= before
    assessor.close()


def test_nothing_runs_after_the_end():
    before = set(threading.enumerate())
    assessor = Assessor(SEED)
    assessor.submit(exchange("acct", "hello"))
    assessor.close()
    assessor.submit(exchange("acct", "hello"))
    assert set(threading.enumerate()) <= before


def test_a_failure_does_not_stop_the_thread():
    assessor = Assessor(SEED, signals=(Broken(),))
    for row in people(random.Random(1), accounts=1, each=9):
        assessor.submit(row)
    assert assessor.drain(30)
    assessor.submit(exchange("acct", "hello"))
    assert assessor.drain(30)
    assessor.close()
    assert assessor.failures > 0


def test_too_much_is_shed_and_counted():
    held, go = threading.Event(), threading.Event()

    class Slow(Broken):
        def begin(self) -> None:
            held.set()
            go.wait(30)

        def learn(self, state: Any, observation: Any, reading: Any) -> None: ...

        def weigh(self, state: Any, profile: Any, ties: Any) -> Evidence | None:
            return None

    assessor = Assessor(SEED, max_queue=10, signals=(Slow(),))
    for n in range(3):
        assessor.submit(exchange("acct", "hello", START + n))
    assert held.wait(30)
    for n in range(100):
        assessor.submit(exchange(f"acct-{n}", "hello", START + n))
    go.set()
    assert assessor.drain(30)
    assessor.close()
    assert 85 <= assessor.shed <= 95


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_any_signal_works_alone(signal):
    rng = random.Random(1)
    assessor, published = replay(in_order(campaign(rng), people(rng)), signals=(signal,))
    assert assessor.failures == 0
    assert flagged(published) == set()
