from __future__ import annotations

import asyncio
import random

import pytest

from antidistill.assessment import Assessor, RemoteAssessor
from antidistill.errors import KeyringError, PolicyError
from antidistill.model import Answer, Assessment, Request
from antidistill.opening import open_guard
from antidistill.stores import FallbackStore, MemoryStore
from tests.assessment.traffic import people

pytest.importorskip("redis")

KEY = {"ANTIDISTILL_MASTER_KEY": "ab" * 32}


def store_of(store, environ):
    guard = open_guard({"version": 1, "store": store}, None, environ=environ)
    guard.close()
    return guard.meter.store


def test_a_shared_store_without_a_key_that_lasts_is_refused():
    with pytest.raises(KeyringError, match="set ANTIDISTILL_MASTER_KEY for all of them to the same") as caught:
        store_of("redis://:hunter2@localhost/0", {})
    assert "hunter2" not in str(caught.value)


def test_memory_needs_no_key():
    assert isinstance(store_of("memory", {}), MemoryStore)
    assert isinstance(store_of({"url": "memory"}, {}), MemoryStore)


@pytest.mark.parametrize(
    "store", ["redis://localhost/0", {"url": "redis://localhost/0", "timeout": 0.1, "replicas": 4, "lease": 30}], ids=str
)
def test_a_shared_store_falls_back_on_memory(store):
    assert isinstance(store_of(store, KEY), FallbackStore)


RULES = [
    {"id": "told-there", "when": {"risk": {"ge": 0.5}}, "then": ["alert"]},
    {"id": "told-here", "when": {"risk": {"ge": 0.5}, "request.logprobs": False}, "then": ["alert"]},
]


def test_a_shared_store_means_that_another_process_assesses():
    guard = open_guard({"version": 1, "store": "redis://localhost/0"}, None, environ=KEY)
    guard.close()
    assert isinstance(guard.assessor, RemoteAssessor)


@pytest.mark.parametrize(("store", "told"), [("memory", {"told-there", "told-here"}), ("redis://127.0.0.1:1/0", {"told-here"})])
def test_alerts_that_another_process_tells_are_not_told_by_workers(store, told, monkeypatch):
    """A rule that reads more than assessments matches on requests only, and is told where they are."""
    heard: list[str] = []
    policy = {"version": 1, "store": store, "rules": RULES}
    guard = open_guard(policy, None, environ=KEY, hooks=[lambda event: heard.append(event.rule) if event.action == "alert" else None])
    known = Assessment("acct", 1.0, 0.9)
    monkeypatch.setattr(guard, "latest", lambda account: known)
    guard.know([known])

    async def ask():
        body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
        request = Request("r1", 1.0, "POST", "/v1/chat/completions", body=body, body_state="whole", principal="acct")
        admission = await guard.admit(request, guard.route("POST", "/v1/chat/completions"))
        await guard.settle(admission, Answer(200))
        await guard.meter.close()

    asyncio.run(ask())
    guard.close()
    assert set(heard) == told


def test_a_flag_that_another_process_told_is_not_told_again():
    heard: list[str] = []
    guard = open_guard({"version": 1, "rules": RULES}, None, environ=KEY, hooks=[lambda event: heard.append(event.action)])
    guard.know([Assessment("acct", 1.0, 0.9)])
    guard.publish([Assessment("acct", 2.0, 0.9), Assessment("other", 2.0, 0.9)])
    guard.close()
    assert heard.count("flag") == 1


def test_a_loop_goes_on_where_its_snapshot_ends(tmp_path):
    policy = {"version": 1, "assessment": {"snapshot": str(tmp_path / "state")}}
    first = open_guard(policy, None, environ=KEY)
    assert isinstance(first.assessor, Assessor)
    for exchange in people(random.Random(1)):
        first.assessor.submit(exchange)
    assert first.assessor.drain(30)
    first.close()
    second = open_guard(policy, None, environ=KEY)
    second.close()
    assert second.assessor.assessments() == first.assessor.assessments() != []


def test_a_snapshot_that_cannot_be_written_is_told_at_the_start(tmp_path):
    with pytest.raises(PolicyError, match=r"AD051 assessment\.snapshot cannot be used"):
        open_guard({"version": 1, "assessment": {"snapshot": str(tmp_path / "missing" / "state")}}, None, environ=KEY)
