from __future__ import annotations

import os
import subprocess
import sys

import pytest

from antidistill import siblings
from antidistill.opening import open_guard

CHILD = f"""
import runpy, sys
noticed = runpy.run_path({siblings.__file__!r})["noticed"]  # the rest of the package would take its time
print(noticed(sys.stdin.readline()), flush=True)
sys.stdin.readline()
"""


def child(policy: str) -> subprocess.Popen[str]:
    """A worker process of ours that guards until it is told to end."""
    process = subprocess.Popen([sys.executable, "-c", CHILD], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(f"{policy}\n")
    process.stdin.flush()
    return process


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def workers():
    started: list[subprocess.Popen[str]] = []

    def start(policy: str) -> str:
        started.append(child(policy))
        return said(started[-1])

    yield start
    for process in started:
        process.communicate("\n")


def test_the_second_worker_of_a_server_notices_the_first(workers):
    assert [workers("one policy") for _ in range(3)] == ["False", "True", "True"]


def test_a_worker_with_another_policy_is_another_server(workers):
    assert [workers("one policy"), workers("another policy")] == ["False", "False"]


def test_a_worker_that_has_ended_is_forgotten():
    for _ in range(2):
        process = child("one policy")
        assert said(process) == "False"
        process.communicate("\n")


def test_a_process_is_no_sibling_of_itself():
    assert [siblings.noticed("this test") for _ in range(2)] == [False, False]


def test_a_file_that_cannot_be_used_stops_nothing(monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(siblings, "_held", [])
    monkeypatch.setattr(os, "open", forbidden)
    assert siblings.noticed("this test") is False


@pytest.mark.parametrize(("store", "words"), [("memory", 1), ("redis://localhost/0", 0)])
def test_several_workers_on_memory_are_told_what_to_do(store, words, monkeypatch, caplog):
    monkeypatch.setattr("antidistill.opening.noticed", lambda policy: True)
    open_guard({"version": 1, "store": store}, None, environ={"ANTIDISTILL_MASTER_KEY": "ab" * 32}).close()
    assert caplog.text.count("run `antidistill assess`") == words
