"""Hostile and broken input: a clear result each, and no exception out of the middleware."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest

from antidistill import AntiDistillMiddleware
from antidistill.model import Exchange
from tests.wire import Message, body_messages, converse, http_scope, status_of

POLICY = {
    "version": 1,
    "mode": "enforce",
    "bounds": {"body_bytes": 1_048_576},
    "rules": [{"id": "small", "then": [{"cap": {"max_tokens": 100}}], "when": {"request.guarded": True}}],
}


def run(body: bytes, headers: dict[str, str] | None = None, policy: Any = POLICY) -> tuple[list[Message], bytes, AntiDistillMiddleware]:
    got = bytearray()

    async def app(scope: Message, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            got.extend(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"ok":true}'})

    guarded = AntiDistillMiddleware(app, policy=policy)
    chunks = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    scope = http_scope(headers={"authorization": "Bearer sk-a", **(headers or {})})
    return asyncio.run(converse(guarded, scope, body_messages(chunks))), bytes(got), guarded


def deep(levels: int) -> bytes:
    return b'{"model":"m","messages":' + b"[" * levels + b"]" * levels + b"}"


UNREADABLE = {
    "not-json": b"hello",
    "empty": b"",
    "a-list": b"[1,2]",
    "invalid-utf8": b'{"model":"\xff\xfe"}',
    "deep-nesting": deep(200_000),
    "null": b"null",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_reaches_the_app_untouched(body: bytes) -> None:
    sent, got, _guard = run(body)
    assert (sent[0]["status"], got) == (200, body)


WRONG = {
    "messages-is-a-dict": {"messages": {"role": "user"}},
    "messages-is-a-number": {"messages": 7},
    "content-is-a-number": {"messages": [{"role": "user", "content": 7}]},
    "content-is-null": {"messages": [{"role": None, "content": None}]},
    "model-is-a-list": {"model": ["m"], "messages": []},
    "n-is-a-string": {"n": "many", "messages": []},
    "temperature-is-a-dict": {"temperature": {}, "messages": []},
    "tools-is-a-string": {"tools": "all", "messages": []},
    "negative-max-tokens": {"max_tokens": -5, "messages": []},
    "huge-max-tokens": {"max_tokens": 10**30, "messages": []},
    "boolean-max-tokens": {"max_tokens": True, "messages": []},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_wrong_types_are_served_and_the_cap_still_holds(body: dict[str, Any]) -> None:
    sent, got, guard = run(json.dumps(body).encode())
    assert sent[0]["status"] == 200
    assert json.loads(got) == {**body, "max_tokens": 100}
    assert not guard.guard.failures


def test_a_repeated_key_counts_as_hosts_count_it() -> None:
    _, got, _ = run(b'{"max_tokens":1,"max_tokens":5000,"messages":[]}')
    assert json.loads(got)["max_tokens"] == 100


def test_a_body_over_the_bound_reaches_the_app_whole() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 10_485_760}]}).encode()
    sent, got, guard = run(body)
    assert (sent[0]["status"], got == body) == (200, True)
    assert guard.guard.failures["action"] == 1  # the cap could not be applied, and that is counted


@pytest.mark.parametrize("state", ["truncated", "unread"])
def test_a_body_that_was_not_read_whole_is_a_fact(state: str) -> None:
    bounds = (
        {"body_bytes": 1024, "body_bytes_total": 10_000_000} if state == "truncated" else {"body_bytes": 1024, "body_bytes_total": 1024}
    )
    rules = [{"id": "unread", "when": {"request.body": state}, "then": ["deny"]}]
    policy = {"version": 1, "mode": "enforce", "bounds": bounds, "rules": rules}
    app = run(b"x", policy=policy)[2]
    app.budget.left = bounds["body_bytes_total"] if state == "truncated" else 0
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 5000}]}).encode()
    sent = asyncio.run(converse(app, http_scope(), body_messages([body[:2000], body[2000:]])))
    assert sent[0]["status"] == 403


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_body_is_read_and_capped(encoding: str) -> None:
    plain = json.dumps({"model": "m", "max_tokens": 9999, "messages": []}).encode()
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    _, got, _ = run(packed, {"content-encoding": encoding})
    assert json.loads(got)["max_tokens"] == 100


def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"messages":"' + b"x" * 50_000_000 + b'"}')
    sent, got, _guard = run(bomb, {"content-encoding": "gzip"})
    assert (sent[0]["status"], got == bomb) == (200, True)


def test_a_request_without_an_account_is_served() -> None:
    app = run(b"{}")[2]
    scope = http_scope()
    assert asyncio.run(converse(app, scope, body_messages([b"{}"])))[0]["status"] == 200
    assert scope["state"]["antidistill"]["account"] is None


@pytest.mark.parametrize("forged", ["1.2.3.4", "1.2.3.4, 5.6.7.8", "garbage", "", "::1", "[::1]:80", ",,,", "9" * 5000])
def test_a_forged_forwarding_header_changes_nothing(forged: str) -> None:
    policy = {
        "version": 1,
        "mode": "enforce",
        "quotas": [{"id": "one", "per": "network", "limit": "1/day", "unit": "requests", "burst": 1}],
    }
    app = run(b"{}", policy=policy)[2]
    sent = asyncio.run(converse(app, http_scope(headers={"x-forwarded-for": forged}), body_messages([b"{}"])))
    assert sent[0]["status"] == 429


def learnt(app: AntiDistillMiddleware) -> list[Exchange]:
    seen: list[Exchange] = []
    app.guard._learn = seen.append  # type: ignore[assignment]
    return seen


PARALLEL = {"version": 1, "mode": "enforce", "quotas": [{"id": "parallel", "per": "network", "limit": 1, "unit": "concurrent"}]}


def broken(kind: str) -> Any:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        if kind == "before-start":
            raise RuntimeError("the model is gone")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send(
            {"type": "http.response.body", "body": b'data: {"choices":[{"index":0,"delta":{"content":"abcd"}}]}\n\n', "more_body": True}
        )
        if kind == "mid-stream":
            raise RuntimeError("the model is gone")
        if kind == "cancelled":
            raise asyncio.CancelledError

    return app


@pytest.mark.parametrize("kind", ["before-start", "mid-stream", "cancelled", "no-end"])
def test_an_app_that_breaks_off_leaks_no_slot(kind: str) -> None:
    app = AntiDistillMiddleware(broken(kind), policy=PARALLEL)

    async def twice() -> None:
        for _ in range(2):
            try:
                sent = await converse(app, http_scope(), body_messages([b'{"messages":[]}']))
            except (RuntimeError, asyncio.CancelledError):
                continue
            assert sent[0]["status"] == 200

    asyncio.run(twice())
    assert not app.guard.failures


def test_a_client_that_leaves_while_sending_is_passed_on() -> None:
    seen: list[str] = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        seen.extend([(await receive())["type"], (await receive())["type"]])

    guarded = AntiDistillMiddleware(app, policy=PARALLEL)
    asyncio.run(converse(guarded, http_scope(), [{"type": "http.request", "body": b'{"mess', "more_body": True}]))
    assert seen == ["http.request", "http.disconnect"]


def test_a_stream_that_the_client_breaks_off_pays_for_what_left() -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for _ in range(100):
            await send(
                {
                    "type": "http.response.body",
                    "body": b'data: {"choices":[{"index":0,"delta":{"content":"abcdefgh"}}]}\n\n',
                    "more_body": True,
                }
            )

    async def leave(guarded: AntiDistillMiddleware) -> None:
        count = 0

        async def send(message: Message) -> None:
            nonlocal count
            count += 1
            if count > 50:
                raise OSError("client left")

        async def receive() -> Message:
            return {"type": "http.request", "body": b'{"messages":[]}'}

        with pytest.raises(OSError, match="client left"):
            await guarded(http_scope(headers={"authorization": "Bearer k"}), receive, send)

    guarded = AntiDistillMiddleware(app, policy=PARALLEL)
    seen = learnt(guarded)
    asyncio.run(leave(guarded))
    usage = seen[0].answer.usage
    assert usage is not None
    assert usage.estimated
    assert 95 <= usage.output_tokens <= 105
    assert not seen[0].answer.complete


@pytest.mark.parametrize("claimed", ["br", "gzip", "zstd"])
def test_a_false_content_encoding_hides_nothing(claimed: str) -> None:
    _, got, _ = run(json.dumps({"max_tokens": 9999, "messages": []}).encode(), {"content-encoding": claimed})
    assert json.loads(got)["max_tokens"] == 100


def test_a_second_secret_is_no_way_out_of_an_account() -> None:
    policy = {
        "version": 1,
        "mode": "enforce",
        "quotas": [{"id": "five", "per": "account", "limit": "5/day", "unit": "requests", "burst": 5}],
    }
    app = run(b"{}", policy=policy)[2]

    def ask(number: int) -> int:
        headers = {"authorization": "Bearer sk-a", "x-api-key": f"junk-{number}"}
        return status_of(asyncio.run(converse(app, http_scope(headers=headers), body_messages([b"{}"]))))

    assert [ask(number) for number in range(8)].count(200) == 4  # one of the five was spent by `run`
