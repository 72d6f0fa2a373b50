from __future__ import annotations

import pytest

from antidistill.dialects import OpenAICompletions
from antidistill.model import Turn, Usage

completions = OpenAICompletions()


@pytest.mark.parametrize(
    ("prompt", "turns", "tokens", "n"),
    [
        pytest.param("abcd", (Turn("user", "abcd"),), 4, 1, id="text"),
        pytest.param(["abcd", "efgh"], (Turn("user", "abcd"), Turn("user", "efgh")), 8, 2, id="texts"),
        pytest.param([1, 2, 3], (Turn("user", ""),), 6, 1, id="tokens"),
        pytest.param([[1, 2, 3], [4]], (Turn("user", ""), Turn("user", "")), 10, 2, id="lists of tokens"),
        pytest.param(None, (), 0, 1, id="nothing"),
        pytest.param({"a": 1}, (), 0, 1, id="an object"),
        pytest.param([{}, None, "abcd"], (Turn("user", "abcd"),), 4, 1, id="a mixture"),
    ],
)
def test_a_prompt_of_any_form_is_read(prompt, turns, tokens, n):
    call = completions.read({"prompt": prompt})
    assert (call.turns, call.input_tokens, call.n) == (turns, tokens, n)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"n": 3}, 3),
        ({"n": 2, "best_of": 5}, 5),
        ({"n": 2, "prompt": ["a", "b", "c"]}, 6),
        ({"best_of": "x", "n": True}, 1),
    ],
)
def test_n_counts_every_answer_that_is_generated(body, expected):
    assert completions.read(body).n == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, (False, 0)), (0, (True, 0)), (5, (True, 5)), (True, (True, 1)), (-1, (True, 2**53)), ("x", (False, 0))]
)
def test_logprobs_is_a_number_here(value, expected):
    call = completions.read({"logprobs": value})
    assert (call.logprobs, call.top_logprobs) == expected


@pytest.mark.parametrize(
    ("body", "caps", "expected"),
    [
        ({"logprobs": 5}, {"top_logprobs": 2}, {"logprobs": 2}),
        ({"logprobs": True}, {"top_logprobs": 0}, {"logprobs": 0}),
        ({"best_of": 9, "n": 1}, {"n": 3}, {"best_of": 3, "n": 1}),
        ({}, {"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens": 7, "logprobs": 1}, {"max_tokens": 7, "top_logprobs": 1}, None),
    ],
)
def test_a_cap_bounds_a_parameter(body, caps, expected):
    assert completions.cap(body, caps) == expected


def test_an_answer_is_read():
    body = {"choices": [{"text": "abc"}, {"text": "é"}, {"text": None}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    assert (completions.text(body), completions.usage(body)) == (5, Usage(1, 2))


def test_structured_output_is_noticed():
    assert completions.read({"guided_regex": "a+"}).structured
    assert not completions.read({"response_format": {"type": "text"}}).structured
