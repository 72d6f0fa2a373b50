"""Refusals, as the real clients take them."""

from __future__ import annotations

import json
import time

import anthropic
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.dialects import AnthropicMessages, OpenAIChat, plain
from antidistill.model import Refusal

WAIT = Refusal(429, "rate", "Too many requests to this service. Please slow down.", retry_after=7.25)
LONG = Refusal(429, "rate", "The daily allowance of this service is used up.", unit="tokens", retry_after=86_400.0)
NEVER = Refusal(429, "rate", "This will not pass.", retry_after=None)
TOO_LARGE = Refusal(400, "too_large", "This request is larger than the allowance.", unit="tokens")
FORBIDDEN = Refusal(403, "forbidden", "This account may not use this service.")
UNAVAILABLE = Refusal(503, "unavailable", "Please try again shortly.", retry_after=2.0)
CHALLENGE = Refusal(401, "challenge", "Please sign in again.", headers=(("www-authenticate", "Bearer"),))
OVERLOADED = Refusal(503, "overloaded", "Too many requests wait already.", retry_after=3.0)


@pytest.fixture
def slept(monkeypatch):
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps


class Server:
    """Answers every request with one reply, and counts them."""

    def __init__(self, reply):
        self.reply = reply
        self.calls = 0

    def __call__(self, request):
        self.calls += 1
        return httpx2.Response(self.reply.status, headers=list(self.reply.headers), content=self.reply.body)

    @property
    def client(self):
        return httpx2.Client(transport=httpx2.MockTransport(self))


def ask_openai(reply):
    server = Server(reply)
    client = openai.OpenAI(api_key="k", base_url="http://host/v1", http_client=server.client)
    with client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    return caught.value, server.calls


def ask_anthropic(reply):
    server = Server(reply)
    client = anthropic.Anthropic(api_key="k", base_url="http://host", http_client=server.client)
    with client, pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "hi"}])
    return caught.value, server.calls


CASES = [
    pytest.param(WAIT, "RateLimitError", "requests", "rate_limit_exceeded", "RateLimitError", "rate_limit_error", 3, id="wait"),
    pytest.param(LONG, "RateLimitError", "tokens", "rate_limit_exceeded", "RateLimitError", "rate_limit_error", 1, id="long wait"),
    pytest.param(NEVER, "RateLimitError", "requests", "rate_limit_exceeded", "RateLimitError", "rate_limit_error", 1, id="no wait will do"),
    pytest.param(
        TOO_LARGE,
        "BadRequestError",
        "invalid_request_error",
        "request_too_large",
        "ContentTooLargeError",
        "request_too_large",
        1,
        id="too large",
    ),
    pytest.param(
        FORBIDDEN,
        "PermissionDeniedError",
        "permission_error",
        "account_restricted",
        "PermissionDeniedError",
        "permission_error",
        1,
        id="forbidden",
    ),
    pytest.param(
        CHALLENGE,
        "AuthenticationError",
        "authentication_error",
        "reauthentication_required",
        "AuthenticationError",
        "authentication_error",
        1,
        id="challenge",
    ),
    pytest.param(
        UNAVAILABLE,
        "InternalServerError",
        "server_error",
        "rate_limiter_unavailable",
        "ServiceUnavailableError",
        "api_error",
        3,
        id="unavailable",
    ),
    pytest.param(
        OVERLOADED, "InternalServerError", "server_error", "overloaded", "OverloadedError", "overloaded_error", 3, id="overloaded"
    ),
]
cases = pytest.mark.parametrize(("refusal", "openai_error", "openai_type", "code", "anthropic_error", "anthropic_type", "calls"), CASES)


@cases
def test_the_openai_client_understands(slept, refusal, openai_error, openai_type, code, anthropic_error, anthropic_type, calls):
    error, asked = ask_openai(OpenAIChat().refuse(refusal, "req_1"))
    assert (type(error).__name__, error.type, error.code, error.request_id) == (openai_error, openai_type, code, "req_1")
    assert refusal.message in error.message
    assert asked == calls


@cases
def test_the_anthropic_client_understands(slept, refusal, openai_error, openai_type, code, anthropic_error, anthropic_type, calls):
    error, asked = ask_anthropic(AnthropicMessages().refuse(refusal, "req_1"))
    assert (type(error).__name__, error.type, error.request_id) == (anthropic_error, anthropic_type, "req_1")
    assert refusal.message in error.message
    assert asked == calls


@cases
def test_both_clients_understand_the_plain_refusal(slept, refusal, openai_error, openai_type, code, anthropic_error, anthropic_type, calls):
    reply = plain.refuse(refusal, "req_1")
    by_openai, asked = ask_openai(reply)
    by_anthropic, asked_too = ask_anthropic(reply)
    assert (by_openai.type, by_openai.code, by_anthropic.type) == (anthropic_type, code, anthropic_type)
    assert type(by_anthropic).__name__ == anthropic_error.replace("Overloaded", "ServiceUnavailable")  # which goes by the status
    assert asked == asked_too == calls


@pytest.mark.parametrize("ask", [ask_openai, ask_anthropic])
@pytest.mark.parametrize(
    ("refusal", "naps"),
    [
        pytest.param(WAIT, [7.25, 7.25], id="to the millisecond"),
        pytest.param(Refusal(429, "rate", "m", retry_after=0.3), [0.3, 0.3], id="below a second"),
        pytest.param(Refusal(429, "rate", "m", retry_after=0.0), [0.001, 0.001], id="at once"),
        pytest.param(Refusal(429, "rate", "m", retry_after=60.0), [60.0, 60.0], id="a minute"),
        pytest.param(Refusal(429, "rate", "m", retry_after=60.1), [], id="more than a minute"),
        pytest.param(LONG, [], id="a day"),
        pytest.param(UNAVAILABLE, [2.0, 2.0], id="unavailable"),
        pytest.param(FORBIDDEN, [], id="forbidden"),
    ],
)
def test_clients_sleep_as_long_as_told(slept, ask, refusal, naps):
    dialect = OpenAIChat() if ask is ask_openai else AnthropicMessages()
    ask(dialect.refuse(refusal, "req_1"))
    assert slept == pytest.approx(naps)


def test_the_openai_body():
    reply = OpenAIChat().refuse(Refusal(429, "rate", "m", unit="output_tokens", retry_after=1), "r")
    assert reply.status == 429
    assert json.loads(reply.body) == {"error": {"message": "m", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}}
    assert dict(reply.headers) == {
        b"content-type": b"application/json",
        b"content-length": str(len(reply.body)).encode(),
        b"x-request-id": b"r",
        b"retry-after": b"1",
        b"retry-after-ms": b"1000",
    }


def test_the_anthropic_body():
    reply = AnthropicMessages().refuse(TOO_LARGE, "r")
    assert reply.status == 413
    assert json.loads(reply.body) == {
        "type": "error",
        "error": {"type": "request_too_large", "message": TOO_LARGE.message},
        "request_id": "r",
    }
    assert (b"request-id", b"r") in reply.headers
    assert (b"x-should-retry", b"false") in reply.headers


def test_an_overloaded_host_has_its_own_type_in_anthropic():
    reply = AnthropicMessages().refuse(OVERLOADED, "r")
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (529, "overloaded_error")


def test_the_plain_refusal_has_no_headers_of_either_family():
    names = {name for name, _ in plain.refuse(WAIT, "r").headers}
    assert names == {b"content-type", b"content-length", b"x-request-id", b"retry-after", b"retry-after-ms"}


@given(st.none() | st.floats(max_value=1e9) | st.sampled_from([float("nan"), float("inf")]))
def test_a_client_that_waits_as_told_never_comes_too_early(wait):
    headers = dict(OpenAIChat().refuse(Refusal(429, "rate", "m", retry_after=wait), "r").headers)
    if b"retry-after" in headers:
        assert int(headers[b"retry-after"]) >= max(wait, 1)
        assert int(headers[b"retry-after-ms"]) >= wait * 1000
    else:
        assert headers[b"x-should-retry"] == b"false"


@given(st.text(), st.text(st.characters(exclude_categories=[])))
def test_no_id_and_no_message_breaks_a_header_or_the_body(request_id, message):
    for reply in (
        OpenAIChat().refuse(Refusal(403, "forbidden", message), request_id),
        plain.refuse(Refusal(403, "forbidden", message), request_id),
    ):
        assert json.loads(reply.body)["error"]["message"] == message
        assert all(0x20 <= byte < 0x7F for _, value in reply.headers for byte in value)
