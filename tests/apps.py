"""Guarded apps for servers to serve, as `tests.apps:app`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from antidistill import AntiDistillMiddleware
from tests.models import model_server


async def count(request: Request) -> Response:
    """Answers with the size of the body."""
    return JSONResponse({"bytes": len(await request.body())})


async def talk_on(request: Request) -> Response:
    """Streams for as long as the client listens."""

    async def events() -> AsyncIterator[bytes]:
        while True:
            yield b'data: {"choices":[{"index":0,"delta":{"content":"and "}}]}\n\n'
            await asyncio.sleep(0.01)

    await request.body()
    return StreamingResponse(events(), media_type="text/event-stream")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text.upper())


def plain_server() -> Starlette:
    return Starlette(
        routes=[
            Route("/v1/chat/completions", count, methods=["POST"]),
            Route("/v1/completions", talk_on, methods=["POST"]),
            WebSocketRoute("/v1/realtime", echo),
        ]
    )


def enforced(app: Any, **sections: Any) -> AntiDistillMiddleware:
    return AntiDistillMiddleware(app, policy={"version": 1, "mode": "enforce", **sections})


CAP = [{"id": "short", "when": {"request.guarded": True}, "then": [{"cap": {"max_tokens": 5}}]}]

app = Starlette(
    routes=[
        Mount("/bare", model_server()),
        Mount("/watched", AntiDistillMiddleware(model_server())),
        Mount(
            "/daily", enforced(model_server(), quotas=[{"id": "one", "per": "account", "limit": "1/day", "burst": 1, "unit": "requests"}])
        ),
        Mount("/plain", plain_server()),
        Mount("/single", enforced(plain_server(), rules=CAP, quotas=[{"id": "one", "per": "network", "limit": 1, "unit": "concurrent"}])),
    ]
)
