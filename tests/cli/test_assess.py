"""The command as a process of its own, killed and followed by another."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from antidistill.cli import main
from antidistill.guard import Guard, loop_of
from antidistill.keyring import Keyring
from antidistill.model import Assessment, Event
from antidistill.opening import open_guard
from antidistill.policy import load_policy
from tests.assessment.traffic import HOUR, START, campaign, in_order, people

pytest.importorskip("redis")

ROOT = Path(__file__).parents[2]
ENVIRON = {"ANTIDISTILL_MASTER_KEY": "ab" * 32}
ROWS = in_order(campaign(random.Random(1), accounts=12, each=15), people(random.Random(2), accounts=10))
END = max(row.request.ts for row in ROWS) + HOUR
RULES = [
    {"id": "harvest", "when": {"risk": {"ge": 0.8}, "families": {"ge": 2}}, "then": [{"throttle": {"scale": 0.5}}, "alert"]},
]


@pytest.fixture
def policy(tmp_path, redis_url):
    """The policy of all processes, as a file."""
    path = tmp_path / "policy.yaml"
    alerts = {"file": str(tmp_path / "alerts.jsonl")}
    path.write_text(json.dumps({"version": 1, "store": {"url": redis_url, "lease": 3}, "alerts": alerts, "rules": RULES}))
    return path


@contextlib.contextmanager
def assessing(policy, *more):
    """The command, running; told to end in the end."""
    command = [sys.executable, "-m", "antidistill", "assess", "--policy", str(policy), "--log", str(policy.with_name("log.jsonl")), *more]
    with subprocess.Popen(command, env={**os.environ, **ENVIRON}, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def send(guards: list[Guard], rows, each=40):
    """Workers send by turns."""
    for place in range(0, len(rows), each):
        guard = guards[place // each % len(guards)]
        for row in rows[place : place + each]:
            guard.assessor.submit(row)
        assert guard.assessor.drain(10)


def alone():
    """What one process publishes."""
    published: list[Assessment] = []
    assessor = loop_of(load_policy({"version": 1}, {}), Keyring.load(ENVIRON), time.time, published.extend)
    now = START
    for row in ROWS:
        now = max(now, row.request.ts + row.answer.duration)
        assessor.advance(now)
        assessor.learn(row)
    assessor.advance(END)
    return published


def rows_of(path, kind):
    return [msgspec.json.decode(line, type=kind) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_a_process_that_is_killed_is_followed_by_one_that_goes_on(policy, server, tmp_path):
    guards = [open_guard(str(policy), None, environ=ENVIRON) for _ in range(4)]
    log, half = tmp_path / "log.jsonl", len(ROWS) // 2

    def stream():
        return next(server.scan_iter("*:observations"))

    def read():
        return server.xinfo_groups(stream())[0]["last-delivered-id"] == server.xinfo_stream(stream())["last-generated-id"]

    with assessing(policy, "--every", "1", "--name", "one") as first:
        send(guards, ROWS[:half])
        until(lambda: rows_of(log, Assessment))
        until(lambda: server.xlen(stream()) < half)  # a snapshot was put away
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait(10) == -signal.SIGKILL
        assert first.stderr
        first.stderr.close()
    with assessing(policy, "--name", "one") as second:
        send(guards, ROWS[half:])
        server.xadd(stream(), {"t": repr(END)})
        expected = alone()
        until(lambda: len(dict.fromkeys(log.read_bytes().splitlines())) >= len(expected))
        until(lambda: read())
        guards[0].assessor.latest("anybody")
        latest = {found.account: found for found in expected}
        until(lambda: all(guards[0].latest(account) == found for account, found in latest.items()))
        second.terminate()
        assert second.wait(20) == 0
    for guard in guards:
        guard.close()
    assert list(dict.fromkeys(log.read_bytes().splitlines())) == [msgspec.json.encode(found) for found in expected]
    alerts = rows_of(tmp_path / "alerts.jsonl", Event)
    assert {alert.account for alert in alerts} == {found.account for found in expected if found.risk >= 0.8 and len(found.families) >= 2}
    assert len({(alert.ts, alert.rule, alert.account) for alert in alerts}) == len(alerts)


def test_it_has_nothing_to_do_on_memory(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ANTIDISTILL_MASTER_KEY", "ab" * 32)
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1")
    assert main(["assess", "--policy", str(path)]) == 2
    assert "write store: redis://" in capsys.readouterr().err


def test_it_wants_the_key_of_the_workers(policy, capsys, monkeypatch):
    monkeypatch.delenv("ANTIDISTILL_MASTER_KEY", raising=False)
    assert main(["assess", "--policy", str(policy)]) == 2
    assert "set ANTIDISTILL_MASTER_KEY for all of them to the same" in capsys.readouterr().err
