from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antidistill.policy.document import BROKEN, Document, Problems
from antidistill.policy.yaml12 import read_yaml

PIECES = st.sampled_from(
    [*"\t\n -:?[]{},&*!|>'\"%@`#~a1.", "- ", ": ", "a: ", "\n  ", "${A}", "${", "\x00", "\x85", "\ufeff", "😀", "--- ", "<<"]
)


def read(text, **environ):
    problems = Problems(Document("policy.yaml"))
    read_yaml(text, environ, problems)
    return problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("True", True),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("-5", -5),
        ("1_000", 1000),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("+.INF", float("inf")),
        ("2027-01-31", "2027-01-31"),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"${A}"', "7"),
        ("${A}", 7),
        ("${B:-true}", True),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text, value):
    assert read(f"a: {text}", A="7").document.data == {"a": value}


def test_places_are_counted_from_one():
    document = read("a: 1\nb:\n  - {c: x}\n").document
    assert document.marks["b", 0, "c"] == (3, 9)
    assert document.keys["b", 0, "c"] == (3, 6)


def test_what_stands_beside_a_mistake_is_still_read():
    problems = read("a: *x\nb: ${NO}\nc: 3\n")
    assert problems.document.data == {"a": BROKEN, "b": BROKEN, "c": 3}
    assert problems.errors == 2


def test_of_two_equal_keys_the_first_holds():
    problems = read("a: {b: 1}\na: {b: 2}\n")
    assert problems.document.data == {"a": {"b": 1}}
    assert problems.document.marks["a", "b"] == (1, 8)


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "{a: " * 50_000, "- " * 50_000, "[a," * 50_000], ids=["lists", "mappings", "items", "commas"]
)
def test_deep_nesting_is_refused_at_once(text):
    begin = time.perf_counter()
    problems = read(text)
    assert [problem.code for problem in problems.listed()] == ["AD008"]
    assert time.perf_counter() - begin < 10


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
@example("\ufeff--- ")
def test_no_text_crashes_the_reader(text):
    problems = read(text)
    assert problems.errors or problems.document.data is not BROKEN
