"""A record is replayed as the traffic that it was made of."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from antidistill.assessment.observation import Observation
from antidistill.assessment.record import RecordConfig, Recorder
from antidistill.cli import main
from antidistill.keyring import Keyring
from antidistill.model import Mode
from antidistill.policy import load_policy
from antidistill.replay import Broken, Findings, Line, Log, Replay, merge
from antidistill.replay.line import decode
from antidistill.replay.record import Entry, RecordError, in_order
from antidistill.replay.replay import KEY
from tests.logs import START, campaign, row, write

RULES = [{"id": "watch", "when": {"campaign.risk": {"ge": 0.5}}, "then": [{"throttle": {"limit": "5/day"}}, {"alert": {}}]}]
HEADER = {"antidistill": "record", "version": 1, "check": "0123456789abcdef"}


def replayed(lines: Any, mode: Mode = Mode.SHADOW, record: Recorder | None = None, **policy: Any) -> tuple[Findings, list[bytes]]:
    """Replays lines; returns the findings and the files, campaigns without their names, which the key makes."""
    decisions = io.BytesIO()
    replay = Replay(load_policy({"version": 1, "mode": str(mode), "rules": RULES, **policy}, {}), decisions)
    replay.guard.assessor.record = None if record is None else record.add
    findings = replay.run(lines)
    if record is not None:
        record.close()
    assert replay.failures() == {}
    accounts, campaigns = io.BytesIO(), io.BytesIO()
    findings.write_accounts(accounts)
    findings.write_campaigns(campaigns)
    return findings, [accounts.getvalue(), campaigns.getvalue(), decisions.getvalue()]


def recorded(folder: Path, rows: list[dict[str, Any]], **config: Any) -> tuple[list[bytes], list[Path]]:
    """Replays rows and records them; returns what came of it, and the record."""
    recorder = Recorder(RecordConfig(folder=str(folder), **config), Keyring([KEY]), lambda: START)
    _, files = replayed([decode(json.dumps(one).encode()) for one in rows], record=recorder)
    return files, sorted(folder.iterdir())


def merged(paths: list[Path]) -> Iterable[Line]:
    return merge([Log(path, fail) for path in paths])


def fail(broken: Broken) -> None:
    pytest.fail(str(broken))


def without_ids(decisions: bytes) -> list[dict[str, Any]]:
    return [{**json.loads(line), "id": None} for line in decisions.splitlines()]


def varied() -> list[dict[str, Any]]:
    """A campaign whose answers take more or less long, so that exchanges end in another order than they begin."""
    return [
        {**one, "duration_s": 1.0 + number * 37 % 60, "status": 429 if number % 11 == 0 else 200} for number, one in enumerate(campaign(25))
    ]


def test_a_record_gives_the_accounts_campaigns_and_decisions_of_the_log_that_it_was_made_of(tmp_path):
    (accounts, campaigns, decisions), logs = recorded(tmp_path, varied())
    _, again = replayed(merged(logs))
    assert again[0] == accounts
    assert again[1] == campaigns
    assert without_ids(again[2]) == without_ids(decisions)
    assert b'"flagged":true' in accounts
    assert campaigns


def test_another_policy_may_be_tried_on_a_record(tmp_path):
    _, logs = recorded(tmp_path, campaign())
    quotas = [
        {"id": "hourly", "per": "account", "limit": "3/hour", "burst": 1},
        {"id": "output", "per": "account", "unit": "tokens", "limit": "20/day", "burst": 20},
    ]
    findings, _ = replayed(merged(logs), Mode.ENFORCE, rules=[], quotas=quotas, estimates={"output_tokens": 1})
    assert findings.tallies["hourly", "quota"].did > 0
    assert findings.tallies["output", "quota"].did > 0


def test_rules_read_of_a_recorded_call_what_was_observed(tmp_path):
    body = {"model": "large", "logprobs": True, "temperature": 0, "n": 3, "messages": [{"role": "user", "content": "hello"}]}
    _, logs = recorded(tmp_path, [row(1, body=body)])
    when = {"request.model": "large", "request.logprobs": True, "request.temperature": 0, "request.n": 3, "request.turns": 1}
    rule = {"id": "seen", "when": {**when, "request.dialect": "openai.chat"}, "then": [{"alert": {}}]}
    findings, _ = replayed(merged(logs), rules=[rule])
    assert findings.tallies["seen", "alert"].requests == 1


def test_the_mode_off_decides_nothing_on_a_record(tmp_path):
    _, logs = recorded(tmp_path, campaign())
    assert replayed(merged(logs), Mode.OFF)[1][2] == b""


def test_several_files_of_a_record_are_one(tmp_path):
    files, logs = recorded(tmp_path, varied(), file_bytes=1 << 15)
    assert len(logs) > 3
    assert replayed(merged(logs))[1][:2] == files[:2]


def test_entries_come_by_when_they_began_as_far_as_there_is_room_to_wait():
    entries = [Entry(Observation("a", 1, ts), b"", number) for number, ts in enumerate([5.0, 3.0, 4.0, 9.0, 1.0])]
    assert [entry.observation.ts for entry in in_order(entries)] == [1.0, 3.0, 4.0, 5.0, 9.0]
    assert [entry.observation.ts for entry in in_order(entries, held=2)] == [3.0, 4.0, 1.0, 5.0, 9.0]


# --- what cannot be read ---------------------------------------------------------------------------------------------


def record_of(path: Path, *observations: Observation | str, **header: Any) -> Path:
    return write(path, [{**HEADER, **header}, *(one if isinstance(one, str) else structs.asdict(one) for one in observations)])


def lines_of(path: Path) -> tuple[list[Line], list[str]]:
    broken: list[Broken] = []
    return list(Log(path, broken.append)), [f"{one.number}: {one.reason}" for one in broken]


def test_a_broken_line_is_named_and_skipped(tmp_path):
    path = record_of(tmp_path / "r.jsonl", Observation("a", 1, 5.0), "{", Observation("a", 1, -1.0), Observation("b", 1, 6.0))
    lines, broken = lines_of(path)
    assert [(line.id, line.account) for line in lines] == [("r.jsonl:2", "a"), ("r.jsonl:5", "b")]
    assert [text.partition(":")[0] for text in broken] == ["3", "4"]


def test_files_of_one_key_may_be_joined_and_others_may_not(tmp_path):
    one = record_of(tmp_path / "one", Observation("a", 1, 5.0)).read_bytes()
    other = record_of(tmp_path / "other", Observation("b", 1, 5.0), check="f" * 16).read_bytes()
    (tmp_path / "joined").write_bytes(one + one + other)
    lines, broken = lines_of(tmp_path / "joined")
    assert [line.account for line in lines] == ["a", "a"]
    assert broken == ["5: a record of another key begins here; give each a file of its own"]


def test_a_record_that_a_crash_cut_short_is_read_up_to_there(tmp_path):
    record_of(tmp_path / "whole.gz", *(Observation(f"acct-{n}", n, 5.0, skeleton=(n,) * 50) for n in range(300)))
    (tmp_path / "cut.gz").write_bytes((tmp_path / "whole.gz").read_bytes()[:-100])
    lines, broken = lines_of(tmp_path / "cut.gz")
    assert 100 < len(lines) < 300
    assert "cannot be read from here on" in broken[-1]


def test_a_record_of_another_version_is_refused(tmp_path):
    log = Log(record_of(tmp_path / "r", version=2), fail)
    with closing(log), pytest.raises(RecordError, match="of version 2, and this antidistill reads 1"):
        list(log)


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_takes_a_record_and_says_so(tmp_path, capsys):
    recorded(tmp_path, campaign())
    assert main(["replay", *map(str, tmp_path.iterdir())]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Recorded observations: hashes as recorded (key " in told
    assert "Not known of them, and no ground for quotas or rules: path, headers" in told


@pytest.mark.parametrize("other", ["log", "record"])
def test_hashes_of_several_keys_are_not_mixed(tmp_path, other, capsys):
    record = record_of(tmp_path / "r.jsonl", Observation("a", 1, 5.0))
    second = write(tmp_path / "log.jsonl", [row(1)]) if other == "log" else record_of(tmp_path / "s.jsonl", check="f" * 16)
    assert main(["replay", str(record), str(second)]) == 2
    assert "cannot be replayed together: r.jsonl is a record of key 0123456789abcdef" in capsys.readouterr().err


def test_a_policy_that_records_does_not_record_its_replay(tmp_path):
    (tmp_path / "policy.yaml").write_text(f"version: 1\nrecord: {{folder: {tmp_path}/record}}\n")
    assert main(["replay", str(write(tmp_path / "log.jsonl", [row(1)])), "--policy", str(tmp_path / "policy.yaml")]) == 0
    assert not (tmp_path / "record").exists()


def test_a_compressed_file_says_what_it_is(tmp_path):
    recorded(tmp_path, [row(1)])
    with gzip.open(next(tmp_path.iterdir())) as file:
        assert json.loads(file.readline())["antidistill"] == "record"
