"""The demo's model server: chat completions, whole or streamed, with the answers of a word grammar."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from antidistill.cli.demo.grammar import answer

MODEL = "demo-1"
SECONDS_A_WORD = 0.002
WORDS_A_CHUNK = 6


def model_server(known: Callable[[str], bool]) -> Starlette:
    """Makes the server.

    Args:
        known: Tells whether an API key is one of its customers'.
    """

    async def chat(request: Request) -> Response:
        if not known(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return JSONResponse({"error": {"message": "Unknown API key.", "type": "invalid_request_error", "code": "invalid_api_key"}}, 401)
        body = await request.json()
        prompt = str(body["messages"][-1]["content"])
        words = answer(prompt)
        if body.get("stream"):
            return StreamingResponse(_stream(prompt, words), media_type="text/event-stream")
        await asyncio.sleep(SECONDS_A_WORD * len(words))
        return JSONResponse(completion(prompt))

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def completion(prompt: str) -> dict[str, Any]:
    """The whole answer to a prompt."""
    words = answer(prompt)
    message = {"role": "assistant", "content": " ".join(words)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _usage(prompt, words)}


@contextmanager
def served(app: ASGIApp) -> Iterator[tuple[str, asyncio.AbstractEventLoop]]:
    """Serves an app on a free port of the loopback interface, in a thread.

    Yields:
        Base URL of the API, and the event loop that serves it.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = _Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="model-server", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", server.wait()
        finally:
            server.should_exit = True
            thread.join(10)


class _Server(uvicorn.Server):
    """A server that tells when it is up, and which loop it runs on."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wait(self) -> asyncio.AbstractEventLoop:
        """Waits until connections are accepted.

        Raises:
            RuntimeError: The server did not start.
        """
        if not self._up.wait(10) or self._loop is None:
            raise RuntimeError("the model server did not start within 10 seconds")
        return self._loop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and tells so."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._up.set()


async def _stream(prompt: str, words: list[str]) -> AsyncIterator[bytes]:
    yield _chunk({"role": "assistant", "content": ""})
    for start in range(0, len(words), WORDS_A_CHUNK):
        piece = words[start : start + WORDS_A_CHUNK]
        await asyncio.sleep(SECONDS_A_WORD * len(piece))
        yield _chunk({"content": " ".join(piece) + " "})
    yield _chunk({}, "stop")
    yield _event({**_HEAD, "choices": [], "usage": _usage(prompt, words)})
    yield b"data: [DONE]\n\n"


_HEAD = {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    return _event({**_HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(payload) + b"\n\n"


def _usage(prompt: str, words: list[str]) -> dict[str, int]:
    asked = len(prompt.split())
    return {"prompt_tokens": asked, "completion_tokens": len(words), "total_tokens": asked + len(words)}
