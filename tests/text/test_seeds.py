"""Seed filters: what they know, how often they are wrong, and what is refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.text.normalise import normalise
from antidistill.text.seeds import SHORTEST, SeedFilter, SeedFilters, SeedsError, build, runs
from tests.assessment.traffic import words

RNG = random.Random(5)
TEXTS = [words(RNG, RNG.randint(SHORTEST, 60)) for _ in range(500)]


def made(folder: Path, texts: list[str], rate: float = 1e-6) -> SeedFilter:
    build(lambda: texts, folder / "seeds.bin", rate, ("corpus.jsonl",))
    return SeedFilter(folder / "seeds.bin")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> SeedFilter:
    return made(tmp_path_factory.mktemp("seeds"), TEXTS)


def test_every_text_of_the_corpus_is_known(seeds):
    assert all(seeds.knows(normalise(text)) for text in TEXTS)


def test_case_spacing_and_numbers_make_no_difference(tmp_path):
    seeds = made(tmp_path, ["Name 3 fruits  that grow on trees in the North of 17 countries"])
    assert seeds.knows(normalise("name 12 FRUITS that grow on trees in the north of 4 countries"))


def test_a_seed_is_known_in_whatever_it_is_wrapped(seeds):
    long = [text for text in TEXTS if len(text.split()) >= 40]
    wrapped = [f"{words(RNG, 30)} {text} {words(RNG, 30)}" for text in long]
    assert sum(seeds.knows(normalise(text)) for text in wrapped) >= 0.99 * len(long) > 100


def test_what_is_not_in_the_corpus_is_not_known(seeds):
    assert not any(seeds.knows(words(RNG, 50)) for _ in range(2000))


def test_a_text_too_short_to_tell_is_never_known(tmp_path):
    assert not made(tmp_path, ["write a poem", "write me a poem"]).knows("write a poem")


@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_the_rate_of_false_positives_is_what_the_header_says(tmp_path, rate):
    seeds = made(tmp_path, TEXTS, rate)
    rng = random.Random(9)
    wrong = sum(seeds.has(rng.getrandbits(62) * 4) for _ in range(40_000)) / 40_000
    assert seeds.header.rate == rate
    assert wrong <= 1.3 * rate + 0.0003


def test_the_header_says_what_is_in_it(seeds):
    header = seeds.header
    assert (header.texts, header.rate, header.corpora) == (500, 1e-6, ("corpus.jsonl",))
    assert header.bits / header.runs == pytest.approx(28.8, abs=0.1)


def test_several_filters_are_one(tmp_path):
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, text in zip(paths, TEXTS, strict=False):
        path.mkdir()
        made(path, [text])
    known = SeedFilters([str(path / "seeds.bin") for path in paths])
    assert [known.knows(normalise(text)) for text in TEXTS[:3]] == [True, True, False]


@given(st.text(max_size=300))
def test_any_text_has_few_runs_and_the_same_ones_each_time(text):
    canonical = normalise(text)
    found = list(runs(canonical))
    assert found == list(runs(canonical))
    assert len(found) <= max(1, len(canonical.split()))
    assert bool(found) is (len(canonical.split(" ")) >= SHORTEST)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (None, "cannot be read (No such file"),
        (b"", "is no seed filter"),
        (b"hello\n" * 10, "is no seed filter"),
        (b'{"antidistill":"record","version":1,"check":"x"}\n', "is no seed filter"),
        (b'{"antidistill":"seeds","version":2,"texts":1,"runs":1,"rate":0.1,"bits":8,"probes":1}\n0', "version 2"),
        (b'{"antidistill":"seeds","version":1,"texts":1,"runs":1,"rate":0.1,"bits":80,"probes":1}\n0', "cut short"),
    ],
    ids=["missing", "empty", "something else", "a record", "another version", "cut short"],
)
def test_what_is_no_filter_is_refused(tmp_path, content, advice):
    if content is not None:
        (tmp_path / "seeds.bin").write_bytes(content)
    with pytest.raises(SeedsError) as refused:
        SeedFilter(tmp_path / "seeds.bin")
    assert advice in str(refused.value)
    assert "antidistill seeds build" in str(refused.value) or "build it anew" in str(refused.value)


def test_a_corpus_without_texts_makes_no_filter(tmp_path):
    with pytest.raises(SeedsError, match="--field"):
        build(lambda: ["a b c"], tmp_path / "seeds.bin")
    assert not (tmp_path / "seeds.bin").exists()
