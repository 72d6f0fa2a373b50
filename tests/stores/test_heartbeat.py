from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from antidistill.stores.redis.heartbeat import Heartbeat


class Counted:
    """Beats that are counted; `reached` is set by the last of those asked for."""

    def __init__(self, enough: int, within: Callable[[], Awaitable[None]] | None = None) -> None:
        self.beats = 0
        self.reached = asyncio.Event()
        self._enough = enough
        self._within = within

    async def __call__(self) -> bool:
        self.beats += 1
        if self.beats >= self._enough:
            self.reached.set()
        if self._within is not None:
            await self._within()
        return self.beats < self._enough


async def swallow() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


def test_it_beats_until_there_is_no_need():
    async def run() -> int:
        beat = Counted(3)
        heart = Heartbeat(beat, 0.0)
        heart.start()
        await beat.reached.wait()
        await heart.stop()
        return beat.beats

    assert asyncio.run(run()) == 3


def test_it_stops_though_a_beat_swallows_the_cancellation():
    async def run() -> int:
        beat = Counted(2, swallow)
        heart = Heartbeat(beat, 0.0)
        heart.start()
        while not beat.beats:  # noqa: ASYNC110 - it never reaches enough
            await asyncio.sleep(0)
        await asyncio.wait_for(heart.stop(), 10)
        return beat.beats

    assert asyncio.run(run()) == 1


def test_it_can_start_again():
    async def run() -> int:
        beat = Counted(1)
        heart = Heartbeat(beat, 0.0)
        for _ in range(2):
            beat.reached.clear()
            heart.start()
            await beat.reached.wait()
            await heart.stop()
        return beat.beats

    assert asyncio.run(run()) == 2
