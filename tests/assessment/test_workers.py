"""Workers and a leader on one real Redis."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from msgspec import msgpack

from antidistill.assessment import Assessor, RemoteAssessor, remote
from antidistill.assessment import leader as leading
from antidistill.assessment.leader import Leader
from antidistill.assessment.observation import observe
from antidistill.assessment.vault import FileVault
from antidistill.errors import StoreError
from antidistill.model import Assessment
from antidistill.stores.redis import Channel, LeaseLost
from antidistill.text.sketch import seed_of
from tests.assessment.traffic import HOUR, SEED, START, campaign, exchange, in_order, people
from tests.stores.conftest import Frail

redis = pytest.importorskip("redis")

KEY = b"a key of the tests, 32 bytes lon"
ROWS = in_order(campaign(random.Random(1), accounts=10, each=15), people(random.Random(2), accounts=10))
END = max(row.request.ts for row in ROWS) + HOUR
NAMES = count()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(remote, "LINGER", 0.01)
    monkeypatch.setattr(remote, "REFRESH", 0.02)
    monkeypatch.setattr(remote, "PAUSE", 0.05)
    monkeypatch.setattr(leading, "IDLE", 0.01)
    monkeypatch.setattr(leading, "STANDBY", 0.05)


@pytest.fixture
def channel(redis_url, server):
    """Opens ways to the server, each for another process."""
    return lambda: Channel(redis_url, "deployment", f"process-{next(NAMES)}")


class Told:
    """What a leader told, and what it learnt that others had."""

    def __init__(self) -> None:
        self.told: list[Assessment] = []
        self.known: list[Assessment] = []

    def leader(self, channel, **more):
        options: dict[str, Any] = {"key": KEY, "lease": 3.0, "every": 1.0} | more
        return Leader(channel(), lambda publish: Assessor(SEED, publish=publish), self.told.extend, self.known.extend, **options)


@asynccontextmanager
async def leads(leader):
    """Runs a leader to its orderly end."""
    stop = asyncio.Event()
    task = asyncio.create_task(leader.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def crash(task):
    """Ends a leader where it stands: nothing is put away, and its lease stays."""
    await leading._end(task)


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def at_once(rows: Sequence) -> tuple[list[Assessment], Assessor]:
    """What one process makes of exchanges in the order in which they end."""
    published: list[Assessment] = []
    assessor = Assessor(SEED, publish=published.extend)
    now = START
    for row in rows:
        now = max(now, row.request.ts + row.answer.duration)
        assessor.advance(now)
        assessor.learn(row)
    assessor.advance(END)
    return published, assessor


async def send(channel, rows, each=40):
    """Four workers send exchanges in their order, by turns; then time passes."""
    workers = [RemoteAssessor(SEED, channel) for _ in range(4)]
    for place in range(0, len(rows), each):
        worker = workers[place // each % 4]
        for row in rows[place : place + each]:
            worker.submit(row)
        assert await asyncio.to_thread(worker.drain, 10)
    for worker in workers:
        await asyncio.to_thread(worker.close)


def pass_time(server, until_ts=END):
    server.xadd(next(server.scan_iter("*:observations")), {"t": repr(until_ts)})


# --- the same as one process -------------------------------------------------------------------------------------------


def test_four_workers_and_a_leader_come_to_what_one_process_does(channel, server):
    it = Told()

    async def main():
        worker = RemoteAssessor(SEED, channel)
        worker.latest("anybody")
        async with leads(it.leader(channel)):
            await send(channel, ROWS)
            pass_time(server)
            await until(lambda: len(it.told) >= len(published))
            await until(lambda: len(worker.assessments()) == len(assessor.assessments()))
        worker.close()
        return {found.account: found for found in worker.assessments()}

    published, assessor = at_once(ROWS)
    copy = asyncio.run(main())
    assert it.told == published
    assert copy == {found.account: found for found in assessor.assessments()}


@pytest.mark.parametrize("vault", ["store", "file"])
@pytest.mark.parametrize("every", [1.0, 1000.0], ids=["behind a snapshot", "without a snapshot"])
def test_a_leader_that_crashes_is_followed_by_one_that_goes_on(every, vault, channel, server, tmp_path):
    it = Told()
    more = {"name": "one", "every": every, "vault": FileVault(tmp_path / "state") if vault == "file" else None}

    async def main():
        half = len(ROWS) // 2
        first = it.leader(channel, **more)
        task = asyncio.create_task(first.run(asyncio.Event()))
        await send(channel, ROWS[:half])
        await until(lambda: first.course.read == half)
        if every == 1.0:
            await until(lambda: server.xlen(next(server.scan_iter("*:observations"))) <= 1)  # a snapshot covers them
        await crash(task)
        await send(channel, ROWS[half:])
        pass_time(server)
        async with leads(it.leader(channel, **more)):
            await until(lambda: len(it.told) >= len(published))

    published, assessor = at_once(ROWS)
    asyncio.run(main())
    assert it.told == published
    assert server.hlen(next(server.scan_iter("*:assessments"))) == len(assessor.assessments())


def test_what_a_snapshot_covers_leaves_the_stream(channel, server):
    it = Told()

    async def main():
        async with leads(it.leader(channel)):
            await send(channel, ROWS)
            await until(lambda: server.xlen(next(server.scan_iter("*:observations"))) <= 1)

    asyncio.run(main())


def test_nothing_of_a_prompt_goes_to_the_server(channel, server):
    async def main():
        await send(channel, [exchange("acct", "the secret wording of a prompt")])

    asyncio.run(main())
    entries = server.xrange(next(server.scan_iter("*:observations")))
    assert len(entries) == 1
    assert b"secret" not in repr(entries).encode()


# --- who leads -----------------------------------------------------------------------------------------------------------


def test_a_second_leader_stands_by_until_the_lease_of_the_first_runs_out(channel):
    it = Told()

    async def main():
        first, second = it.leader(channel), it.leader(channel)
        task = asyncio.create_task(first.run(asyncio.Event()))
        await until(lambda: first.leads)
        async with leads(second):
            await asyncio.sleep(0.3)
            assert not second.leads
            await crash(task)
            start = time.monotonic()
            await until(lambda: second.leads)
            return time.monotonic() - start

    assert 1.5 < asyncio.run(main()) < 5


def test_a_leader_that_ends_in_good_order_is_followed_at_once(channel):
    it = Told()

    async def main():
        first, second = it.leader(channel), it.leader(channel)
        async with leads(first):
            await until(lambda: first.leads)
        async with leads(second):
            await until(lambda: second.leads, 1.0)

    asyncio.run(main())


def test_a_leader_whose_lease_is_lost_changes_nothing_and_stands_by(channel, server):
    it = Told()

    async def main():
        first = it.leader(channel)
        async with leads(first):
            await until(lambda: first.leads)
            server.set(next(server.scan_iter("*:lease")), "another/process")
            await until(lambda: not first.leads)
            other = channel()
            for step in (other.publish("token", [("acct", b"x")]), other.settle("token", "1-0"), other.put("token", "0:0", b"x")):
                with pytest.raises(LeaseLost):
                    await step
            await other.close()
            server.delete(next(server.scan_iter("*:lease")))
            await until(lambda: first.leads)

    asyncio.run(main())


# --- bad days ------------------------------------------------------------------------------------------------------------


def test_a_batch_that_is_sent_twice_counts_once(channel, server):
    async def main():
        one = channel()
        for number in (1, 1, 2):
            await one.send(number, 1000, [b"observation"])
        await one.close()

    asyncio.run(main())
    assert server.xlen(next(server.scan_iter("*:observations"))) == 2


def test_the_stream_is_bounded_and_what_is_lost_is_counted(channel, server, caplog):
    it = Told()

    async def main():
        first = it.leader(channel)
        async with leads(first):
            await send(channel, ROWS[:10])
            await until(lambda: first.course.read == 10)
        worker = RemoteAssessor(SEED, channel, bound=100)
        for n in range(1000):
            worker.submit(exchange(f"acct-{n}", "hello", START + n))
        assert await asyncio.to_thread(worker.drain, 10)
        worker.close()
        left = server.xlen(next(server.scan_iter("*:observations")))
        second = it.leader(channel)
        async with leads(second):
            await until(lambda: second.course.read == left)
            return left, second.course.lost

    left, lost = asyncio.run(main())
    assert 100 <= left <= 300
    assert left + lost == 1000
    assert "raise bounds.stream" in caplog.text


def test_what_is_no_observation_is_counted_and_skipped(channel, server):
    it = Told()
    good = msgpack.encode(observe(exchange("acct", "hello"), seed_of(SEED)))

    async def main():
        one = channel()
        await one.send(1, 1000, [b"\xc1", b"", msgpack.encode({"account": 1}), msgpack.encode([1]), good])
        await one.close()
        leader = it.leader(channel)
        async with leads(leader):
            await until(lambda: leader.course.read == 1)
            return leader.course.broken

    assert asyncio.run(main()) == 3


def test_a_clock_that_is_ahead_carries_nobody_along(channel, server):
    """The future is as far as the server's clock."""
    it = Told()

    async def main():
        leader = it.leader(channel)
        async with leads(leader):
            await send(channel, [exchange("acct", "hello", time.time() + 1e6), exchange("acct", "hello", time.time())])
            await until(lambda: leader.course.read == 2)
            return leader.course.due(time.time() + 10_000)

    due = asyncio.run(main())
    assert due is not None
    assert abs(due - time.time() - 10_000) < 60


def test_time_passes_in_silence(channel):
    it = Told()

    async def main():
        now = [time.time()]
        leader = it.leader(channel, clock=lambda: now[0])
        async with leads(leader):
            rows = [exchange("acct", "hello", time.time() - 700 + n) for n in range(20)]
            await send(channel, rows)
            await until(lambda: leader.course.read == 20)
            told = len(it.told)
            now[0] += 700
            await until(lambda: len(it.told) > told)

    asyncio.run(main())
    assert {found.account for found in it.told} == {"acct"}


def test_a_server_that_is_away_costs_no_waiting_and_is_said(tmp_path, redis_url, caplog):
    server = Frail(tmp_path)
    worker = RemoteAssessor(SEED, lambda: Channel(server.url, "deployment", "worker"), max_queue=50)
    try:
        worker.submit(exchange("acct", "hello"))
        assert worker.drain(5)
        server.stop()
        start = time.monotonic()
        for n in range(2000):
            worker.submit(exchange(f"acct-{n}", "hello", START + n))
        assert time.monotonic() - start < 1.0
        while worker.shed == 0 and time.monotonic() - start < 5:
            time.sleep(0.01)
        assert 2000 - 3 * 128 - 2 * 50 <= worker.shed < 2000
        server.start()
        assert worker.drain(10)
        assert worker.sent + worker.shed == 2001
    finally:
        worker.close()
        server.stop()
    assert caplog.text.count("observations wait") == 1
    assert "exchanges were shed meanwhile" in caplog.text


def test_a_leader_outlives_its_server(tmp_path, redis_url):
    """Also where the server forgot everything."""
    frail = Frail(tmp_path)
    it = Told()
    half = len(ROWS) // 2

    def channel():
        return Channel(frail.url, "deployment", f"process-{next(NAMES)}")

    async def main():
        leader = it.leader(channel)
        async with leads(leader):
            await send(channel, ROWS[:half])
            await until(lambda: leader.course.read == half)
            frail.stop()
            await asyncio.sleep(0.2)
            frail.start()
            await send(channel, ROWS[half:])
            await until(lambda: leader.course.read == len(ROWS))
            with redis.Redis.from_url(frail.url) as client:
                pass_time(client)
            await until(lambda: len(it.told) >= len(published))

    published, _ = at_once(ROWS)
    try:
        asyncio.run(main())
    finally:
        frail.stop()
    assert it.told == published


def test_a_snapshot_of_another_key_is_refused_and_assessment_begins_anew(channel, caplog):
    it = Told()

    async def main():
        async with leads(it.leader(channel)) as _:
            await send(channel, ROWS)
        other = it.leader(channel, key=bytes(32))
        async with leads(other):
            await until(lambda: other.leads)

    asyncio.run(main())
    assert "ANTIDISTILL_MASTER_KEY, under which every hash is another: it is forgotten, and assessment begins anew" in caplog.text


def test_nobody_who_assesses_is_said_once(channel, caplog, monkeypatch):
    monkeypatch.setattr(remote, "UNASSESSED", 0.05)
    worker = RemoteAssessor(SEED, channel)
    with caplog.at_level(logging.WARNING):
        worker.latest("anybody")
        time.sleep(0.5)
        worker.close()
    assert caplog.text.count("run `antidistill assess") == 1


def test_assessments_of_forgotten_accounts_are_taken_back(channel, server):
    it = Told()

    async def main():
        leader = it.leader(channel)
        async with leads(leader):
            await until(lambda: leader.leads)
            one = channel()
            token = server.get(next(server.scan_iter("*:lease"))).decode()
            await one.publish(token, [("stranger", b"x")])
            await one.close()
            await send(channel, ROWS)
            pass_time(server)
            await until(lambda: it.told)
            await until(lambda: not server.hexists(next(server.scan_iter("*:assessments")), "stranger"))

    asyncio.run(main())


def test_an_error_says_nothing_of_the_url():
    async def main():
        one = Channel("redis://user:hunter2@127.0.0.1:1/0", "deployment", "process")
        with pytest.raises(StoreError) as caught:
            await one.send(1, 1, [b"x"])
        await one.close()
        return caught.value

    assert "hunter2" not in repr(asyncio.run(main()))


def test_a_tick_that_is_published_in_parts_is_told_whole(channel, server, monkeypatch):
    """An assessor may publish in parts; the next process must not take the first for all of them."""
    it = Told()

    async def main():
        leader = it.leader(channel)
        make = leader._make
        leader._make = lambda publish: make(lambda found: [publish([one]) for one in found])
        async with leads(leader):
            await send(channel, ROWS)
            pass_time(server)
            await until(lambda: len(it.told) >= len(published))

    published, _ = at_once(ROWS)
    asyncio.run(main())
    assert it.told == published


def test_what_is_found_between_ticks_is_told_though_its_time_is_earlier(channel, monkeypatch):
    """A time says when the exchange began; only the place in the stream says what was told."""
    it = Told()

    def hasty(assessor, observation):
        assessor._publish([Assessment(observation.account, observation.ts, 0.5)])

    monkeypatch.setattr(Assessor, "recall", hasty)

    async def main():
        async with leads(it.leader(channel)):
            await send(channel, [exchange("late", "hello", START + 100), exchange("early", "hello", START)])
            await until(lambda: len(it.told) == 2)

    asyncio.run(main())
    assert [found.account for found in it.told] == ["late", "early"]
