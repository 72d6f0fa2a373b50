from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.text.normalise import HEAD, TAIL, normalise


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("Write  a\n\tPOEM", "write a poem", id="case and spacing"),
        pytest.param("room 12, floor 3", "room 0, floor 0", id="numbers"),
        pytest.param("ＡＢＣ １２", "abc 0", id="full width"),
        pytest.param("١٢٣ جمل", "0 جمل", id="numbers of other scripts"),
        pytest.param("pass\u200bword\u00ad", "password", id="invisible characters"),
        pytest.param("Straße", "strasse", id="case folding"),
        pytest.param("写一首诗ok", "写 一 首 诗 ok", id="characters as words"),
        pytest.param("かなカナ", "か な カ ナ", id="kana"),
        pytest.param("ภาษา", "ภ า ษ า", id="Thai"),
        pytest.param("한국어 시", "한국어 시", id="Korean has spaces"),
        pytest.param("שלום עולם", "שלום עולם", id="right to left"),
        pytest.param(" \n ", "", id="blank"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_text_has_one_canonical_form(text, canonical):
    assert normalise(text) == canonical


def test_direction_marks_make_no_new_text():
    assert normalise("\u202bשלום\u202c") == normalise("שלום")


def test_of_a_long_text_the_edges_are_kept():
    text = "begin " + "x" * (1 << 20) + " end"
    canonical = normalise(text)
    assert canonical.startswith("begin ")
    assert canonical.endswith(" end")
    assert len(canonical) <= HEAD + TAIL + 1


@pytest.mark.parametrize("character", ["\ufdfa", "\u3300", "中", "ก", "é", "\u202b"], ids=ascii)
def test_the_canonical_form_of_a_mebibyte_is_small_in_any_script(character):
    assert len(normalise(character * (1 << 20))) <= 40 * (HEAD + TAIL)


def test_every_format_character_is_invisible():
    hidden = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
    assert [character for character in hidden if normalise(f"pass{character}word") != "password"] == []


def test_texts_that_differ_beyond_the_edges_only_are_the_same():
    middle = "a " * HEAD
    assert normalise(middle + "one " * 500 + middle) == normalise(middle + "two " * 500 + middle)


def test_a_lone_surrogate_is_only_a_character():
    assert normalise("a \ud800 b") == "a \ud800 b"


@given(st.text(max_size=300))
def test_the_canonical_form_of_a_canonical_form_is_itself(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=300))
def test_words_are_parted_by_single_spaces(text):
    assert "" not in normalise(text).split(" ") or normalise(text) == ""
