"""Real SDK clients against a real server: answers, refusals and retries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from antidistill import AntiDistillMiddleware
from tests.models import WORDS, model_server
from tests.wire import served

ASK: Any = [{"role": "user", "content": "hello"}]


def guarded(policy: dict[str, Any]) -> AntiDistillMiddleware:
    return AntiDistillMiddleware(model_server(), policy={"version": 1, "mode": "enforce", **policy})


def openai_client(url: str, key: str = "sk-a", **options: Any) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=f"{url}/v1", **options)


def anthropic_client(url: str, key: str = "sk-a", **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key, base_url=url, **options)


@pytest.fixture(scope="module")
def shadow() -> Iterator[str]:
    with served(AntiDistillMiddleware(model_server())) as url:
        yield url


def test_openai_gets_a_whole_answer(shadow: str) -> None:
    with openai_client(shadow) as client:
        answer = client.chat.completions.create(model="m", messages=ASK)
    assert answer.choices[0].message.content == " ".join(WORDS)


def test_openai_gets_a_stream(shadow: str) -> None:
    with openai_client(shadow) as client:
        chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).split() == WORDS


def test_anthropic_gets_a_whole_answer(shadow: str) -> None:
    with anthropic_client(shadow) as client:
        answer = client.messages.create(model="m", max_tokens=99, messages=ASK)
    assert answer.content[0].text == " ".join(WORDS)  # type: ignore[union-attr]


def test_anthropic_gets_a_stream(shadow: str) -> None:
    with anthropic_client(shadow) as client, client.messages.stream(model="m", max_tokens=99, messages=ASK) as stream:
        assert "".join(stream.text_stream).split() == WORDS


ONE_A_DAY = {"quotas": [{"id": "one", "per": "network", "limit": "1/day", "unit": "requests", "burst": 1}]}
DENY = {"rules": [{"id": "no", "when": {"request.guarded": True}, "then": ["deny"]}]}
TINY = {"quotas": [{"id": "few", "per": "network", "limit": "10/day", "unit": "tokens", "burst": 10}]}


@pytest.mark.parametrize(
    ("policy", "openai_error", "anthropic_error"),
    [
        (ONE_A_DAY, openai.RateLimitError, anthropic.RateLimitError),
        (DENY, openai.PermissionDeniedError, anthropic.PermissionDeniedError),
        (TINY, openai.BadRequestError, anthropic.APIStatusError),
    ],
    ids=["rate", "deny", "too-large"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_a_refusal_is_the_sdk_s_own_error(policy: Any, openai_error: type, anthropic_error: type, stream: bool) -> None:
    with served(guarded(policy)) as url, openai_client(url, max_retries=0) as o, anthropic_client(url, max_retries=0) as a:
        if policy is ONE_A_DAY:
            o.chat.completions.create(model="m", messages=ASK)
        with pytest.raises(openai_error) as first:
            o.chat.completions.create(model="m", messages=ASK, stream=stream)
        with pytest.raises(anthropic_error) as second:
            a.messages.create(model="m", max_tokens=99, messages=ASK, stream=stream)
    assert first.value.request_id.startswith("req_")  # type: ignore[attr-defined]
    assert second.value.request_id.startswith("req_")  # type: ignore[attr-defined]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of clients, which pass at once. Threads that only yield do not count."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: waits.append(seconds) if seconds else None)
    return waits


def test_clients_wait_as_told_and_are_then_served(slept: list[float]) -> None:
    now = time.time()
    policy = {
        "version": 1,
        "mode": "enforce",
        "quotas": [{"id": "slow", "per": "network", "limit": "30/minute", "unit": "requests", "burst": 1}],
    }
    app = AntiDistillMiddleware(model_server(), policy=policy, clock=lambda: now + sum(slept))
    with served(app) as url, openai_client(url) as client:
        for _ in range(3):
            client.chat.completions.create(model="m", messages=ASK)
    assert slept == [pytest.approx(2.0, abs=0.01)] * 2


def test_clients_do_not_wait_for_a_day(slept: list[float]) -> None:
    with served(guarded(ONE_A_DAY)) as url, openai_client(url) as client:
        client.chat.completions.create(model="m", messages=ASK)
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="m", messages=ASK)
    assert slept == []


def test_the_same_key_in_either_header_is_one_account() -> None:
    policy = {"quotas": [{"id": "two", "per": "account", "limit": "2/day", "unit": "requests", "burst": 2}]}
    with served(guarded(policy)) as url:
        call = {"model": "m", "messages": ASK}
        statuses = [
            httpx2.post(f"{url}/v1/chat/completions", json=call, headers=headers).status_code
            for headers in [
                {"authorization": "Bearer sk-a"},
                {"x-api-key": "sk-a"},
                {"authorization": "Bearer sk-a"},
                {"x-api-key": "sk-b"},
            ]
        ]
    assert statuses == [200, 200, 429, 200]


def test_an_account_that_the_host_rejects_pays_nothing() -> None:
    policy = {"quotas": [{"id": "one", "per": "account", "limit": "1/day", "unit": "requests", "burst": 1}]}
    with served(guarded(policy)) as url, openai_client(url, key="wrong", max_retries=0) as client:
        for _ in range(5):
            with pytest.raises(openai.AuthenticationError):
                client.chat.completions.create(model="m", messages=ASK)
