"""What stands around the guard in the demo: the provider's authentication in front, and a stopwatch on either side."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antidistill.cli.demo.population import Customer
from antidistill.guard import Guard
from antidistill.middleware import AntiDistillMiddleware

BOARD = "demo"
"""Where a request's measurements lie in its scope."""

OUTSIDE, INSIDE = "outside", "inside"
"""Places of the stopwatches: around the guard, and around the app."""

_PORT = 40_000


class Passage(Struct):
    """What passed the gateway: one exchange, as a traffic log tells it.

    Attributes:
        customer: Whose key it came with, or None where the key is unknown.
        scope: The request's scope.
        ts: Unix seconds at which it arrived.
        state: State of the request, where the guard leaves what it found.
        body: Its body.
        whole: True once all of it came: a client may leave before.
        status: Status of the answer.
        reply: Body of the answer.
        duration: Seconds to its end.
        busy: Seconds of computing inside each stopwatch.
    """

    customer: Customer | None
    scope: Scope
    ts: float
    state: dict[str, Any]
    busy: dict[str, float]
    body: bytes = b""
    whole: bool = False
    status: int = 0
    reply: bytes = b""
    duration: float = 0.0

    @property
    def account(self) -> str | None:
        """The guard's name for the account, where the app got to see the request."""
        found: str | None = self.state.get("antidistill", {}).get("account")
        return found

    @property
    def overhead(self) -> float:
        """Seconds of computing that the guard took for it."""
        return self.busy.get(OUTSIDE, 0.0) - self.busy.get(INSIDE, 0.0)


class Gateway:
    """Authenticates customers by their key, tells the guard who they are, and watches what passes.

    Args:
        app: The guarded app.
        customers: Everybody who has a key.
        watchers: Called with every exchange once it has ended.
    """

    def __init__(self, app: ASGIApp, customers: Iterable[Customer], watchers: Sequence[Callable[[Passage], None]]) -> None:
        self.app = app
        self._watchers = watchers
        self._customers = {f"Bearer {customer.key}".encode(): customer for customer in customers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secret = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        customer = self._customers.get(secret)
        passage = Passage(customer, scope, time.time(), {**scope.get("state", {}), **_vouched(customer)}, {})
        address = (customer.address, _PORT) if customer is not None else scope["client"]
        start = time.perf_counter()
        try:
            await self.app(
                {**scope, BOARD: passage.busy, "state": passage.state, "client": address}, _tee(passage, receive), _note(passage, send)
            )
        finally:
            passage.duration = time.perf_counter() - start
            for watch in self._watchers:
                watch(passage)


class Stopwatch:
    """Measures the computing time of an app without that of receiving and sending, which are others' work."""

    def __init__(self, app: ASGIApp, place: str) -> None:
        self.app = app
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        board: dict[str, float] | None = scope.get(BOARD)
        if board is None:
            await self.app(scope, receive, send)
            return
        others = 0.0

        def elsewhere(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def timed(*args: Any) -> Any:
                nonlocal others
                start = time.thread_time()
                try:
                    return await call(*args)
                finally:
                    others += time.thread_time() - start

            return timed

        start = time.thread_time()
        try:
            await self.app(scope, elsewhere(receive), elsewhere(send))
        finally:
            board[self._place] = time.thread_time() - start - others


def guarded(app: ASGIApp, guard: Guard, customers: Iterable[Customer], watchers: Sequence[Callable[[Passage], None]]) -> ASGIApp:
    """Puts the guard, the stopwatches and the gateway around an app."""
    measured = AntiDistillMiddleware(Stopwatch(app, INSIDE), guard=guard)
    return Gateway(Stopwatch(measured, OUTSIDE), customers, watchers)


def _vouched(customer: Customer | None) -> dict[str, Any]:
    """What the provider knows of a customer, where the guard looks for it."""
    if customer is None:
        return {}
    attributes = {"org": customer.group.org} if customer.group.org else {}
    return {"antidistill_principal": customer.name, "antidistill_attributes": attributes}


def _tee(passage: Passage, receive: Receive) -> Receive:
    async def teed() -> Message:
        message = await receive()
        passage.body += message.get("body", b"")
        passage.whole = passage.whole or (message["type"] == "http.request" and not message.get("more_body", False))
        return message

    return teed


def _note(passage: Passage, send: Send) -> Send:
    async def noted(message: Message) -> None:
        passage.status = message.get("status", passage.status)
        passage.reply += message.get("body", b"")
        await send(message)

    return noted
