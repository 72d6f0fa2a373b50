from __future__ import annotations

from typing import get_args

import pytest

from antidistill.model import Call, Unit
from antidistill.quotas import Costs, estimate


def call(**fields):
    return Call("openai.chat", input_tokens=100, **fields)


CALLS = {
    "with a bound on output": (call(max_tokens=50), Costs(1, 100, 50)),
    "without a bound on output": (call(), Costs(1, 100, 1_000)),
    "with several answers": (call(max_tokens=50, n=4), Costs(1, 100, 200)),
    "with several answers and no bound": (call(n=2), Costs(1, 100, 2_000)),
    "without output": (call(max_tokens=0), Costs(1, 100, 0)),
    "with nonsense for bounds": (call(max_tokens=-5, n=0), Costs(1, 100, 0)),
}


@pytest.mark.parametrize(("asked", "costs"), CALLS.values(), ids=CALLS)
def test_a_call_reserves_its_input_and_all_output_that_it_may_ask_for(asked, costs):
    assert estimate(asked, default_output_tokens=1_000, body_bytes=9_999) == costs


def test_a_body_that_nobody_could_read_reserves_by_its_size():
    assert estimate(None, default_output_tokens=1_000, body_bytes=4_001) == Costs(1, 1_001, 1_000)


def test_a_request_without_a_body_reserves_no_tokens():
    assert estimate(None, default_output_tokens=1_000, body_bytes=0) == Costs(1, 0, 0)


@pytest.mark.parametrize(
    ("unit", "cost"),
    {"requests": 1, "tokens": 150, "input_tokens": 100, "output_tokens": 50, "concurrent": 1}.items(),
)
def test_every_unit_has_its_cost(unit, cost):
    assert Costs(1, 100, 50).of(unit) == cost


def test_no_unit_is_forgotten():
    assert set(get_args(Unit)) == {"requests", "tokens", "input_tokens", "output_tokens", "concurrent"}
