"""Filters of seed corpora, from the command to the evidence."""

from __future__ import annotations

import io
import json
import random
import re
from pathlib import Path

import pytest

from antidistill.cli import main
from antidistill.policy import load_policy
from antidistill.replay import Replay
from antidistill.replay.line import decode
from antidistill.text.seeds import SeedFilter
from tests.assessment.traffic import words
from tests.logs import START, row, write

RNG = random.Random(6)
SEEDS = [words(RNG, 20) for _ in range(100)]


def build(folder: Path, *options: str) -> int:
    write(folder / "corpus.jsonl.gz", [{"instruction": seed, "n": number} for number, seed in enumerate(SEEDS)])
    return main(["seeds", "build", str(folder / "corpus.jsonl.gz"), "--out", str(folder / "seeds.bin"), *options])


def test_a_filter_is_made_of_rows(tmp_path, capsys):
    assert build(tmp_path, "--field", "instruction", "--field", "input") == 0
    assert "seeds.bin: 100 texts, " in capsys.readouterr().out
    assert all(SeedFilter(tmp_path / "seeds.bin").knows(seed) for seed in SEEDS)


def test_a_filter_is_made_of_lines(tmp_path):
    (tmp_path / "corpus.txt").write_text("\n".join(SEEDS))
    assert main(["seeds", "build", str(tmp_path / "corpus.txt"), "--out", str(tmp_path / "seeds.bin"), "--rate", "0.001"]) == 0
    assert SeedFilter(tmp_path / "seeds.bin").header.rate == 0.001


def test_a_field_that_no_row_has_is_explained(tmp_path, capsys):
    assert build(tmp_path) == 2
    assert "name the field that holds the texts with --field" in capsys.readouterr().err


def test_a_rate_that_makes_no_sense_is_explained(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        build(tmp_path, "--rate", "1")
    assert "between 1e-12 and 0.1" in capsys.readouterr().err


def test_an_account_that_works_through_a_corpus_shows_and_one_that_asks_freely_does_not(tmp_path):
    build(tmp_path, "--field", "instruction")
    asked = {"harvest": [f"please explain {seed}" for seed in SEEDS], "person": [words(RNG, 20) for _ in SEEDS]}
    rows = [
        row(number, START + number, account, body={"model": "m", "messages": [{"role": "user", "content": text}]})
        for account, texts in asked.items()
        for number, text in enumerate(texts)
    ]
    replay = Replay(load_policy({"version": 1, "assessment": {"seeds": [str(tmp_path / "seeds.bin")]}}, {}))
    findings = replay.run([decode(json.dumps(one).encode()) for one in sorted(rows, key=lambda one: one["ts"])])
    file = io.BytesIO()
    findings.write_accounts(file)
    told = {one["account"]: {piece["signal"]: piece for piece in one["evidence"]} for one in map(json.loads, file.getvalue().splitlines())}
    assert told["harvest"]["seeds"]["weight"] == 1.5
    assert re.fullmatch(r"(\d+) of \1 prompts hold wording of known seed corpora", told["harvest"]["seeds"]["reason"])
    assert "seeds" not in told["person"]
