"""Requests whose answers are to be marked while they are sampled, and fingerprints of what left."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from antidistill import AntiDistillMiddleware
from antidistill.keyring import Keyring
from antidistill.watermark.fingerprints import segments
from antidistill.watermark.orders import Order, Orders
from antidistill.watermark.retrieval import Retrieval
from tests.models import chat_answer, chat_chunks
from tests.prose import prose
from tests.wire import App, Message, body_messages, body_of, converse, headers_of, http_scope

KEY = "5a" * 32
KEYRING = Keyring([bytes.fromhex(KEY)])
TEXT = prose(7, 60)


@pytest.fixture(autouse=True)
def master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIDISTILL_MASTER_KEY", KEY)


class Host:
    """A model server that remembers what it was asked."""

    def __init__(self, stream: bool = False) -> None:
        self.body: Any = None
        self.state: Any = None
        self._stream = stream

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        raw = (await receive())["body"]
        self.body, self.state = (json.loads(raw) if raw.startswith(b"{") else raw), scope["state"].get("antidistill")
        kind = b"text/event-stream" if self._stream else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), (b"etag", b"x")]})
        words = TEXT.split(" ")
        for chunk in chat_chunks("m", words) if self._stream else [json.dumps(chat_answer("m", words)).encode()]:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def policy(mode: str = "enforce", rules: bool = True, tier: int = 2, **watermark: Any) -> dict[str, Any]:
    rule = {"id": "all", "when": {"request.guarded": True}, "then": [{"watermark": {"tier": tier}}]}
    return {"version": 1, "mode": mode, "watermark": watermark, "rules": [rule] if rules else []}


def ask(app: App, **body: Any) -> list[Message]:
    sent = json.dumps({"model": "m", "messages": [], "max_tokens": 500, **body}).encode()
    return asyncio.run(converse(app, http_scope(headers={"authorization": "Bearer sk-1"}), body_messages([sent])))


def asked(policy: dict[str, Any], **body: Any) -> Host:
    host = Host()
    ask(AntiDistillMiddleware(host, policy=policy), **body)
    return host


def test_vllm_is_told_by_a_seal_whom_to_mark_for() -> None:
    host = asked(policy(sampling="vllm", strength=2.0, tenant="east"), vllm_xargs={"top": 1})
    order = Orders(KEYRING).open(host.body["vllm_xargs"].pop("antidistill"))
    assert order is not None
    assert order == host.state["mark"]
    assert (order.account, order.strength, order.group, order.tenant) == (host.state["account"], 2.0, "deployment", "east")
    assert host.body == {"model": "m", "messages": [], "max_tokens": 500, "vllm_xargs": {"top": 1}}


def test_tier_1_marks_for_the_account_alone() -> None:
    assert asked(policy(tier=1, sampling="app")).state["mark"].group is None


def test_an_app_finds_the_order_in_the_request_state_and_its_body_as_it_came() -> None:
    host = asked(policy(sampling="app"))
    assert isinstance(host.state["mark"], Order)
    assert "vllm_xargs" not in host.body


@pytest.mark.parametrize(
    "wish",
    [{"watermarking": False}, {"watermark_key": 7}, {"vllm_xargs": {"antidistill": "mine"}}, {"watermarking_config": {}}],
    ids=lambda wish: next(iter(wish)),
)
@pytest.mark.parametrize("rules", [True, False], ids=["marked", "unmarked"])
def test_callers_have_no_say(wish: dict[str, Any], rules: bool) -> None:
    host = asked(policy(rules=rules, sampling="vllm"), **wish)
    assert {"watermarking", "watermark_key", "watermarking_config"}.isdisjoint(host.body)
    assert host.body.get("vllm_xargs", {}).get("antidistill") != "mine"
    assert ("antidistill" in host.body.get("vllm_xargs", {})) is rules


@pytest.mark.parametrize(
    ("policy", "body"),
    [
        pytest.param(policy("shadow", sampling="vllm"), {"watermarking": False}, id="shadow mode"),
        pytest.param(policy(), {"watermarking": False}, id="nobody marks while sampling"),
        pytest.param(policy(sampling="vllm"), {"logprobs": True}, id="log-probabilities"),
        pytest.param(policy(sampling="vllm"), {"response_format": {"type": "json_object"}}, id="structured output"),
        pytest.param(policy(rules=False, sampling="vllm"), {}, id="no rule"),
    ],
)
def test_all_else_passes_as_it_came(policy: dict[str, Any], body: dict[str, Any]) -> None:
    host = asked(policy, **body)
    assert host.body == {"model": "m", "messages": [], "max_tokens": 500, **body}
    assert host.state["mark"] is None


def test_a_body_that_nobody_can_read_passes() -> None:
    host = Host()
    app = AntiDistillMiddleware(host, policy=policy(sampling="vllm"))
    asyncio.run(converse(app, http_scope(headers={"authorization": "Bearer sk-1"}), body_messages([b"no json"])))
    assert host.body == b"no json"
    assert app.guard.failures == {}


def test_caps_and_orders_go_into_one_body() -> None:
    wanted = policy(sampling="vllm")
    wanted["rules"][0]["then"].append({"cap": {"max_tokens": 100}})
    host = asked(wanted)
    assert host.body["max_tokens"] == 100
    assert "antidistill" in host.body["vllm_xargs"]


# --- fingerprints ----------------------------------------------------------------------------------------------------


def keep(tmp_path: Path, mode: str, rules: bool, stream: bool) -> tuple[list[Message], Any, list[Any]]:
    """An answer under a policy that keeps fingerprints: what was sent, what the host saw, and what is found of the sent text."""
    host = Host(stream)
    app = AntiDistillMiddleware(host, policy=policy(mode, rules, fingerprints={"file": str(tmp_path / "prints")}))
    sent = ask(app, stream=stream)
    app.guard.close()
    retrieval = Retrieval(KEYRING)
    retrieval.add(spoken(body_of(sent), stream), 1)
    return sent, host.state, list(retrieval.find(segments(tmp_path / "prints"), [host.state["account"]]))


def spoken(raw: bytes, stream: bool) -> str:
    if not stream:
        return str(json.loads(raw)["choices"][0]["message"]["content"])
    events = [json.loads(line[6:]) for line in raw.decode().splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
@pytest.mark.parametrize(("mode", "rules"), [("enforce", True), ("enforce", False), ("shadow", True)])
def test_what_left_is_what_is_found(tmp_path: Path, mode: str, rules: bool, stream: bool) -> None:
    _, state, found = keep(tmp_path, mode, rules, stream)
    assert [(each.account, each.likeness) for each in found] == [(state["account"], 1.0)]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_keeping_fingerprints_changes_nothing_of_the_answer(tmp_path: Path, stream: bool) -> None:
    sent, _, _ = keep(tmp_path, "shadow", True, stream)
    bare = ask(Host(stream))
    assert [(message["type"], message.get("body"), message.get("headers")) for message in sent] == [
        (message["type"], message.get("body"), message.get("headers")) for message in bare
    ]
    assert headers_of(sent)[b"etag"] == b"x"


def test_a_changed_policy_opens_another_store(tmp_path: Path) -> None:
    from antidistill.policy import load_policy

    app = AntiDistillMiddleware(Host(), policy=policy(rules=False))
    ask(app)
    assert app.guard.files.fingerprints is None
    app.guard.adopt(load_policy(policy(rules=False, fingerprints={"file": str(tmp_path / "prints")}), {}))
    ask(app)
    app.guard.close()
    assert len(segments(tmp_path / "prints")) == 1
