from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.dialects import fields

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]))
    | st.sampled_from(["12", "-1", "1e999", "nan", "9" * 30, "1_0", 10**400, " 7 "]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
READERS: list[Callable[[object], object]] = [fields.string, fields.integer, fields.positive, fields.alternatives, fields.number]
READERS += [fields.flag, fields.mapping, fields.objects, fields.size]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@given(value=anything)
def test_no_value_raises(reader, value):
    reader(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5), (0, 0), (-3, -3), (5.0, 5), ("5", 5), ("5.0", 5), (10**30, 2**53), (-(10**30), -(2**53)), (1e300, 2**53),
        (True, None), (None, None), (5.5, None), ("five", None), ("", None), ("1_0", None), ("9" * 30, None),
        (math.nan, None), (math.inf, None), ([], None), ({}, None),
    ],
)  # fmt: skip
def test_integer_reads_what_hosts_read(value, expected):
    assert fields.integer(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(3, 3), ("3", 3), (0, None), (-1, None), (False, None), (10**99, 2**53)])
def test_positive_reads_only_what_is_at_least_one(value, expected):
    assert fields.positive(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(5, 5), (0, 0), (True, 1), (False, None), (-1, 2**53), (None, None), ("x", None)])
def test_alternatives_takes_a_negative_number_for_the_whole_vocabulary(value, expected):
    assert fields.alternatives(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (0.7, 0.7),
        ("0.7", 0.7),
        (-1, -1.0),
        (True, None),
        (math.nan, None),
        ("inf", None),
        (10**400, None),
        ("warm", None),
        ([1], None),
    ],
)
def test_number_reads_finite_numbers(value, expected):
    assert fields.number(value) == expected


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", "YES", "1"])
def test_flag_reads_what_hosts_take_for_true(value):
    assert fields.flag(value)


@pytest.mark.parametrize("value", [False, 0, 2, "false", "", None, [1], {}])
def test_flag_takes_nothing_else_for_true(value):
    assert not fields.flag(value)


def test_string_can_always_be_encoded():
    assert fields.string("a\ud800é").encode() == "a?é".encode()


@given(st.text())
def test_size_is_the_length_in_utf8(text):
    assert fields.size(text) == len(text.encode())
