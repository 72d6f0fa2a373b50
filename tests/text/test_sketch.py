from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.text.sketch import SHINGLE, Recent, Tally, digest, seed_of, shingles, skeleton

SEED = 7
TEXT = " ".join(f"word{n}" for n in range(400))


def test_hashes_are_the_same_in_every_process():
    script = f"from antidistill.text.sketch import *; print(digest('text', {SEED}), shingles('a b c d e', {SEED}))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "1"})
    assert printed.stdout.strip() == f"{digest('text', SEED)} {shingles('a b c d e', SEED)}"


def test_hashes_mean_nothing_under_another_seed():
    assert digest("text", 1) != digest("text", 2)
    assert not set(shingles(TEXT, 1)) & set(shingles(TEXT, 2))


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (SHINGLE - 1, 0), (SHINGLE, 1), (SHINGLE + 9, 10)])
def test_there_is_a_shingle_for_every_run_of_words(count, expected):
    assert len(shingles(" ".join("w" * count), SEED)) == expected


def test_texts_with_a_passage_in_common_share_its_shingles():
    passage = "one two three four five six seven"
    assert len(set(shingles(f"a b {passage}", SEED)) & set(shingles(f"{passage} y z", SEED))) == 3


def test_shingles_go_by_words_not_by_bytes():
    assert shingles("é ü 写 一 首 诗", SEED)[0] == shingles("é ü 写 一 首", SEED)[0]


def test_a_lone_surrogate_can_be_hashed():
    assert digest("\ud800", SEED)
    assert len(shingles("a b c d \ud800", SEED)) == 1


@given(st.lists(st.integers(0, 2**64 - 1), max_size=400))
def test_a_skeleton_is_small_and_in_order(hashes):
    kept = skeleton(hashes)
    assert len(kept) <= 112
    rest = iter(hashes)
    assert all(hash in rest for hash in kept)


def test_a_skeleton_keeps_both_edges():
    hashes = shingles(TEXT, SEED)
    assert skeleton(hashes)[:48] == tuple(hashes[:48])
    assert skeleton(hashes)[-32:] == tuple(hashes[-32:])


def test_skeletons_sample_a_common_middle_alike():
    hashes = shingles(TEXT, SEED)
    one, other = (
        skeleton([*range(1, 200, 2), *hashes[100:200], *range(1, 200, 2)]),
        skeleton([*range(3, 203, 2), *hashes[100:200], *range(3, 203, 2)]),
    )
    assert set(one) & set(hashes) == set(other) & set(hashes) != set()


def test_a_seed_comes_from_a_number_or_from_key_material():
    assert seed_of(5) == 5
    assert seed_of(-1) == 2**64 - 1
    assert seed_of(b"key one") != seed_of(b"key two")


@pytest.mark.parametrize("distinct", [0, 1, 100, 2048, 8000])
def test_a_tally_is_about_right(distinct):
    rng = random.Random(3)
    tally = Tally(2048)
    for hash in [rng.getrandbits(64) for _ in range(distinct)] * 2:
        tally.add(hash)
    assert tally.count() == pytest.approx(distinct, rel=0.15)


def test_recent_hashes_are_known():
    recent = Recent(1 << 10)
    assert recent.add(5)
    assert not recent.add(5)


def test_a_recent_hash_is_never_called_new():
    rng = random.Random(3)
    recent = Recent(1 << 10)
    for hash in (rng.getrandbits(64) for _ in range(5_000)):
        recent.add(hash)
        assert not recent.add(hash)


def test_few_new_hashes_are_called_known_however_many_came():
    rng = random.Random(3)
    recent = Recent(1 << 10)
    assert sum(recent.add(rng.getrandbits(64)) for _ in range(10_000)) > 7_500
