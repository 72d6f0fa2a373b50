"""Drives ASGI apps message by message, and serves them on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp as App
from starlette.types import Message

__all__ = ["App", "Message", "body_messages", "body_of", "converse", "headers_of", "http_scope", "served", "status_of", "talk"]


def http_scope(path: str = "/v1/chat/completions", method: str = "POST", headers: Mapping[str, str] | None = None, **more: Any) -> Message:
    pairs = [(b"host", b"testserver"), (b"content-type", b"application/json")]
    pairs += [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": pairs,
        "client": ("203.0.113.7", 50000),
        "server": ("testserver", 80),
        "state": {},
        **more,
    }


def body_messages(chunks: Iterable[bytes]) -> list[Message]:
    parts = list(chunks) or [b""]
    return [{"type": "http.request", "body": part, "more_body": index < len(parts) - 1} for index, part in enumerate(parts)]


async def converse(app: App, scope: Message, inbound: Iterable[Message]) -> list[Message]:
    """Runs one connection: the inbound messages, then a disconnect. Returns what the app sent."""
    waiting = list(inbound)
    sent: list[Message] = []

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(0)
        return {"type": "websocket.disconnect", "code": 1000} if scope["type"] == "websocket" else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def talk(app: App, scope: Message, chunks: Iterable[bytes] = (b"{}",)) -> list[Message]:
    """`converse` for tests that are not coroutines, with a body."""
    return asyncio.run(converse(app, scope, body_messages(chunks)))


def status_of(sent: list[Message]) -> int:
    return int(next(message["status"] for message in sent if message["type"] == "http.response.start"))


def headers_of(sent: list[Message]) -> dict[bytes, bytes]:
    return dict(next(message["headers"] for message in sent if message["type"] == "http.response.start"))


def body_of(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")


@contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """Serves an app with uvicorn on a free loopback port; yields its base URL."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(0.01)
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
