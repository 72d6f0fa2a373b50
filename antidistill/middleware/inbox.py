"""Request bodies: read ahead for analysis, and given to the app as they came."""

from __future__ import annotations

from collections import deque

import anyio
from starlette.types import Message, Receive

from antidistill.model import BodyState


class Budget:
    """Bytes of request bodies held for analysis, over all requests in flight."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, size: int) -> bool:
        """Books some bytes; False once more is held than the limit allows."""
        self.left -= size
        return self.left >= 0


class Inbox:
    """A request's messages: read ahead for analysis, then given to the app as they came, then whatever follows."""

    def __init__(self, receive: Receive, budget: Budget) -> None:
        self._receive = receive
        self._budget = budget
        self._messages: deque[Message] = deque()
        self._held = 0

    async def read(self, limit: int) -> tuple[bytes, BodyState]:
        """Reads the body, up to about `limit` bytes and as long as the budget lasts."""
        if self._budget.left <= 0:
            return b"", "unread"
        parts: list[bytes] = []
        while self._held <= limit:
            message = await self._next()
            if message["type"] != "http.request":
                return b"".join(parts), "truncated"
            parts.append(body := message.get("body", b""))
            self._held += len(body)
            fits = self._budget.take(len(body))
            if not message.get("more_body", False):
                return (parts[0] if len(parts) == 1 else b"".join(parts)), "whole"
            if not fits:
                break
        return b"".join(parts)[:limit], "truncated"

    async def _next(self) -> Message:
        message = await self._receive()
        self._messages.append(message)
        return message

    async def __call__(self) -> Message:
        """The app's `receive`."""
        return self._messages.popleft() if self._messages else await self._receive()

    async def wait(self, seconds: float) -> None:
        """Lets time pass; ends early where the client says something more, which is that it left."""
        with anyio.move_on_after(seconds):
            while (await self._next())["type"] != "http.disconnect":
                await anyio.sleep_forever()

    def replace(self, body: bytes) -> None:
        """Gives the app another body than the one that came."""
        rest = [message for message in self._messages if message["type"] != "http.request"]
        self._messages = deque([{"type": "http.request", "body": body, "more_body": False}, *rest])

    def release(self) -> None:
        """Gives the held bytes back to the budget."""
        self._budget.take(-self._held)
        self._held = 0
