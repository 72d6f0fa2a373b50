"""The same guarded app under every server: what arrives, what is given back, and what hostile bytes do."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

SERVERS = {
    "uvicorn-h11": ["uvicorn", "tests.apps:app", "--http", "h11", "--log-level", "critical", "--port"],
    "uvicorn-httptools": ["uvicorn", "tests.apps:app", "--http", "httptools", "--log-level", "critical", "--port"],
    "hypercorn": ["hypercorn", "tests.apps:app", "--log-level", "critical", "--workers", "0", "--bind"],
    "granian": ["granian", "tests.apps:app", "--interface", "asgi", "--no-log", "--port"],
}
PATIENCE = 20.0
CHAT = "/v1/chat/completions"
ASK = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server, as its own command starts it, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", *SERVERS[request.param]]
    place = f"127.0.0.1:{port}" if command[-1] == "--bind" else str(port)
    with subprocess.Popen(
        [*command, place], cwd=Path(__file__).parent.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            while not answers(port):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"{request.param} ended with {server.wait(0.05)}")
            yield port
        finally:
            server.terminate()


def answers(port: int) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}/bare/health").status_code == 200
    return False


def post(port: int, path: str, key: str = "sk-a", **body: object) -> httpx2.Response:
    return httpx2.post(f"http://127.0.0.1:{port}{path}", json={**ASK, **body}, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE)


def served_at_last(port: int) -> bool:
    """Asks for the only slot until it is free."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if post(port, f"/single{CHAT}").status_code == 200:
            return True
    return False


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def head(*fields: bytes, path: str = f"/single{CHAT}", version: bytes = b"1.1") -> bytes:
    return b"POST %s HTTP/%s\r\nhost: x\r\n%s\r\n" % (path.encode(), version, b"".join(field + b"\r\n" for field in fields))


def whole(body: bytes, *fields: bytes, **more: object) -> bytes:
    return head(b"content-length: %d" % len(body), b"content-type: application/json", *fields, **more) + body  # type: ignore[arg-type]


# --- what arrives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_a_watched_answer_is_the_bare_answer(port: int, path: str, stream: bool) -> None:
    bare, watched = (post(port, mount + path, stream=stream) for mount in ("/bare", "/watched"))
    assert (watched.status_code, watched.content) == (200, bare.content)
    assert {**watched.headers, "date": ""} == {**bare.headers, "date": ""}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_a_refusal_arrives_whole(port: int, stream: bool) -> None:
    key = f"sk-daily-{stream}"
    first, second = (post(port, f"/daily{CHAT}", key, stream=stream) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(second.headers["retry-after"]) > 86_000


# --- what is given back ----------------------------------------------------------------------------------------------


def test_a_client_that_leaves_mid_stream_gives_its_slot_back(port: int) -> None:
    assert served_at_last(port)
    with dial(port) as client:
        client.sendall(whole(json.dumps(ASK).encode(), path="/single/v1/completions"))
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert post(port, f"/single{CHAT}").status_code == 429
    assert served_at_last(port)


def test_a_websocket_over_its_quota_is_refused_until_the_other_closes(port: int) -> None:
    assert served_at_last(port)
    url = f"ws://127.0.0.1:{port}/single/v1/realtime"
    with connect(url) as first:
        first.send("hello")
        assert first.recv(PATIENCE) == "HELLO"
        with pytest.raises(InvalidStatus) as refused, connect(url):
            pass
    assert refused.value.response.status_code == 429
    assert served_at_last(port)


# --- hostile bytes ---------------------------------------------------------------------------------------------------

BODY = json.dumps(ASK).encode()
BIG = json.dumps({"messages": [{"role": "user", "content": "x" * 10_485_760}]}).encode()
CHUNKED = b"transfer-encoding: chunked"
LAST = b"connection: close"


def last(body: bytes, *fields: bytes, **more: object) -> bytes:
    return whole(body, LAST, *fields, **more)


ODD = {
    "body-after-expect": last(BODY, b"expect: 100-continue"),
    "trailers": head(LAST, CHUNKED, b"trailer: x-sum") + b"%x\r\n%s\r\n0\r\nx-sum: 1\r\n\r\n" % (len(BODY), BODY),
    "length-and-chunks": head(LAST, CHUNKED, b"content-length: 3") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    "pipelined": whole(BODY) * 4 + last(BODY),
    "http-1.0": last(BODY, version=b"1.0"),
    "binary-headers": last(BODY, b"authorization: Bearer \xff\xfe", b"x-api-key: \xc3\x28", b"user-agent: \x80"),
    "three-credentials": last(BODY, b"authorization: Bearer a", b"authorization: Bearer b", b"x-api-key: c"),
    "empty-credential": last(BODY, b"authorization:"),
    "forged-forwarding": last(BODY, b"x-forwarded-for: " + b"1," * 3000, b"forwarded: for=evil;;;"),
    "bytes-in-the-path": last(BODY, path="/single/%ff%fe/v1%00/chat/completions"),
    "ten-mebibytes": last(BIG),
    "gzip-bomb": last(gzip.compress(b'{"messages":"' + b"x" * 50_000_000), b"content-encoding: gzip"),
    "not-gzip": last(BODY, b"content-encoding: gzip"),
    "half-gzip": last(gzip.compress(BODY)[:-9], b"content-encoding: gzip"),
    "unheard-of-encoding": last(BODY, b"content-encoding: GZIP, x,,"),
    "deep": last(b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "endless-number": last(b'{"max_tokens":' + b"9" * 5000 + b"}"),
    "lone-surrogates": last(b'{"model":"\\ud800","messages":[{"role":"user","content":"\\udfff"}]}'),
    "utf-16": last(BODY.decode().encode("utf-16")),
    "not-a-number": last(b'{"temperature":NaN,"max_tokens":1e400}'),
}


def statuses(port: int, sent: bytes) -> list[bytes]:
    """Status lines of all that comes back until the server closes."""
    got = b""
    with dial(port) as client:
        client.sendall(sent)
        while part := client.recv(65_536):
            got += part
    return re.findall(rb"HTTP/1\.[01] (\d+)", got)


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD.keys())
def test_an_odd_request_gets_the_statuses_that_the_bare_app_gives(port: int, sent: bytes) -> None:
    assert served_at_last(port)
    bare = statuses(port, sent.replace(b"/single", b"/plain"))
    assert bare
    assert statuses(port, sent) == bare
    assert served_at_last(port)


BROKEN = {
    "no-http": b"\x16\x03\x01\x00garbage\r\n\r\n",
    "no-version": b"POST\r\n\r\n",
    "half-a-head": head()[:30],
    "half-a-body": head(b"content-length: 100") + b'{"mess',
    "no-body-at-all": head(b"content-length: 100", b"expect: 100-continue"),
    "broken-chunk": head(CHUNKED) + b"zz\r\nabc",
    "half-a-chunk": head(CHUNKED) + b"ff\r\nabc",
    "two-lengths": head(b"content-length: 5", b"content-length: 7") + BODY,
    "negative-length": head(b"content-length: -5") + BODY,
    "huge-length": head(b"content-length: " + b"9" * 30) + BODY,
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_request_costs_no_slot(port: int, sent: bytes) -> None:
    for _ in range(3):
        with dial(port) as client:
            client.sendall(sent)
    assert served_at_last(port)


def test_a_body_that_is_still_arriving_takes_no_slot(port: int) -> None:
    with dial(port) as slow:
        for byte in whole(BODY)[:-1]:
            slow.send(bytes([byte]))
        assert served_at_last(port)
    assert served_at_last(port)
