from __future__ import annotations

import gzip
import importlib.util
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from antidistill.cli import main
from tests.logs import START, campaign, read, row, write

ROOT = Path(__file__).parent.parent.parent
TRAFFIC = ROOT.parent / "shared" / "traffic"

POLICY = """
version: 1
mode: shadow
quotas:
  - {id: hourly, per: account, limit: 3/hour, burst: 1}
rules:
  - {id: watch, when: {campaign.risk: {ge: 0.5}}, then: [{alert: {}}]}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def outputs(folder: Path) -> list[str]:
    return [part for name in ("accounts", "campaigns", "decisions") for part in (f"--{name}", str(folder / f"{name}.jsonl"))]


def test_the_files_that_are_asked_for_are_written(tmp_path, policy):
    log = write(tmp_path / "log.jsonl.gz", campaign())
    assert main(["replay", str(log), "--policy", policy, *outputs(tmp_path)]) == 0
    assert len(read(tmp_path / "accounts.jsonl")) == 15
    assert len(read(tmp_path / "campaigns.jsonl")) == 1
    assert {one["rule"] for one in read(tmp_path / "decisions.jsonl")} == {"hourly", "watch"}


def test_without_a_policy_the_built_in_one_watches(tmp_path, capsys):
    assert main(["replay", str(write(tmp_path / "log", campaign()))]) == 0
    assert "shadow" in capsys.readouterr().out


@pytest.mark.parametrize(("mode", "enforced"), [("shadow", {False}), ("enforce", {True}), ("off", set())])
def test_the_mode_may_be_given(tmp_path, policy, mode, enforced):
    log = write(tmp_path / "log", [row(1), row(2)])
    assert main(["replay", str(log), "--policy", policy, "--mode", mode, *outputs(tmp_path)]) == 0
    assert {one["enforced"] for one in read(tmp_path / "decisions.jsonl")} == enforced


def test_the_report_tells_what_every_rule_did(tmp_path, policy, capsys):
    log = write(tmp_path / "log", [row(1, START), row(2, START + 90), row(3, START + 180, account="acct_b"), "{"])
    main(["replay", str(log), "--policy", policy])
    words = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "accounts 2" in words
    assert "broken lines 1" in words
    assert "failures none" in words
    assert "time of the log 2023-11-14 22:13 to 2023-11-14 22:16 UTC, 0:03:00" in words
    assert "hourly quota 1 1 1" in words


def test_the_report_says_so_where_nothing_happened(tmp_path, capsys):
    main(["replay", str(write(tmp_path / "log", []))])
    out = capsys.readouterr().out
    assert "No rule matched" in out
    assert "time of the log   none" in out


def test_broken_lines_are_named_counted_and_skipped(tmp_path, capsys):
    log = write(tmp_path / "log", [row(1), *["{"] * 25, row(2)])
    assert main(["replay", str(log), *outputs(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert f"{log}:2: " in captured.err
    assert captured.err.count("skipped") == 21
    assert "5 more lines" in captured.err
    assert "25" in captured.out
    assert len(read(tmp_path / "accounts.jsonl")) == 1


def test_nothing_but_complaints_goes_to_stderr_where_nobody_watches(tmp_path, policy, capsys):
    main(["replay", str(write(tmp_path / "log", campaign())), "--policy", policy, "--mode", "enforce"])
    assert capsys.readouterr().err == ""


def test_progress_is_drawn_on_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["replay", str(write(tmp_path / "log", campaign()))])
    assert "requests" in capsys.readouterr().err


def test_several_logs_are_one(tmp_path):
    logs = [write(tmp_path / name, [row(1, account=name)]) for name in ("a", "b.gz")]
    assert main(["replay", *map(str, logs), *outputs(tmp_path)]) == 0
    assert [one["account"] for one in read(tmp_path / "accounts.jsonl")] == ["a", "b.gz"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["none.jsonl"], id="no such log"),
        pytest.param(["log", "none.jsonl"], id="no such second log"),
        pytest.param(["."], id="a folder"),
        pytest.param(["log", "--accounts", "nowhere/accounts.jsonl"], id="output in no folder"),
        pytest.param(["log", "--decisions", "."], id="output is a folder"),
        pytest.param(["log", "--accounts", "log"], id="output is the log"),
        pytest.param(["log", "--accounts", "x", "--decisions", "x"], id="one output twice"),
        pytest.param(["log", "--policy", "none.yaml"], id="no such policy"),
        pytest.param(["log", "--policy", "log"], id="policy is none"),
    ],
)
def test_what_cannot_be_used_is_said_before_any_work(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    log = write(tmp_path / "log", [row(1)])
    before = log.read_bytes()
    assert main(["replay", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()
    assert log.read_bytes() == before


def test_a_full_disk_is_an_error(tmp_path, capsys):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    log = write(tmp_path / "log", [row(1)])
    assert main(["replay", str(log), "--accounts", "/dev/full"]) == 2
    assert "No space left" in capsys.readouterr().err


def test_two_replays_write_the_same_bytes(tmp_path, policy):
    log = write(tmp_path / "log.jsonl.gz", campaign())
    written = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        script = (
            f"import sys; from antidistill.cli import main; sys.exit(main({['replay', str(log), '--policy', policy, *outputs(folder)]!r}))"
        )
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, check=True, capture_output=True
        )
        written.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert written[0] == written[1]
    assert all(written[0])


@pytest.mark.shared
def test_real_traffic_is_read_to_the_end(tmp_path, capsys):
    whole = TRAFFIC / "dev" / "log.jsonl.gz"
    if not whole.exists():
        pytest.skip(f"{whole} is not here")
    with gzip.open(whole, "rt") as file:
        rows = list(itertools.islice(file, 3000))
    log = write(tmp_path / "log.jsonl.gz", [text.rstrip("\n") for text in rows])
    assert main(["replay", str(log), *outputs(tmp_path)]) == 0
    assert "broken lines      0" in capsys.readouterr().out
    seen = Counter(json.loads(text)["account"] for text in rows)
    assert [one["account"] for one in read(tmp_path / "accounts.jsonl")] == list(seen)
    if importlib.util.find_spec("numpy") is not None:
        scorer = [sys.executable, str(TRAFFIC / "score.py"), "--labels", str(TRAFFIC / "dev"), *outputs(tmp_path)]
        assert "unknown 0)" in subprocess.run(scorer, check=True, capture_output=True, text=True).stdout
