"""The request loop without ASGI: assessments that come back to the requests of an account, and to accounts that are silent."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from antidistill import Event, Guard, PolicyError, load_policy
from antidistill.admission import Admission
from antidistill.assessment import Assessor
from antidistill.keyring import Keyring
from antidistill.model import Answer, Mode, Request, Usage
from antidistill.stores import MemoryStore
from antidistill.testing import FakeClock
from tests.assessment.traffic import START, campaign, in_order, people

DAY = 86_400.0


def make(mode: Mode = Mode.ENFORCE, **sections: Any) -> tuple[Guard, FakeClock, list[Event]]:
    events: list[Event] = []
    clock = FakeClock(START)
    policy = load_policy({"version": 1, **sections} if sections else None).with_mode(mode)
    keyring = Keyring([bytes(range(32))])
    return Guard(policy, keyring, MemoryStore(clock, 10_000), clock=clock, hooks=[events.append], synchronous=True), clock, events


async def exchange(guard: Guard, account: str, text: str, ts: float) -> Admission:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = Request(
        f"{account}-{ts}", ts, "POST", "/v1/chat/completions", principal=account, attested=True, body=body, body_state="whole"
    )
    admission = await guard.admit(request, guard.route("POST", "/v1/chat/completions"))
    await guard.settle(
        admission, Answer(200 if admission.reply is None else admission.reply.status, Usage(10, 100), ours=bool(admission.reply))
    )
    return admission


def play(guard: Guard, clock: FakeClock) -> float:
    """Lets a campaign of twelve accounts and twelve people pass, and ends with a tick."""

    async def run() -> None:
        for row in in_order(campaign(random.Random(1)), people(random.Random(2))):
            clock.now = row.request.ts
            assert row.call is not None
            await exchange(guard, str(row.subject.account), row.call.prompt, clock.now)
        clock.advance(1_200)
        assert isinstance(guard.assessor, Assessor)
        guard.assessor.advance(clock.now)

    asyncio.run(run())
    return clock.now


def test_accounts_that_are_silent_when_they_are_assessed_are_flagged() -> None:
    guard, clock, events = make(
        Mode.SHADOW, rules=[{"id": "r", "when": {"risk": {"ge": 0.8}, "families": {"ge": 2}}, "then": [{"alert": {}}]}]
    )
    play(guard, clock)
    flagged = {event.account for event in events if event.action == "flag"}
    assert flagged == {f"bot-{number}" for number in range(12)}
    assert any(event.id.startswith("tick_") for event in events)


def test_a_flag_says_why_in_plain_words() -> None:
    guard, clock, events = make(Mode.SHADOW)
    play(guard, clock)
    flag = next(event for event in events if event.action == "flag")
    assert (flag.rule, flag.effect, flag.cause) == ("slow-harvest", "observe", "assessment")
    assert flag.detail["risk"] >= 0.8
    assert len(flag.detail["families"]) >= 2
    assert all(" " in reason for reason in flag.detail["reasons"])


SLOW: dict[str, Any] = {"rules": [{"id": "slow", "when": {"risk": {"ge": 0.8}}, "then": [{"throttle": {"limit": "1/day", "burst": 1}}]}]}


def test_a_throttle_on_risk_holds_for_the_account_and_for_nobody_else() -> None:
    guard, clock, _ = make(**SLOW)
    now = play(guard, clock)

    async def ask(account: str) -> list[int | None]:
        admissions = [await exchange(guard, account, "something else", now + number) for number in range(3)]
        return [admission.reply.status if admission.reply else None for admission in admissions]

    assert asyncio.run(ask("bot-3"))[1:] == [429, 429]
    assert asyncio.run(ask("person-3")) == [None, None, None]


def test_a_wait_that_an_assessment_caused_is_lengthened_and_never_shortened() -> None:
    guard, clock, _ = make(**SLOW)
    now = play(guard, clock)

    async def waits() -> list[float]:
        refused = [await exchange(guard, "bot-3", "x", now + number / 1000) for number in range(20)]
        return [float(dict(admission.reply.headers)[b"retry-after"]) for admission in refused if admission.reply]

    seconds = asyncio.run(waits())
    assert all(DAY - 1 <= wait <= 1.25 * DAY + 1 for wait in seconds)
    assert len(set(seconds)) > 10


def test_nothing_is_learnt_of_an_account_that_is_not_proven() -> None:
    guard, clock, _ = make(Mode.SHADOW)
    learnt: list[object] = []
    guard._learn = learnt.append  # type: ignore[assignment]

    async def run(status: int) -> None:
        request = Request("r", clock(), "POST", "/v1/chat/completions", ((b"authorization", b"Bearer k"),), body=b"{}", body_state="whole")
        await guard.settle(await guard.admit(request, guard.route("POST", "/v1/chat/completions")), Answer(status))

    asyncio.run(run(401))
    assert learnt == []
    asyncio.run(run(200))
    assert len(learnt) == 1


def test_a_route_without_a_dialect_proves_nobody() -> None:
    guard, clock, _ = make(Mode.SHADOW)

    async def run() -> bool:
        headers = ((b"authorization", b"Bearer invented"),)
        await guard.settle(await guard.admit(Request("r", clock(), "GET", "/health", headers), None), Answer(200))
        return (await guard.admit(Request("s", clock(), "GET", "/health", headers), None)).subject.proven

    assert not asyncio.run(run())


class Down(MemoryStore):
    """A store that does not answer."""

    async def reserve(self, *args: Any) -> Any:
        raise ConnectionError("no store")


@pytest.mark.parametrize(("on_error", "status"), [("open", None), ("closed", 503)])
def test_a_store_that_does_not_answer_opens_or_closes(on_error: str, status: int | None) -> None:
    guard, clock, _ = make(on_error=on_error, quotas=[{"id": "q", "per": "account", "limit": "9/day", "unit": "requests"}])
    guard.meter.store = Down(clock)
    admission = asyncio.run(exchange(guard, "ada", "hi", clock()))
    assert (admission.reply.status if admission.reply else None) == status
    assert guard.failures["quotas"] == 1


def test_a_guard_writes_its_record_and_a_changed_policy_moves_it(tmp_path: Path) -> None:
    guard, clock, _ = make(Mode.SHADOW, record={"folder": str(tmp_path / "one")})
    recorders = []
    for folder in ("two", None, None):
        asyncio.run(exchange(guard, "acct", "a text that no file must ever hold", clock.now))
        recorders.append(guard.files.recorder)
        guard.adopt(load_policy({"version": 1, "record": {"folder": folder and str(tmp_path / folder)}}))
    assert recorders.pop() is None
    for recorder in recorders:
        assert recorder is not None
        recorder.close()
    for name in ("one", "two"):
        (file,) = (tmp_path / name).iterdir()
        header, line = gzip.decompress(file.read_bytes()).splitlines()
        assert b"check" in header
        assert b'"account":"acct"' in line
        assert b"text" not in line


def test_a_record_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(PolicyError, match=r"AD050 record.folder cannot be written .*name another folder"):
        make(Mode.SHADOW, record={"folder": str(tmp_path / "taken")})


END_USER = {"id": "end-user", "when": {"sub.risk": {"ge": 0.5}, "sub.families": {"ge": 2}}, "then": [{"deny": {}}, {"alert": {}}]}


def test_a_sub_identity_that_is_attested_is_judged_apart() -> None:
    guard, clock, events = make(Mode.ENFORCE, rules=[END_USER], identity={"attributes": {"sub_identity": "header:x-end-user"}})

    async def ask(account: str, user: str, text: str, ts: float) -> Admission:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
        headers = ((b"x-end-user", user.encode()),)
        request = Request("r", ts, "POST", "/v1/chat/completions", headers, principal=account, attested=True, body=body, body_state="whole")
        admission = await guard.admit(request, guard.route("POST", "/v1/chat/completions"))
        await guard.settle(admission, Answer(200 if admission.reply is None else 403, Usage(10, 100), ours=bool(admission.reply)))
        return admission

    async def run() -> None:
        for row in in_order(campaign(random.Random(1), each=20), people(random.Random(2))):
            clock.now = row.request.ts
            assert row.call is not None
            await ask("tenant" if row.subject.account == "bot-0" else str(row.subject.account), "shard", row.call.prompt, clock.now)
        clock.advance(1_200)
        assert isinstance(guard.assessor, Assessor)
        guard.assessor.advance(clock.now)
        assert (await ask("tenant", "shard", "hello", clock.now)).reply is not None
        assert (await ask("tenant", "somebody else", "hello", clock.now)).reply is None

    asyncio.run(run())
    told = [event for event in events if event.account == "tenant" and event.action == "alert" and not event.path]
    assert told
    assert len(told[0].detail["sub_identity"]) == 16
