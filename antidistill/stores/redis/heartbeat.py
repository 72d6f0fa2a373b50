"""What a process does now and then for as long as it has something open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Heartbeat:
    """A task on the running loop that beats until there is no need.

    Args:
        beat: Does what is to be done; says whether it has to be done again.
        every: Seconds between two beats.
    """

    def __init__(self, beat: Callable[[], Awaitable[bool]], every: float) -> None:
        self._beat = beat
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts beating, where it does not yet."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stops beating."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        needed = True
        # A beat may swallow the cancellation, as `asyncio.wait_for` does where its time is up in that very moment.
        while needed and self._task is asyncio.current_task():
            await asyncio.sleep(self._every)
            needed = await self._beat()
