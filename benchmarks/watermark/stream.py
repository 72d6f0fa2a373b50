"""A stream of 200 chunks through the whole middleware: how much later it ends when it is marked, and what a chunk costs.

The model gives a chunk every 10 ms. Cases take turns in every round; a case counts with its median. For the CPU, the same stream comes as
fast as it can, and `BaseHTTPMiddleware` that does nothing stands beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from statistics import median
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from antidistill import AntiDistillMiddleware

CHUNKS = 200
PACE = 0.010
SENTENCE = (
    "For example, people often find that it is usually easy to begin, although many of them do not know how to make sure that it is done "
    "quickly. "
)
RULE = {"id": "all", "when": {"request.guarded": True}, "then": [{"watermark": {"tier": 1}}]}
MARKED: dict[str, Any] = {"version": 1, "mode": "enforce", "rules": [RULE]}
UNMARKED: dict[str, Any] = {**MARKED, "rules": []}


class Passing(BaseHTTPMiddleware):
    """Does nothing."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Passes the request on."""
        return await call_next(request)


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")


def run(args: argparse.Namespace) -> None:
    """Measures, and prints."""
    os.environ.setdefault("ANTIDISTILL_MASTER_KEY", "5a" * 32)
    cases: dict[str, Callable[[ASGIApp], ASGIApp]] = {
        "bare": lambda app: app,
        "antidistill, unmarked": lambda app: AntiDistillMiddleware(app, policy=UNMARKED),
        "antidistill, marked": lambda app: AntiDistillMiddleware(app, policy=MARKED),
        "BaseHTTPMiddleware": Passing,
    }
    paced = {name: wrap(host(PACE)) for name, wrap in cases.items()}
    quick = {name: wrap(host(0.0)) for name, wrap in cases.items()}
    walls: dict[str, list[float]] = {name: [] for name in cases}
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(args.rounds):
        for name in cases:
            walls[name].append(timed(paced[name], time.perf_counter))
            costs[name] += [timed(quick[name], time.process_time) for _ in range(10)]
    least = median(costs["bare"])
    for name in cases:
        wall, cost = median(walls[name]), median(costs[name])
        ratio = wall / median(walls["antidistill, unmarked"])
        print(f"{name:<24} ends after {wall:6.3f} s, {ratio:.3f} × unmarked; CPU {(cost - least) / CHUNKS * 1e6:+7.2f} µs a chunk")


def host(pace: float) -> ASGIApp:
    """A model server that gives a word every so many seconds, whether or not the last one was sent yet."""
    words = (SENTENCE * (CHUNKS // len(SENTENCE.split()) + 1)).split()[:CHUNKS]
    frames = [b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": f"{word} "}}]}).encode() + b"\n\n" for word in words]

    async def give() -> AsyncIterator[bytes]:
        start = time.perf_counter()
        for number, frame in enumerate(frames, 1):
            if pace:  # By the clock: a model does not wait for what becomes of its last token.
                await asyncio.sleep(start + number * pace - time.perf_counter())
            yield frame
        yield b"data: [DONE]\n\n"

    async def chat(request: Request) -> Response:
        await request.body()
        return StreamingResponse(give(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def timed(app: ASGIApp, clock: Callable[[], float]) -> float:
    """Seconds of one exchange by a clock."""
    start = clock()
    asyncio.run(exchange(app))
    return clock() - start


async def exchange(app: ASGIApp) -> None:
    """One request, and its answer to the end."""
    body = [{"type": "http.request", "body": b'{"model":"m","messages":[],"stream":true}'}]
    headers = [(b"authorization", b"Bearer sk-1"), (b"content-type", b"application/json")]
    scope: dict[str, Any] = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "POST"}
    scope |= {
        "scheme": "http",
        "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }

    async def receive() -> Message:
        if body:
            return body.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        pass

    await app({**scope, "client": ("192.0.2.1", 1), "server": ("host", 80), "state": {}}, receive, send)
