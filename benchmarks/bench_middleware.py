"""What the middleware adds to a request, beside what other middleware adds.

One Starlette app answers chat completions, as JSON (2 KB) and as a stream of 200 chunks. Each case wraps it differently and is
driven in process, one task per request, over 10,000 API keys. Every round runs every case once, in rotating order, and ratios
are taken inside a round, so that a noisy machine disturbs all alike. `loop` is CPU time of the event loop's thread, which is
what a request waits for; `total` is CPU time of the whole process with the assessment queue drained before the clock stops.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from statistics import median
from typing import Any, NamedTuple

import uvloop
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from antidistill import AntiDistillMiddleware

App = Callable[..., Awaitable[None]]
KEYS = 10_000
CHUNKS = 200
WORDS = ("one two three four five six seven eight nine ten " * 20).split()


class Case(NamedTuple):
    """A way to wrap the app.

    Attributes:
        name: What it is.
        app: The wrapped app.
        drain: Waits for work that was put off.
    """

    name: str
    app: App
    drain: Callable[[], object] = lambda: None


class Cost(NamedTuple):
    """Microseconds of CPU per request."""

    loop: float
    total: float


def answer() -> bytes:
    text = " ".join(WORDS)
    return json.dumps(
        {
            "model": "m",
            "choices": [{"index": 0, "message": {"content": text * 2}}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 400},
        }
    ).encode()


def chunk(word: str) -> bytes:
    return b"data: " + json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": word}}]}).encode() + b"\n\n"


ANSWER = answer()
STREAM = [chunk(WORDS[index % len(WORDS)]) for index in range(CHUNKS)]


async def chat(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


async def stream(request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for data in STREAM:
            yield data

    await request.body()
    return StreamingResponse(chunks(), media_type="text/event-stream")


def bare(endpoint: Any) -> Starlette:
    return Starlette(routes=[Route("/v1/chat/completions", endpoint, methods=["POST"])])


class Passing(BaseHTTPMiddleware):
    """Does nothing, the usual way."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Passes."""
        response: Response = await call_next(request)
        return response


def slow(endpoint: Any) -> Starlette:
    from slowapi import Limiter  # a peer, which parts of this module do without
    from slowapi.middleware import SlowAPIMiddleware

    app = bare(endpoint)
    app.state.limiter = Limiter(key_func=lambda request: request.headers["authorization"], default_limits=["1000000/minute"])
    app.add_middleware(SlowAPIMiddleware)
    return app


def cases(endpoint: Any) -> list[Case]:
    guarded = AntiDistillMiddleware(bare(endpoint))
    passing = bare(endpoint)
    passing.add_middleware(Passing)
    return [
        Case("bare app", bare(endpoint)),
        Case("antidistill, shadow, default policy", guarded, lambda: guarded.guard.assessor.drain(60)),
        Case("slowapi, one limit", slow(endpoint)),
        Case("BaseHTTPMiddleware doing nothing", passing),
    ]


def scopes() -> list[dict[str, Any]]:
    return [
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/chat/completions",
            "raw_path": b"/v1/chat/completions",
            "query_string": b"",
            "root_path": "",
            "client": (f"203.0.{key % 250}.{key % 199}", 40_000),
            "server": ("127.0.0.1", 80),
            "headers": [
                (b"host", b"api.example"),
                (b"accept-encoding", b"gzip, deflate"),
                (b"connection", b"keep-alive"),
                (b"accept", b"application/json"),
                (b"content-type", b"application/json"),
                (b"user-agent", b"OpenAI/Python 3.54.0"),
                (b"authorization", f"Bearer sk-{key:048d}".encode()),
                (b"content-length", b"1024"),
            ],
        }
        for key in range(KEYS)
    ]


def bodies() -> list[bytes]:
    return [
        json.dumps({"model": "m", "messages": [{"role": "user", "content": f"{n} " + "lorem ipsum dolor sit amet " * 34}]}).encode()
        for n in range(997)
    ]


async def request(app: App, scope: dict[str, Any], body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        pass

    await app({**scope, "state": {}}, receive, send)


async def measure(case: Case, scopes: list[dict[str, Any]], bodies: list[bytes], count: int, offset: int) -> Cost:
    thread, process = time.thread_time(), time.process_time()
    for index in range(offset, offset + count):
        await asyncio.create_task(request(case.app, scopes[index % KEYS], bodies[index % len(bodies)]))
    loop = time.thread_time() - thread
    case.drain()
    return Cost(loop / count * 1e6, (time.process_time() - process) / count * 1e6)


async def run(endpoint: Any, rounds: int, count: int) -> dict[str, list[Cost]]:
    entries, heads, texts = cases(endpoint), scopes(), bodies()
    for case in entries:
        await measure(case, heads, texts, count, 0)
    costs: dict[str, list[Cost]] = {case.name: [] for case in entries}
    for turn in range(rounds):
        for case in entries[turn % len(entries) :] + entries[: turn % len(entries)]:
            costs[case.name].append(await measure(case, heads, texts, count, turn * count))
    return costs


def show(title: str, costs: dict[str, list[Cost]], per_chunk: bool) -> None:
    table = Table(title=title, caption="medians over rounds; ratios are taken inside each round")
    for column in ["case", "loop µs", "× bare", "added µs", *(["added µs/chunk"] if per_chunk else []), "total µs", "× bare"]:
        table.add_column(column, justify="left" if column == "case" else "right")
    base = costs["bare app"]
    for name, own in costs.items():
        added = median(cost.loop - floor.loop for cost, floor in zip(own, base, strict=True))
        table.add_row(
            name,
            f"{median(cost.loop for cost in own):.1f}",
            f"{median(cost.loop / floor.loop for cost, floor in zip(own, base, strict=True)):.2f}",
            f"{added:+.1f}",
            *([f"{added / CHUNKS:+.2f}"] if per_chunk else []),
            f"{median(cost.total for cost in own):.1f}",
            f"{median(cost.total / floor.total for cost, floor in zip(own, base, strict=True)):.2f}",
        )
    Console(width=110).print(table)


def main(quick: bool = False) -> None:
    """Prints one table for JSON and one for streams."""
    rounds, unary, streams = (3, 300, 30) if quick else (15, 3_000, 200)
    show("JSON, one answer", uvloop.run(run(chat, rounds, unary)), per_chunk=False)
    show(f"SSE, {CHUNKS} chunks", uvloop.run(run(stream, rounds, streams)), per_chunk=True)
