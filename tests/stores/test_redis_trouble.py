from __future__ import annotations

import asyncio
import time

import pytest

from antidistill.errors import StoreError
from antidistill.stores import FallbackStore, MemoryStore, RedisStore
from antidistill.stores.redis import breaker
from tests.stores.scopes import left, scope, slot

pytest.importorskip("redis")

TIMEOUT = 0.1
MARGIN = 2.0
"""Seconds that a busy machine may add; one after the other, three hundred would wait for half a minute."""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(breaker, "SHORTEST", 0.05)
    monkeypatch.setattr(breaker, "LONGEST", 0.1)


@pytest.fixture
def run(frail):
    """Runs a test with a store that falls back."""

    def run(test):
        async def main():
            shared = RedisStore(frail.url, timeout=TIMEOUT)
            store = FallbackStore(shared, MemoryStore(time.time), replicas=2)
            try:
                async with asyncio.timeout(10):
                    await test(store, shared)
            finally:
                frail.thaw_or_start()
                await store.close()

        asyncio.run(main())

    return run


async def timed(awaitable):
    start = time.monotonic()
    try:
        return await awaitable
    finally:
        assert time.monotonic() - start < TIMEOUT + MARGIN, "it took longer than its timeout"


async def eventually(condition):
    async with asyncio.timeout(5):
        while not await condition():
            pass


@pytest.mark.parametrize("trouble", ["stop", "freeze"])
def test_each_quota_does_what_it_says_while_the_store_is_away(run, frail, trouble):
    rates = {policy: scope(policy, burst=4, limit=4, window=86_400.0, on_store_error=policy) for policy in ("open", "local", "closed")}

    async def test(store, _):
        assert (await store.reserve("before", [rates["closed"]], time.time())).granted
        getattr(frail, trouble)()
        granted: dict[str, list[bool]] = {policy: [] for policy in rates}
        for number in range(6):
            for policy, rate in rates.items():
                reservation = await timed(store.reserve(f"{policy} {number}", [rate], time.time()))
                granted[policy].append(reservation.granted)
                assert reservation.unavailable is (policy == "closed")
        assert granted == {"open": [True] * 6, "local": [True, True, False, False, False, False], "closed": [False] * 6}
        frail.thaw_or_start()

        async def back():
            return (await store.reserve("after", [rates["closed"]], time.time())).granted

        await eventually(back)

    run(test)


def test_a_store_that_does_not_answer_is_left_alone(run, frail, monkeypatch):
    monkeypatch.setattr(breaker, "SHORTEST", 30.0)

    async def test(_, shared):
        await shared.reserve("before", [scope()], 0.0)
        frail.freeze()
        for number in range(breaker.PATIENCE + 1):  # the last is asked before the first have failed
            with pytest.raises(StoreError, match="did not answer within"):
                await timed(shared.reserve(str(number), [scope()], 0.0))
        start = time.monotonic()
        with pytest.raises(StoreError, match="nothing was sent"):
            await shared.reserve("open", [scope()], 0.0)
        assert time.monotonic() - start < TIMEOUT

    run(test)


def test_what_was_reserved_before_a_restart_is_charged_after_it(run, frail):
    async def test(_, shared):
        await shared.reserve("a", [scope(cost=5, window=86_400.0), slot()], 0.0)
        frail.stop()
        with pytest.raises(StoreError):
            await timed(shared.commit("a", [3, 1]))
        frail.start()

        async def back():
            try:
                return await left(shared, slot()) == [2]
            except StoreError:
                return False

        await eventually(back)

    run(test)


def test_what_was_settled_during_a_freeze_is_settled_once_after_it(run, frail):
    async def test(_, shared):
        await shared.reserve("a", [scope(cost=5, window=86_400.0), slot()], 0.0)
        frail.freeze()
        with pytest.raises(StoreError):
            await timed(shared.commit("a", [3, 1]))
        frail.thaw()

        async def settled():
            try:
                return await left(shared, scope(window=86_400.0), slot()) == [7, 2]
            except StoreError:
                return False

        await eventually(settled)

    run(test)


def test_many_at_once_wait_no_longer_than_one(run, frail):
    async def test(store, _):
        await store.reserve("before", [scope()], time.time())
        frail.freeze()
        await timed(asyncio.gather(*(store.reserve(str(number), [scope(f"k{number}")], time.time()) for number in range(300))))

    run(test)


def test_nothing_of_the_client_or_the_url_is_in_an_error(monkeypatch):
    async def main():
        store = RedisStore("redis://user:hunter2@127.0.0.1:1/0", timeout=TIMEOUT)
        with pytest.raises(StoreError) as caught:
            await store.reserve("a", [scope()], 0.0)
        await store.close()
        return caught.value

    error = asyncio.run(main())
    assert str(error) == "the store does not answer (ConnectionError)"
    while error:
        assert "hunter2" not in repr(error)
        error = error.__cause__
