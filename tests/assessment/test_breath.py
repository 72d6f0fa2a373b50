from __future__ import annotations

from antidistill.assessment.breath import HELD, Breath, breathing
from antidistill.testing import FakeClock


def test_the_interpreter_is_let_go_once_it_was_held_for_long_enough():
    clock = FakeClock(100.0)
    slept: list[float] = []
    breath = Breath(clock, slept.append)
    for _ in range(100):
        breath()
        clock.advance(HELD / 10)
    assert 9 <= len(slept) <= 11


def test_long_work_lets_go_at_its_end():
    clock = FakeClock(100.0)
    slept: list[float] = []
    breath = Breath(clock, slept.append)
    for _ in range(5):
        breath()
        clock.advance(1.0)
    assert len(slept) == 5


def test_there_is_a_breath_before_each_item():
    told: list[object] = []
    for item in breathing("ab", lambda: told.append("breath")):
        told.append(item)
    assert told == ["breath", "a", "breath", "b"]
