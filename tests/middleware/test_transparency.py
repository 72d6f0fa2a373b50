"""In shadow mode the app and the client cannot tell whether the middleware is there."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from antidistill import AntiDistillMiddleware
from tests.models import chat_chunks, model_server
from tests.wire import App, Message, body_messages, converse, http_scope

CALL = {"model": "m", "messages": [{"role": "user", "content": "Grüße, 世界"}], "max_tokens": 4}
WATCHFUL = {"version": 1, "mode": "shadow", "quotas": [{"id": "none-left", "per": "network", "limit": "1/day", "unit": "requests"}]}


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def both(app: App, scope: Message, inbound: list[Message], policy: Any = None) -> tuple[list[Message], list[Message]]:
    async def run() -> tuple[list[Message], list[Message]]:
        guarded = AntiDistillMiddleware(app, policy=policy)
        bare = await converse(app, {**scope, "state": {}}, inbound)
        await converse(guarded, {**scope, "state": {}}, inbound)
        return bare, await converse(guarded, {**scope, "state": {}}, inbound)

    return asyncio.run(run())


def recorded(app: App, seen: list[Message]) -> App:
    async def recording(scope: Message, receive: Any, send: Any) -> None:
        async def listening() -> Message:
            message: Message = await receive()
            seen.append(message)
            return message

        await app(scope, listening, send)

    return recording


@pytest.mark.parametrize("policy", [None, WATCHFUL], ids=["default-policy", "exhausted-quota"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_a_guarded_answer_is_the_bare_answer(path: str, stream: bool, policy: Any) -> None:
    inbound = body_messages([json.dumps({**CALL, "stream": stream}).encode()])
    bare, guarded = both(model_server(), http_scope(path), inbound, policy)
    assert guarded == bare


@given(cuts=st.lists(st.integers(0, 10_000), max_size=8), stream=st.booleans())
def test_any_chunking_of_the_request_reaches_the_app_as_it_came(cuts: list[int], stream: bool) -> None:
    inbound = body_messages(chunks_of(json.dumps({**CALL, "stream": stream}).encode(), cuts))
    seen: list[Message] = []
    bare, guarded = both(recorded(model_server(), seen), http_scope(), inbound)
    assert guarded == bare
    assert seen[: len(inbound)] == inbound
    assert len(seen) % 3 == 0
    assert seen[: len(seen) // 3] == seen[len(seen) // 3 : 2 * (len(seen) // 3)]


@given(cuts=st.lists(st.integers(0, 10_000), max_size=12), packed=st.booleans())
def test_any_chunking_of_the_answer_reaches_the_client_as_it_came(cuts: list[int], packed: bool) -> None:
    answer = b"".join(chat_chunks("m", ["Grüße", "世界", "x"]))
    data = gzip.compress(answer, mtime=0) if packed else answer
    headers = [(b"content-type", b"text/event-stream")] + ([(b"content-encoding", b"gzip")] if packed else [])
    parts = chunks_of(data, cuts)

    async def app(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    bare, guarded = both(app, http_scope(), body_messages([json.dumps(CALL).encode()]))
    assert guarded == bare


def test_a_gzipped_answer_stays_gzipped() -> None:
    app = Starlette(routes=model_server().routes, middleware=[Middleware(GZipMiddleware, minimum_size=10)])
    scope = http_scope(headers={"accept-encoding": "gzip"})
    bare, guarded = both(app, scope, body_messages([json.dumps(CALL).encode()]))
    assert guarded == bare
    assert (b"content-encoding", b"gzip") in guarded[0]["headers"]


def test_a_file_is_sent_as_before(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(bytes(range(256)) * 500)

    async def download(request: Request) -> Response:
        return FileResponse(file)

    bare, guarded = both(Starlette(routes=[Route("/weights", download)]), http_scope("/weights", "GET"), body_messages([b""]))
    assert guarded == bare


def test_a_websocket_is_served_as_before() -> None:
    async def echo(socket: WebSocket) -> None:
        await socket.accept(subprotocol="x")
        async for text in socket.iter_text():
            await socket.send_text(text.upper())

    app = Starlette(routes=[WebSocketRoute("/v1/realtime", echo)])
    scope = {**http_scope("/v1/realtime"), "type": "websocket", "scheme": "ws", "subprotocols": ["x"]}
    del scope["method"]
    inbound: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hello"}]
    bare, guarded = both(app, scope, inbound)
    assert guarded == bare
    assert {"type": "websocket.send", "text": "HELLO"} in guarded


@pytest.mark.parametrize(
    "message",
    [
        {"type": "http.response.pathsend", "path": "/tmp/x"},
        {"type": "http.response.trailers", "headers": [(b"x", b"y")], "more_trailers": False},
        {"type": "http.response.early_hint", "links": [b"</a>"]},
        {"type": "http.response.push", "path": "/b", "headers": []},
        {"type": "http.response.unheard_of"},
    ],
    ids=lambda message: message["type"],
)
def test_messages_that_the_middleware_does_not_know_pass(message: Message) -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(message)

    bare, guarded = both(app, http_scope(), body_messages([b"{}"]))
    assert guarded == bare == [{"type": "http.response.start", "status": 200, "headers": []}, message]


def test_lifespan_passes() -> None:
    started: list[str] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        started.append(scope["type"])

    asyncio.run(converse(AntiDistillMiddleware(app), {"type": "lifespan", "state": {}}, []))
    assert started == ["lifespan"]


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/v1/chat/completions", ""),
        ("/v1/chat/completions/", ""),
        ("/v1//chat//completions", ""),
        ("/tenant/v1/chat/completions", "/tenant"),
        ("/v1/chat/completions", "/not/in/path"),
    ],
)
def test_a_route_is_recognised_wherever_it_is_mounted(path: str, root_path: str) -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await JSONResponse({})(scope, receive, send)

    guarded = AntiDistillMiddleware(app, policy={"version": 1, "mode": "enforce", "unmatched": "deny"})
    sent = asyncio.run(converse(guarded, http_scope(path, root_path=root_path), body_messages([json.dumps(CALL).encode()])))
    assert sent[0]["status"] == 200


def test_inside_a_mounted_app_without_lifespan_it_guards_all_the_same() -> None:
    inner = AntiDistillMiddleware(
        model_server(),
        policy={"version": 1, "mode": "enforce", "rules": [{"id": "no", "when": {"request.guarded": True}, "then": ["deny"]}]},
    )
    outer = Starlette(routes=[Mount("/inner", app=inner)])
    sent = asyncio.run(converse(outer, http_scope("/inner/v1/chat/completions"), body_messages([json.dumps(CALL).encode()])))
    assert sent[0]["status"] == 403


def test_two_instances_in_one_process_count_apart() -> None:
    policy = {
        "version": 1,
        "mode": "enforce",
        "quotas": [{"id": "one", "per": "network", "limit": "1/day", "unit": "requests", "burst": 1}],
    }
    first, second = (AntiDistillMiddleware(model_server(), policy=policy) for _ in range(2))
    call = body_messages([json.dumps(CALL).encode()])

    async def statuses() -> list[int]:
        return [(await converse(app, http_scope(), call))[0]["status"] for app in (first, first, second)]

    assert asyncio.run(statuses()) == [200, 429, 200]
