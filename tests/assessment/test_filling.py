from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.filling import Filling, read


def of(marks: str) -> Filling | None:
    return read(tuple(range(100, 100 + len(marks))), marks)


@pytest.mark.parametrize(
    ("marks", "place", "shared", "new"),
    [
        pytest.param("33333333000000", 0, True, True, id="head shared, rest new"),
        pytest.param("00000033333333", 13, True, True, id="tail shared, rest new"),
        pytest.param("0033333333000000", 2, True, True, id="shared from the third word on, behind a nonce"),
        pytest.param("333333330000333333333", 20, True, True, id="the longer edge names the frame"),
        pytest.param("33333333000333333333300", 20, True, True, id="a tail that starts within reach"),
        pytest.param("3333333333333333", 0, True, False, id="all shared: one text, no value"),
        pytest.param("33333333002", 0, True, False, id="hardly anything new"),
        pytest.param("3333333311111100000", 0, False, True, id="common wording in a tenant's own template"),
        pytest.param("11111111000000", 0, False, True, id="a tenant's own frame, new value"),
        pytest.param("22222222000000", 0, False, True, id="a frame of two tenants"),
        pytest.param("11111111111111", 0, False, False, id="a prompt repeated"),
        pytest.param("33333333222222", 0, True, False, id="a value that others used"),
    ],
)
def test_a_prompt_is_a_frame_and_what_fills_it(marks, place, shared, new):
    filling = of(marks)
    assert filling is not None
    assert (filling.anchor - 100, filling.shared, filling.new) == (place, shared, new)


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param("", id="empty"),
        pytest.param("0000000000", id="all new"),
        pytest.param("3333333", id="too short"),
        pytest.param("3333033330000", id="broken up"),
        pytest.param("0000000033333333000000000", id="shared wording in the middle only"),
    ],
)
def test_not_every_prompt_has_a_frame(marks):
    assert of(marks) is None


def test_the_same_value_has_the_same_hash_wherever_it_stands():
    frame, value = tuple(range(500, 510)), (7, 3, 9, 4)
    one, other = read(frame + value, "3333333333" + "0000"), read(value + frame, "0000" + "3333333333")
    assert one is not None
    assert other is not None
    assert one.value == other.value


@given(st.text("0123", max_size=112))
def test_reading_is_total(marks):
    filling = of(marks)
    assert filling is None or 100 <= filling.anchor < 100 + len(marks)
