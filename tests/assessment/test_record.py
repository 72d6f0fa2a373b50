"""The record: what is written, how much of it, and what becomes of trouble."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from antidistill.assessment import Assessor
from antidistill.assessment.observation import Observation
from antidistill.assessment.record import RecordConfig, Recorder, check_of
from antidistill.assessment.rotation import Rotation
from antidistill.keyring import Keyring
from tests.assessment.traffic import SEED, exchange

RING = Keyring([b"0123456789abcdef"])


def now() -> float:
    return 1_700_000_000.0


def recorder(folder: Path, **config: Any) -> Recorder:
    return Recorder(RecordConfig(folder=str(folder), **config), RING, now)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_a_file_begins_with_a_header_and_has_a_line_for_every_observation(tmp_path):
    record = recorder(tmp_path / "deep" / "record")
    record.add(Observation("acct", 1, 2.0, skeleton=(2**64 - 1,)))
    record.close()
    header, line = lines(tmp_path / "deep" / "record")
    assert header == {"antidistill": "record", "version": 1, "check": check_of(RING)}
    assert (line["account"], line["skeleton"]) == ("acct", [2**64 - 1])
    assert record.lost == 0


def test_no_text_is_in_the_record(tmp_path):
    record = recorder(tmp_path)
    assessor = Assessor(SEED, record=record.add)
    assessor.learn(exchange("acct", "a rare secret that nobody must ever read in any file"))
    record.close()
    assert "secret" not in json.dumps(lines(tmp_path))
    assert len(lines(tmp_path)) == 2


def test_the_check_value_tells_keys_apart():
    assert check_of(RING) == check_of(Keyring([b"0123456789abcdef"])) != check_of(Keyring([b"another key, as long"]))


def test_what_cannot_wait_is_counted_as_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("antidistill.assessment.record._WAITING", 2)
    held = threading.Event()
    monkeypatch.setattr(Recorder, "_run", lambda self: held.wait())
    record = recorder(tmp_path)
    for _ in range(5):
        record.add(Observation("acct", 1, 2.0))
    assert record.lost == 3
    held.set()
    record.close()


def test_what_comes_after_the_end_is_counted_as_lost(tmp_path):
    record = recorder(tmp_path)
    record.close()
    record.add(Observation("acct", 1, 2.0))
    assert record.lost == 1


def test_a_disk_that_fails_costs_the_batch_and_says_so_once(tmp_path, monkeypatch, caplog):
    def fail(self: Rotation, lines: list[bytes]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Rotation, "write", fail)
    record = recorder(tmp_path)
    record.add(Observation("acct", 1, 2.0))
    record.close()
    assert record.lost == 1
    assert [entry.getMessage() for entry in caplog.records] == [
        "the record cannot be written (No space left on device): check record.folder and its disk; further failures are only counted"
    ]


def test_an_observation_that_no_json_can_hold_costs_its_batch_alone(tmp_path):
    record = recorder(tmp_path)
    record.add(Observation("\ud800", 1, 2.0))
    record.close()
    assert record.lost == 1


# --- files -----------------------------------------------------------------------------------------------------------


def rotation(folder: Path, clock: list[float], **bounds: Any) -> Rotation:
    return Rotation(folder, "part", b"head", **{"size": 100, "age": 60.0, "keep": 3, **bounds}, clock=lambda: clock[0])


def contents(folder: Path) -> list[bytes]:
    return [gzip.decompress(path.read_bytes()) for path in sorted(folder.glob("*.gz"))]


def test_a_full_file_is_followed_by_the_next(tmp_path):
    files = rotation(tmp_path, [0.0])
    for _ in range(3):
        files.write([b"x" * 60])
    files.close()
    assert [content.count(b"x" * 60) for content in contents(tmp_path)] == [2, 1]
    assert all(content.startswith(b"head\n") for content in contents(tmp_path))


def test_an_old_file_is_followed_by_the_next(tmp_path):
    clock = [0.0]
    files = rotation(tmp_path, clock)
    for ts in (0.0, 59.0, 61.0):
        clock[0] = ts
        files.write([b"line"])
    files.close()
    assert contents(tmp_path) == [b"head\nline\nline\n", b"head\nline\n"]


def test_the_oldest_files_are_deleted_and_nothing_else(tmp_path):
    (tmp_path / "part-of-something.txt").write_text("mine")
    clock = [0.0]
    files = rotation(tmp_path, clock, size=1)
    for ts in range(6):
        clock[0] = float(ts)
        files.write([b"%d" % ts])
    files.close()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gz", ".gz", ".gz", ".txt"]
    assert [content[-2:-1] for content in contents(tmp_path)[:3]] == [b"3", b"4", b"5"]


def test_what_was_written_can_be_read_while_the_file_is_open(tmp_path):
    files = rotation(tmp_path, [0.0])
    files.write([b"line"])
    with gzip.open(next(tmp_path.iterdir())) as read:
        assert [read.readline(), read.readline()] == [b"head\n", b"line\n"]
    files.close()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileExistsError):
        rotation(tmp_path / "taken", [0.0])
