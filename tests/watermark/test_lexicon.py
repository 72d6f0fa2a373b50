from __future__ import annotations

import gzip
import json
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.errors import LexiconError
from antidistill.watermark.blindness import faults, named
from antidistill.watermark.classes import ANYWHERE, Guard, SlotClass, Tokens
from antidistill.watermark.embed import mark
from antidistill.watermark.lexicon import WAIT, Found, Lexicon, Wait, languages
from antidistill.watermark.slots import INNER, Slot, read
from antidistill.watermark.source import read as read_file

PROSE = Path(__file__).parents[3] / "shared" / "prose"
ENGLISH = Lexicon.load("en")


def only(*words: str) -> Guard:
    return Guard(only=Tokens(frozenset(words)))


def never(*words: str) -> Guard:
    return Guard(never=Tokens(frozenset(words)))


def slot_class(id_: str, zero: str, one: str, before: Guard = ANYWHERE, behind: tuple[Guard, ...] = ()) -> SlotClass:
    return SlotClass(id_, 1, (tuple(zero.split("|")), tuple(one.split("|"))), before, behind)


SMALL = Lexicon(
    "xx",
    "1",
    named(
        [
            slot_class("start", "begin", "start", behind=(only("to"),)),
            slot_class("example", "for example", "for instance"),
            slot_class("also", "additionally|in addition", "furthermore", before=only("")),
            slot_class("about", "about", "around", before=only("begin", "start"), behind=(Guard(only=Tokens(number=True)),)),
        ]
    ),
)


def found(lexicon: Lexicon, text: str, at: int, previous: str = "", *, ended: bool = True) -> str | None:
    outcome = lexicon.find(text.split(), at, previous, ended)
    assert not isinstance(outcome, Wait)
    return outcome and f"{outcome.cls.id}/{outcome.side}/{outcome.length}"


@pytest.mark.parametrize(
    ("text", "at", "previous", "expected"),
    [
        pytest.param("we begin to", 1, "we", "start/0/1", id="a-word"),
        pytest.param("we begin it", 1, "we", None, id="a-guard-behind-fails"),
        pytest.param("see for instance this", 1, "see", "example/1/2", id="a-phrase"),
        pytest.param("see for this", 1, "see", None, id="half-a-phrase"),
        pytest.param("in addition we", 0, "", "also/0/2", id="at-the-start"),
        pytest.param("in addition we", 0, "and", None, id="not-at-the-start"),
        pytest.param("about 50", 0, "start", "about/0/1", id="the-class-before-is-known-by-its-id"),
        pytest.param("about fifty", 0, "start", None, id="no-number"),
    ],
)
def test_find_looks_at_phrase_and_guards(text: str, at: int, previous: str, expected: str | None) -> None:
    assert found(SMALL, text, at, previous) == expected


@pytest.mark.parametrize("text", ["begin", "for", "in"])
def test_find_waits_for_words_that_can_still_come(text: str) -> None:
    assert SMALL.find([text], 0, "", False) is WAIT
    assert SMALL.find([text], 0, "", True) is None


def test_find_never_asks_for_more_than_it_says() -> None:
    assert ENGLISH.lookahead <= 3
    words = ["\ufffc"] * (ENGLISH.lookahead + 1)
    for cls in ENGLISH.classes:
        for variant in cls.variants:
            start = variant.split(" ")
            assert ENGLISH.find((start + words)[: ENGLISH.lookahead + 1], 0, "the", False) is not WAIT


TOKENS = sorted({token for cls in ENGLISH.classes for variant in cls.variants for token in variant.split(" ")} | {"", ",", "5", "running"})


def fits(cls: SlotClass, variant: list[str], words: list[str], previous: str) -> bool:
    behind = [*words[len(variant) :], "", ""]
    guarded = all(guard.admits(token) for guard, token in zip(cls.behind, behind, strict=False))
    return words[: len(variant)] == variant and cls.before.admits(previous) and guarded


@given(
    st.sampled_from([variant.split(" ") for cls in ENGLISH.classes for variant in cls.variants]),
    st.lists(st.sampled_from(TOKENS), max_size=3),
    st.sampled_from(TOKENS),
)
def test_find_finds_what_a_look_at_every_variant_finds(start: list[str], behind: list[str], previous: str) -> None:
    words = start + behind
    fitting = [
        (len(variant), cls.id, side)
        for cls in ENGLISH.classes
        for side, variants in enumerate(cls.sides)
        for variant in map(str.split, variants)
        if fits(cls, variant, words, previous)
    ]
    outcome = ENGLISH.find(words, 0, previous, True)
    assert not isinstance(outcome, Wait)
    assert (outcome and (outcome.length, outcome.cls.id, outcome.side)) == max(fitting, key=lambda fit: fit[0], default=None)


def test_the_longest_phrase_wins() -> None:
    assert found(ENGLISH, "please note that", 0) == "please-note/0/2"
    assert found(ENGLISH, "note that", 0) == "please-note/1/1"


def test_a_canonical_word_is_the_same_for_all_variants() -> None:
    assert SMALL.canonical("begin") == SMALL.canonical("start") == "start"
    assert SMALL.canonical("for example") == SMALL.canonical("for instance")
    assert SMALL.canonical("house") == "house"


def test_shipped_languages_load_and_others_say_what_to_do() -> None:
    assert "en" in languages()
    assert [Lexicon.load(language).language for language in languages()] == list(languages())
    with pytest.raises(LexiconError, match=r"no lexicon for language 'tlh'.*docs/lexicon.md"):
        Lexicon.load("tlh")


@pytest.mark.parametrize("language", ["../en", "en.json", ""])
def test_a_language_is_no_path(language: str) -> None:
    with pytest.raises(LexiconError, match="no lexicon"):
        Lexicon.load(language)


def test_english_has_classes_of_both_tiers_and_habits() -> None:
    tiers = [cls.tier for cls in ENGLISH.classes]
    assert tiers.count(1) > 200
    assert tiers.count(2) >= 15
    assert 20 <= sum(cls.habit for cls in ENGLISH.classes) <= 60


# What must not be changed: homographs and other places that the guards are there for.
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Isn't it great?", id="question"),
        pytest.param("I know how it is.", id="end-of-clause"),
        pytest.param("It's been a while.", id="it-has"),
        pytest.param("Hundreds of people have begun work.", id="participle"),
        pytest.param("The start of the race was late.", id="noun"),
        pytest.param("He would like a house.", id="verb-like"),
        pytest.param("The train is due to arrive.", id="due-to-verb"),
        pytest.param("Ensure the safety of all.", id="ensure-noun"),
        pytest.param("Students need help.", id="help-noun"),
        pytest.param("It was not only cold.", id="not-only"),
        pytest.param("In May, the might of Rome grew.", id="might-noun"),
        pytest.param("How often do you swim?", id="how-often"),
    ],
)
def test_guards_keep_variants_away_from(text: str) -> None:
    assert not [slot for slot in read(text, ENGLISH) if slot.tier == 1]


class Coins:
    """Wants a side that depends on the seed and on a number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def want(self, slot: Slot) -> int:
        return (crc32(f"{slot.cls} {slot.previous}".encode()) >> self.number) & 1


def seeds(text: str) -> list[tuple[str, str]]:
    return [(slot.cls, slot.previous) for slot in read(text, ENGLISH) if not slot.cls.endswith(INNER)]


WORDS = sorted({word for cls in ENGLISH.classes for variant in cls.variants for word in variant.split(" ")})
GUARDS = [guard for cls in ENGLISH.classes for guard in (cls.before, *cls.behind)]
NEIGHBOURS = sorted(
    {word for guard in GUARDS for word in (guard.only or Tokens()).words if word.isalpha()}
    | {"the", "a", "an", "is", "was", ",", "50", "house", "quickly", "being", "and", "."}
)
PHRASES = [variant for cls in ENGLISH.classes for variant in cls.variants]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(PHRASES), st.sampled_from(NEIGHBOURS), st.sampled_from(WORDS)), min_size=1, max_size=40),
    st.integers(0, 31),
)
def test_a_text_reads_the_same_after_exchanges(words: list[str], number: int) -> None:
    text = " ".join(words)
    assert seeds(mark(text, ENGLISH, Coins(number), tier=2)) == seeds(text)


@pytest.mark.shared
@pytest.mark.skipif(not PROSE.exists(), reason="../shared/prose is not here")
@pytest.mark.parametrize("name", ["answers", "human"])
def test_real_prose_reads_the_same_after_exchanges(name: str) -> None:
    with gzip.open(PROSE / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line, _ in zip(file, range(150), strict=False)]
    assert [seeds(mark(text, ENGLISH, Coins(3), tier=2)) for text in texts] == [seeds(text) for text in texts]


@pytest.mark.parametrize(
    ("classes", "advice"),
    [
        pytest.param([slot_class("a", "big", "large"), slot_class("b", "big", "huge")], "exclude each other", id="a-shared-variant"),
        pytest.param(
            [slot_class("a", "big", "large"), slot_class("b", "see", "look", behind=(only("big"),))],
            "name all or none",
            id="a-guard-that-sees",
        ),
        pytest.param(
            [slot_class("a", "as well", "too"), slot_class("b", "well", "fine")], "exclude each other", id="a-variant-inside-a-phrase"
        ),
        pytest.param(
            [slot_class("a", "make", "do"), slot_class("b", "make sure", "check")],
            "exclude each other",
            id="a-variant-that-begins-a-phrase",
        ),
        pytest.param(
            [slot_class("a", "way", "path"), slot_class("b", "by way", "by road")], "exclude each other", id="a-variant-that-ends-a-phrase"
        ),
        pytest.param([slot_class("a", "hint", "idea")], "`a an`", id="an-article"),
    ],
)
def test_ambiguous_classes_are_refused(classes: list[SlotClass], advice: str) -> None:
    found = faults(named(classes))
    assert found
    assert advice in " ".join(found.values())


@pytest.mark.parametrize(
    "classes",
    [
        pytest.param(
            [slot_class("a", "big", "large", before=only("so")), slot_class("b", "big", "huge", before=only("very"))], id="a-guard-before"
        ),
        pytest.param(
            [slot_class("a", "big", "large", behind=(only("one"),)), slot_class("b", "big", "huge", behind=(never("one"),))],
            id="a-guard-behind",
        ),
        pytest.param([slot_class("a", "so well", "too"), slot_class("b", "well", "fine", before=never("so"))], id="kept-out-of-a-phrase"),
        pytest.param(
            [slot_class("a", "big", "large"), slot_class("b", "see", "look", behind=(only("big", "large"),))], id="a-guard-that-names-all"
        ),
        pytest.param([slot_class("a", "hint", "idea", before=never("a", "an"))], id="no-article"),
    ],
)
def test_classes_that_guards_keep_apart_are_taken(classes: list[SlotClass]) -> None:
    assert faults(named(classes)) == {}


def written(folder: Path, *rows: str, lists: str = "{}") -> Path:
    path = folder / "more.json"
    path.write_text('{"version": "7",\n"lists": %s,\n"classes": [\n%s\n]}' % (lists, ",\n".join(rows)), encoding="utf-8")  # noqa: UP031
    return path


GOOD = '{"id": "glad-pleased", "tier": 2, "sides": [["overjoyed"], ["thrilled"]], "not_before": "an a", "after": "@mine"}'


def test_an_extension_joins_with_a_prefix_and_changes_the_digest(tmp_path: Path) -> None:
    lexicon = Lexicon.load("en", written(tmp_path, GOOD, lists='{"mine": "if"}'))
    assert len(lexicon.classes) == len(ENGLISH.classes) + 1
    assert lexicon.digest != ENGLISH.digest
    assert lexicon.version == f"{ENGLISH.version}+7"
    outcome = lexicon.find(["thrilled", "if"], 0, "was", True)
    assert isinstance(outcome, Found)
    assert outcome.cls.id == "private.glad-pleased"


def test_the_digest_is_that_of_the_classes(tmp_path: Path) -> None:
    assert Lexicon.load("en").digest == ENGLISH.digest
    turned = [slot_class("a", "big", "large")], [slot_class("a", "large", "big")]
    assert Lexicon("xx", "1", turned[0]).digest != Lexicon("xx", "1", turned[1]).digest


@pytest.mark.parametrize(
    ("row", "line", "advice"),
    [
        pytest.param('{"id": "x", "tier": 3, "sides": [["a1"], ["b"]]}', 5, "write 1 or 2", id="tier"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["big"], []]}', 5, "at least one variant", id="empty-side"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["big"], ["big"]]}', 5, "write it once", id="twice"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["Big"], ["large"]]}', 5, "lower-case", id="capital"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["a b c d e"], ["large"]]}', 5, "one to four", id="long"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["a b c"], ["d"]], "after": "e", "then": "f"}', 5, "shorter variants", id="far"),
        pytest.param(
            '{"id": "x", "tier": 1, "sides": [["zig"], ["zag"]], "after": "@nothing"}', 5, "add it under lists", id="no-such-list"
        ),
        pytest.param('{"id": "x", "tier": 1, "sides": [["zig"], ["zag"]], "then": "so"}', 5, "directly behind", id="then-without-after"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["zig"], ["zag"]], "wherever": "so"}', 5, "docs/lexicon.md", id="unknown-field"),
        pytest.param('{"id": "x", "tier": 1, "sides": [["zig"], ["zag"]', 6, "docs/lexicon.md", id="no-json"),
        pytest.param(
            '{"id": "x", "tier": 1, "sides": [["often"], ["regularly"]]}', 5, "exclude each other", id="clash-with-a-shipped-class"
        ),
        pytest.param(GOOD, 1, "its own", id="an-id-twice"),
    ],
)
def test_a_mistake_is_named_by_file_and_line(tmp_path: Path, row: str, line: int, advice: str) -> None:
    path = written(tmp_path, GOOD, row, lists='{"mine": "if"}')
    with pytest.raises(LexiconError) as error:
        Lexicon.load("en", path)
    assert f"{path}:{line} " in str(error.value)
    assert advice in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]"])
def test_a_file_that_is_no_lexicon_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "more.json"
    path.write_bytes(content)
    with pytest.raises(LexiconError, match=r"docs/lexicon.md"):
        read_file(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="name a lexicon file that exists"):
        Lexicon.load("en", tmp_path / "nowhere.json")


def test_lists_that_contain_themselves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="contains itself"):
        Lexicon.load("en", written(tmp_path, GOOD, lists='{"mine": "@mine"}'))
