"""Who is told of decisions, and how often."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from antidistill.events import AlertFile, EventLog, Events, Flags, report
from antidistill.model import Assessment, Delay, Event, Evidence, Match, Notice, Refusal, Request, Rewrite, Subject
from antidistill.testing import FakeClock

ALERT = Event("req_1", 1.0, "acct", "rule", "alert", "observe", "assessment", True)
REFUSED = Event("req_1", 1.0, "acct", "rule", "deny", "restrict", "request", True)


def test_every_hook_is_told_even_after_one_that_fails() -> None:
    told: list[Event] = []

    def bad(event: Event) -> None:
        raise RuntimeError

    events = Events([bad, told.append], Flags(FakeClock(), 10))
    events.emit(ALERT)
    events.emit(REFUSED)
    assert told == [ALERT, REFUSED]
    assert events.failures == 2


def test_a_flood_of_refusals_is_one_log_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    log = EventLog(clock)
    with caplog.at_level(logging.INFO, "antidistill.events"):
        for _ in range(100):
            log(REFUSED)
        clock.advance(61)
        log(REFUSED)
    assert len(caplog.records) == 2
    assert "(and 99 repeats of earlier lines)" in caplog.records[1].getMessage()


@pytest.mark.parametrize(
    ("event", "level"),
    [(ALERT, logging.WARNING), (REFUSED, logging.WARNING), (msgspec.structs.replace(REFUSED, enforced=False), logging.INFO)],
    ids=["alert", "enforced", "shadow"],
)
def test_what_an_operator_must_see_is_a_warning(event: Event, level: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "antidistill.events"):
        EventLog(FakeClock())(event)
    assert caplog.records[0].levelno == level


def test_a_log_record_carries_the_whole_event(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "antidistill.events"):
        EventLog(FakeClock())(ALERT)
    assert caplog.records[0].__dict__["antidistill"] == ALERT


def test_an_alert_is_repeated_only_after_a_while(tmp_path: Path) -> None:
    clock = FakeClock()
    alerts = AlertFile(tmp_path / "a.jsonl", clock, every=10)
    for _ in range(3):
        alerts(ALERT)
    clock.advance(11)
    alerts(ALERT)
    alerts(REFUSED)
    assert [msgspec.json.decode(line, type=Event) for line in (tmp_path / "a.jsonl").read_bytes().splitlines()] == [ALERT, ALERT]


def test_an_alert_file_may_be_rotated(tmp_path: Path) -> None:
    alerts = AlertFile(tmp_path / "a.jsonl", FakeClock(), every=0.001)
    (tmp_path / "a.jsonl").rename(tmp_path / "a.1")
    alerts(ALERT)
    assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == 1


def test_an_alert_file_that_cannot_be_written_is_found_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-folder"):
        AlertFile(tmp_path / "no-such-folder" / "a.jsonl", FakeClock(), every=1)


def test_a_flag_is_raised_once_a_day() -> None:
    clock = FakeClock()
    flags = Flags(clock, 10)
    assert [flags.raised("a", "r"), flags.raised("a", "r"), flags.raised("b", "r")] == [True, False, True]
    clock.advance(86_401)
    assert flags.raised("a", "r")


WHY = Assessment("acct", 0.0, 0.91, ("content",), (Evidence("sweep", "content", 2.0, "why"), Evidence("calm", "temporal", -1.0, "not why")))

TOLD = {
    "risk": 0.91,
    "trend": "steady",
    "families": ["content"],
    "signals": ["sweep"],
    "reasons": ["why"],
    "campaign": None,
    "campaign_accounts": None,
}


@pytest.mark.parametrize(
    ("effect", "cause", "detail"),
    [
        (Refusal(429, "rate", "m", retry_after=2.0), "quota", {"status": 429, "retry_after": 2.0, "unit": "requests"}),
        (Delay(3.0), "request", {"seconds": 3.0}),
        (Rewrite({"n": 1}), "request", {"caps": {"n": 1}}),
        (Notice("tag", {"a": 1}), "assessment", {"a": 1, **TOLD}),
    ],
    ids=["refusal", "delay", "rewrite", "notice"],
)
def test_an_event_carries_numbers_and_reasons(effect: object, cause: str, detail: object) -> None:
    match = Match("r", "a", "restrict", cause, True, effect)  # type: ignore[arg-type]
    event = report(Request("req_1", 5.0, "POST", "/p"), Subject("acct", "fp", "net"), match, WHY)
    assert event.detail == detail
    assert (event.id, event.ts, event.account, event.path) == ("req_1", 5.0, "acct", "/p")


def test_an_alert_is_not_repeated_after_a_restart(tmp_path):
    path, clock = tmp_path / "alerts.jsonl", FakeClock()
    alert = Event("r1", clock.now, "acct", "harvest", "alert", "observe", "assessment", True)
    path.write_bytes(b'cut off"}\n')
    for _ in range(2):
        AlertFile(path, clock, 3600)(alert)
    assert len(path.read_bytes().splitlines()) == 2
    clock.advance(3601)
    AlertFile(path, clock, 3600)(alert)
    assert len(path.read_bytes().splitlines()) == 3
