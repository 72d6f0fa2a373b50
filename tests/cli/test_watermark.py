"""mark, detect, trace and audit-model, one after the other as their users run them."""

from __future__ import annotations

import gzip
import json

import pytest

from antidistill.cli import main
from antidistill.cli.rows import read as read_row
from antidistill.cli.trace import thread as thread_of
from tests.prose import prose

ACCOUNTS = [f"acct_{number}" for number in range(60)]
GUILTY = ACCOUNTS[:3]


@pytest.fixture(autouse=True)
def master_key(monkeypatch):
    monkeypatch.setenv("ANTIDISTILL_MASTER_KEY", "5a" * 32)


def write(path, rows):
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def marked(tmp_path):
    """Answers to three accounts, marked."""
    rows = [{"id": number, "text": prose(number), "account": GUILTY[number % 3]} for number in range(30)]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "marked.jsonl"
    assert main(["mark", str(source), "--out", str(out)]) == 0
    return out


@pytest.fixture
def accounts(tmp_path):
    path = tmp_path / "accounts.txt"
    path.write_text("\n".join([*ACCOUNTS, "", ACCOUNTS[0]]))
    return path


def test_marking_keeps_order_and_all_other_fields(marked):
    rows = read(marked)
    assert [row["id"] for row in rows] == list(range(30))
    assert all(set(row) == {"id", "text", "account"} for row in rows)
    assert any(row["text"] != prose(row["id"]) for row in rows)


def test_the_account_is_detected_and_another_is_not(marked, tmp_path, capsys):
    own = write(tmp_path / "own.jsonl", [row for row in read(marked) if row["account"] == GUILTY[0]])
    results = {}
    for account in (GUILTY[0], "acct_59"):
        capsys.readouterr()
        assert main(["detect", str(own), "--account", account, "--json"]) == 0
        results[account] = json.loads(capsys.readouterr().out)
    assert results[GUILTY[0]]["p_value"] < 1e-6 < 1e-2 < results["acct_59"]["p_value"]
    assert "coin" in results[GUILTY[0]]["null"]


def test_no_evidence_is_said_as_such(tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("Nothing here.")
    assert main(["detect", str(text), "--account", "acct_1"]) == 0
    assert capsys.readouterr().out.startswith("No evidence")


def test_a_leak_is_traced_to_its_accounts_and_to_nobody_else(marked, accounts, tmp_path, capsys):
    leak = write(
        tmp_path / "leak.jsonl", [*({"text": row["text"]} for row in read(marked)), *({"text": prose(seed)} for seed in range(500, 530))]
    )
    out = tmp_path / "suspects.jsonl"
    assert main(["trace", str(leak), "--accounts", str(accounts), "--out", str(out)]) == 0
    suspects = read(out)
    assert {row["account"] for row in suspects if row["accused"]} == set(GUILTY)
    assert all(set(row) == {"account", "log10_e", "p_value", "texts", "accused"} for row in suspects)
    printed = capsys.readouterr()
    assert "1 lines repeat an account" in printed.err
    assert "accused" in printed.out


def test_a_corpus_that_nobody_marked_accuses_nobody(accounts, tmp_path):
    clean, out = write(tmp_path / "clean.jsonl", [{"text": prose(seed), "thread": seed // 2} for seed in range(60)]), tmp_path / "out.jsonl"
    assert main(["trace", str(clean), "--accounts", str(accounts), "--out", str(out)]) == 0
    assert not any(row["accused"] for row in read(out))


@pytest.mark.parametrize(
    ("row", "thread"),
    [
        ({}, ""),
        ({"thread": None}, ""),
        ({"thread": ""}, ""),
        ({"thread": "null and void"}, "null and void"),
        ({"thread": 7}, "7"),
        ({"thread": ["null"]}, '["null"]'),
    ],
    ids=["none", "null", "empty", "a name", "a number", "a list"],
)
def test_a_thread_is_what_the_row_calls_it(row, thread):
    assert thread_of(read_row(1, json.dumps({"text": "", **row}).encode(), ("text",))) == thread


def test_broken_rows_beyond_those_named_are_counted(tmp_path, capsys):
    source = write(tmp_path / "in.jsonl", ["{"] * 25)
    assert main(["mark", str(source), "--out", str(tmp_path / "out.jsonl")]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("5 more broken rows")


def test_a_model_that_repeats_marked_answers_is_recognised_and_another_is_not(tmp_path, capsys):
    source, out = write(tmp_path / "in.jsonl", [{"text": prose(n), "account": f"a{n}"} for n in range(200)]), tmp_path / "out.jsonl"
    main(["mark", str(source), "--out", str(out), "--tier", "2"])
    found = []
    for path, reference in ((out, []), (source, []), (out, ["--reference", str(source)])):
        capsys.readouterr()
        assert main(["audit-model", str(path), "--json", *reference]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert min(found[0]["z"], found[2]["z"]) > 1.5 > abs(found[1]["z"])
    assert [result["reference"] for result in found] == [0, 0, 200]
    assert all("trained" in result["limits"] for result in found)


BROKEN = [
    "{",
    '{"text": 3, "account": "a"}',
    '{"account": "a"}',
    "[1]",
    '{"text": "\\ud800 lone", "account": "a"}',
    '{"text": "", "account": "a"}',
]


def test_broken_rows_are_named_and_pass_while_the_rest_is_marked(tmp_path, capsys):
    source, out = (
        write(tmp_path / "in.jsonl", [*BROKEN, {"text": prose(1), "account": "a", "n": 12345678901234567890}]),
        tmp_path / "out.jsonl",
    )
    assert main(["mark", str(source), "--out", str(out)]) == 1
    assert out.read_text().splitlines()[:6] == BROKEN
    assert read_last(out)["n"] == 12345678901234567890
    assert capsys.readouterr().err.count(f"{source}:") == 4


def read_last(path):
    return json.loads(path.read_text().splitlines()[-1])


def test_broken_rows_of_a_corpus_are_named_and_left_out(accounts, tmp_path, capsys):
    corpus = write(tmp_path / "corpus.jsonl", [*BROKEN, {"text": prose(1)}])
    assert main(["trace", str(corpus), "--accounts", str(accounts), "--out", str(tmp_path / "out.jsonl")]) == 0
    assert f"{corpus}:1: " in capsys.readouterr().err


def test_gzip_is_read(tmp_path):
    source, out = tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl"
    with gzip.open(source, "wt") as file:
        file.write(json.dumps({"text": prose(1), "account": "a"}))
    assert main(["mark", str(source), "--out", str(out)]) == 0
    assert len(read(out)) == 1


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["mark", "missing.jsonl", "--out", "out.jsonl"], "No such file"),
        (["mark", "in.jsonl", "--out", "in.jsonl"], "write to another file"),
        (["trace", "in.jsonl", "--accounts", "empty.txt", "--out", "o"], "write one a line"),
        (["trace", "in.jsonl", "--accounts", "in.jsonl", "--out", "o", "--fdr", "2"], "above 0 and below 1"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(tmp_path, monkeypatch, capsys, arguments, advice):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.jsonl", [{"text": "a", "account": "b"}])
    (tmp_path / "empty.txt").write_text("\n")
    assert main(arguments) == 2
    assert advice in capsys.readouterr().err


def test_without_a_master_key_nothing_is_marked(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ANTIDISTILL_MASTER_KEY")
    source = write(tmp_path / "in.jsonl", [{"text": "a", "account": "b"}])
    assert main(["mark", str(source), "--out", str(tmp_path / "out.jsonl")]) == 2
    assert "ANTIDISTILL_MASTER_KEY" in capsys.readouterr().err
