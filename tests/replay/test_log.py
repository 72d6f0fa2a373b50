from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path

import pytest

from antidistill.replay import Broken, Log, merge
from antidistill.replay import log as log_module
from tests.logs import START, row, write


def fail(broken: Broken) -> None:
    raise AssertionError(str(broken))


def ids(path: Path, broken: list[Broken] | None = None) -> list[str]:
    return [line.id for line in Log(path, (broken if broken is not None else []).append)]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_a_log_is_read_plain_or_compressed(tmp_path, name):
    assert ids(write(tmp_path / name, [row(1), row(2)])) == ["r1", "r2"]


def test_compression_shows_in_the_content_and_not_in_the_name(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(json.dumps(row(1)).encode()))
    assert ids(path) == ["r1"]


def test_a_log_may_come_through_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    source = write(tmp_path / "log.jsonl.gz", [row(1), row(2)])
    writer = threading.Thread(target=lambda: pipe.write_bytes(source.read_bytes()))
    writer.start()
    log = Log(pipe, fail)
    assert [line.id for line in log] == ["r1", "r2"]
    assert log.position == log.size == 0
    writer.join()


def test_the_last_line_needs_no_end(tmp_path):
    path = tmp_path / "log"
    path.write_text(json.dumps(row(1)))
    assert ids(path) == ["r1"]


def test_empty_lines_are_no_mistake(tmp_path):
    broken: list[Broken] = []
    assert ids(write(tmp_path / "log", ["", row(1), "   ", row(2), ""]), broken) == ["r1", "r2"]
    assert broken == []


def test_what_is_not_needed_may_be_missing(tmp_path):
    known = {"id": "r1", "ts": 1.5, "account": "a", "method": "POST", "path": "/v1/messages", "status": 200}
    (line,) = Log(write(tmp_path / "log", [known]), fail)
    request = line.request(1000)
    assert (request.body, request.body_state, request.peer, request.attributes) == (b"", "none", None, {})


def test_fields_that_nobody_knows_are_passed_over(tmp_path):
    assert ids(write(tmp_path / "log", [row(1, comment={"x": [1]})])) == ["r1"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("{", "truncated", id="cut short"),
        pytest.param("hello", "malformed", id="no JSON"),
        pytest.param("[]", "Expected `object`", id="no object"),
        pytest.param({"id": "r9"}, "missing required field", id="field missing"),
        pytest.param(row(9, ts="noon"), "Expected `float`, got `str` - at `$.ts`", id="wrong type"),
        pytest.param(row(9, ts=START * 1000), "at `$.ts`", id="milliseconds"),
        pytest.param(row(9, ts=-1.0), "at `$.ts`", id="before 1970"),
        pytest.param(row(9, account=""), "at `$.account`", id="empty account"),
        pytest.param(row(9, account=None), "at `$.account`", id="no account"),
        pytest.param(row(9, status="200"), "at `$.status`", id="status as text"),
        pytest.param(row(9, duration_s=-0.1), "at `$.duration_s`", id="negative duration"),
        pytest.param(row(9, headers=[["host"]]), "at `$.headers[0]`", id="header without value"),
        pytest.param(row(9, ts=float("nan")), "at `$.ts`", id="NaN"),
        pytest.param(row(9, ts=float("inf")), "at `$.ts`", id="infinity"),
        pytest.param(row(9, duration_s=float("nan")), "at `$.duration_s`", id="a duration that is no number"),
        pytest.param(row(9, ts=START - 1), "before", id="time going backwards"),
        pytest.param('{"body":' + "[" * 100_000, "recursion", id="nested without end"),
    ],
)
def test_a_broken_line_is_named_and_skipped(tmp_path, line, reason):
    broken: list[Broken] = []
    path = write(tmp_path / "log", [row(1), line, row(2)])
    assert ids(path, broken) == ["r1", "r2"]
    (one,) = broken
    assert str(one).startswith(f"{path}:2: ")
    assert reason in one.reason


def test_bytes_that_are_no_text_are_named_and_skipped(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"id":"\xff"}\n\xff\xfe\x00\n' + json.dumps(row(1)).encode())
    broken: list[Broken] = []
    assert ids(path, broken) == ["r1"]
    assert [one.number for one in broken] == [1, 2]


def test_a_line_too_long_is_never_held_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "LINE_BYTES", 1 << 20)
    broken: list[Broken] = []
    path = write(tmp_path / "log", [row(1), "x" * (5 << 20), row(2)])
    assert ids(path, broken) == ["r1", "r2"]
    assert [(one.number, one.reason) for one in broken] == [(2, "it is longer than 1 MiB")]


def test_a_compressed_log_that_is_cut_short_gives_what_it_has(tmp_path):
    whole = write(tmp_path / "whole.gz", [row(number, body={"noise": os.urandom(300).hex()}) for number in range(200)])
    path = tmp_path / "cut.gz"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    broken: list[Broken] = []
    found = ids(path, broken)
    assert 80 < len(found) < 120
    assert [one.number for one in broken] == [len(found) + 1]
    assert "cannot be read from here on" in broken[0].reason


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "bad.gz"
    path.write_bytes(b"\x1f\x8b" + b"no such thing")
    broken: list[Broken] = []
    assert ids(path, broken) == []
    assert [one.number for one in broken] == [1]


def test_a_log_that_is_not_there_is_an_error_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        Log(tmp_path / "none", fail)


def test_several_logs_are_merged_by_time_and_then_by_their_order(tmp_path):
    one = write(tmp_path / "one", [row(1, START), row(2, START + 5), row(3, START + 9)])
    other = write(tmp_path / "other.gz", [row(4, START + 1), row(5, START + 5)])
    logs = [Log(one, fail), Log(other, fail)]
    assert [line.id for line in merge(logs)] == ["r1", "r4", "r2", "r5", "r3"]


def test_the_position_grows_to_the_size_of_the_file(tmp_path):
    log = Log(write(tmp_path / "log.gz", [row(1), row(2)]), fail)
    assert log.position == 0
    list(log)
    assert log.position == log.size


def test_the_body_is_what_was_logged_to_the_byte(tmp_path):
    body = '{"b":  1,"a":"\\u00e9", "b": 1e3}'
    text = json.dumps(row(1)).replace(json.dumps(row(1)["body"]), body)
    (line,) = Log(write(tmp_path / "log", [text]), fail)
    assert line.request(1000).body == body.encode()


@pytest.mark.parametrize(
    ("body", "read"),
    [
        pytest.param('{"temperature": NaN}', b'{"temperature":NaN}', id="NaN"),
        pytest.param('{"user": "\\ud800"}', b'{"user":"\\ud800"}', id="lone surrogate"),
        pytest.param('{"seed": 1' + "0" * 400 + "}", b'{"seed": 1' + b"0" * 400 + b"}", id="huge number"),
    ],
)
def test_a_body_may_hold_what_lenient_hosts_accept(tmp_path, body, read):
    text = json.dumps(row(1)).replace(json.dumps(row(1)["body"]), body)
    (line,) = Log(write(tmp_path / "log", [text]), fail)
    assert line.request(1000).body == read


def test_a_body_over_the_limit_is_cut_as_live_traffic_is(tmp_path):
    (line,) = Log(write(tmp_path / "log", [row(1, body={"x": "y" * 500})]), fail)
    request = line.request(100)
    assert (len(request.body), request.body_state) == (100, "truncated")


def test_a_body_that_nobody_reads_is_left_out(tmp_path):
    (line,) = Log(write(tmp_path / "log", [row(1)]), fail)
    assert (line.request(0).body, line.request(0).body_state) == (b"", "none")


def test_a_request_comes_as_from_a_trusted_edge(tmp_path):
    (line,) = Log(write(tmp_path / "log", [row(1, org="org_x", account="acct_b")]), fail)
    request = line.request(1000)
    assert request.attested
    assert (request.principal, request.peer, request.attributes) == ("acct_b", "10.1.2.3", {"org": "org_x"})
    assert request.headers == ((b"host", b"api.example"), (b"user-agent", b"OpenAI/Python 1.99.0"))


def test_a_logged_content_encoding_does_not_hide_the_body(tmp_path):
    (line,) = Log(write(tmp_path / "log", [row(1, headers=[["Content-Encoding", "gzip"], ["x", "ü"]])]), fail)
    assert line.request(1000).headers == ((b"x", "ü".encode()),)
