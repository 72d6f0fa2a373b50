from __future__ import annotations

import pytest

from antidistill.dialects.guarded import Fault, GuardedText
from tests.dialects.transformers import LastWord


class FailsFirst(LastWord):
    """Fails before it takes a piece in."""

    def feed(self, text):
        if "!" in text:
            raise RuntimeError("no")
        return super().feed(text)


def run(begin, *pieces, fault=None):
    text = GuardedText(begin, fault or Fault())
    return [text.feed(piece) for piece in pieces] + [text.flush()]


def test_a_sound_transformer_is_left_alone():
    assert run(LastWord, "one two", " three") == ["ONE ", "TWO ", "THREE"]


def test_after_a_failure_what_was_held_comes_first_and_the_rest_passes():
    fault = Fault()
    assert run(FailsFirst, "one two", "!x", " three", fault=fault) == ["ONE ", "TWO!x", " three", ""]
    assert fault.raised


class Keeps:
    """Takes everything in, then fails, and still gives it back."""

    def __init__(self):
        self.held = ""

    def feed(self, text):
        self.held += text
        if "!" in text:
            raise RuntimeError("no")
        return ""

    def flush(self):
        return self.held


def test_a_piece_that_was_taken_in_before_the_failure_comes_once():
    assert run(Keeps, "one ", "two!", "three") == ["", "one two!", "three", ""]


class Never:
    def __init__(self):
        raise RuntimeError("no")


class FlushFails(LastWord):
    def flush(self):
        raise RuntimeError("no")


class NotText(LastWord):
    def feed(self, text):
        return None


@pytest.mark.parametrize(
    ("begin", "out"),
    [
        pytest.param(Never, ["one two", ""], id="it does not begin"),
        pytest.param(FlushFails, ["ONE ", ""], id="it does not flush"),
        pytest.param(NotText, ["one two", ""], id="it returns something else"),
    ],
)
def test_any_failure_is_noticed_and_stays_inside(begin, out):
    fault = Fault()
    assert run(begin, "one two", fault=fault) == out
    assert fault.raised


def test_the_failure_of_one_text_ends_the_transformation_of_all():
    fault = Fault()
    first, second = GuardedText(LastWord, fault), GuardedText(Keeps, fault)
    assert first.feed("one two") == "ONE "
    second.feed("!")
    assert first.feed(" three") == "TWO three"
    assert GuardedText(LastWord, fault).feed("one") == "one"
