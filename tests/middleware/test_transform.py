"""An action that rewrites the answer's text while it streams."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from antidistill import AntiDistillMiddleware
from tests.conftest import Install
from tests.middleware.test_transparency import chunks_of
from tests.models import WORDS, chat_answer, chat_chunks, model_server
from tests.wire import App, Message, body_messages, body_of, converse, headers_of, http_scope

SHOUT = """
from typing import ClassVar
from msgspec import Struct
from antidistill.model import Transform

class Loud:
    def __init__(self, fail): self.held, self.fail = "", fail
    def feed(self, text):
        if self.fail and "delta" in text: raise RuntimeError("hoarse")
        ready, self.held = self.held + text[:-2], text[-2:]
        return ready.upper()
    def flush(self):
        ready, self.held = self.held, ""
        return ready.upper()

class Shout(Struct, frozen=True):
    name: ClassVar[str] = "shout"
    kind: ClassVar[str] = "mark"
    fail: bool = False
    def problems(self): return ()
    def effect(self, facts, rule): return Transform(lambda call, subject: Loud(self.fail))
"""
TEXT = " ".join(WORDS)


@pytest.fixture
def shout(install: Install) -> None:
    install("acme", "antidistill.actions", "shout = acme_shout:Shout", SHOUT)


def policy(mode: str = "enforce", **parameters: Any) -> dict[str, Any]:
    return {"version": 1, "mode": mode, "rules": [{"id": "loud", "when": {"request.guarded": True}, "then": [{"shout": parameters}]}]}


def ask(app: App, policy: Any, stream: bool = False, headers: dict[str, str] | None = None) -> list[Message]:
    body = json.dumps({"model": "m", "messages": [], "stream": stream}).encode()
    return asyncio.run(converse(AntiDistillMiddleware(app, policy=policy), http_scope(headers=headers), body_messages([body])))


def spoken(stream: bytes) -> str:
    events = [json.loads(line[6:]) for line in stream.decode().split("\n\n") if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


def test_a_whole_answer_is_rewritten_with_its_new_length(shout: None) -> None:
    sent = ask(model_server(), policy())
    assert json.loads(body_of(sent))["choices"][0]["message"]["content"] == TEXT.upper()
    assert int(headers_of(sent)[b"content-length"]) == len(body_of(sent))


def test_a_stream_is_rewritten_while_it_flows(shout: None) -> None:
    sent = ask(model_server(), policy(), stream=True)
    assert spoken(body_of(sent)).split() == TEXT.upper().split()
    assert len([message for message in sent if message.get("body")]) > len(WORDS)
    assert body_of(sent).endswith(b"data: [DONE]\n\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=12), stream=st.booleans())
def test_any_chunking_of_the_answer_comes_out_alike(shout: None, cuts: list[int], stream: bool) -> None:
    data = b"".join(chat_chunks("m", ["Grüße", "世界"])) if stream else json.dumps(chat_answer("m", WORDS)).encode()
    kind = b"text/event-stream" if stream else b"application/json"

    def app(parts: list[bytes]) -> App:
        async def answer(scope: Message, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
            for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})

        return answer

    assert body_of(ask(app(chunks_of(data, cuts)), policy())) == body_of(ask(app([data]), policy()))


def test_the_host_is_asked_not_to_compress_what_is_to_be_rewritten(shout: None) -> None:
    app = Starlette(routes=model_server().routes, middleware=[Middleware(GZipMiddleware, minimum_size=10)])
    sent = ask(app, policy(), headers={"accept-encoding": "gzip"})
    assert b"content-encoding" not in headers_of(sent)
    assert TEXT.upper().encode() in body_of(sent)


def test_an_answer_that_is_compressed_all_the_same_passes_untouched(shout: None) -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-encoding", b"br")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"\x8b\x00"})

    assert body_of(ask(app, policy())) == b"\x8b\x00"


def test_shadow_mode_rewrites_nothing(shout: None) -> None:
    assert TEXT.encode() in body_of(ask(model_server(), policy("shadow")))


def test_a_transformer_that_fails_loses_no_text(shout: None) -> None:
    sent = ask(model_server(), policy(fail=True), stream=True)
    assert spoken(body_of(sent)).lower().split() == WORDS


def test_an_error_answer_is_not_rewritten(shout: None) -> None:
    sent = ask(model_server(), policy(), headers={"authorization": "Bearer wrong"})
    assert b"bad key" in body_of(sent)
