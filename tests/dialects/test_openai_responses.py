from __future__ import annotations

import pytest

from antidistill.dialects import OpenAIResponses
from antidistill.model import Turn, Usage

responses = OpenAIResponses()


@pytest.mark.parametrize(
    ("value", "turns"),
    [
        pytest.param("hi", (Turn("user", "hi"),), id="text"),
        pytest.param([{"role": "user", "content": "hi"}], (Turn("user", "hi"),), id="message"),
        pytest.param(
            [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image"}]}],
            (Turn("user", "a"),),
            id="parts",
        ),
        pytest.param(
            [{"type": "function_call", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "output": "42"}],
            (Turn("assistant", "f {}"), Turn("tool", "42")),
            id="function call",
        ),
        pytest.param(
            [{"type": "custom_tool_call", "name": "f", "input": "x"}, {"type": "custom_tool_call_output", "output": [{"text": "y"}]}],
            (Turn("assistant", "f x"), Turn("tool", "y")),
            id="custom tool call",
        ),
        pytest.param([{"type": "reasoning", "summary": []}, {"type": "item_reference", "id": "1"}, 5], (), id="items without text"),
        pytest.param([{"content": "hi"}], (Turn("user", "hi"),), id="no role"),
        pytest.param({"role": "user"}, (), id="an object"),
        pytest.param(7, (), id="a number"),
    ],
)
def test_input_of_any_form_is_read(value, turns):
    assert responses.read({"input": value}).turns == turns


def test_instructions_and_developer_items_are_system_text():
    body = {"instructions": "a", "input": [{"role": "developer", "content": "b"}, {"role": "user", "content": "c"}]}
    call = responses.read(body)
    assert (call.system, call.prompt) == ("a\n\nb", "c")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (False, 0)),
        ({"top_logprobs": 3}, (True, 3)),
        ({"include": ["message.output_text.logprobs"]}, (True, 0)),
        ({"include": "message.output_text.logprobs"}, (False, 0)),
        ({"include": [[]], "top_logprobs": "x"}, (False, 0)),
    ],
)
def test_log_probabilities_are_noticed(body, expected):
    call = responses.read(body)
    assert (call.logprobs, call.top_logprobs) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"text": {"format": {"type": "json_schema"}}}, True), ({"text": {"format": {"type": "text"}}}, False), ({"text": 5}, False)],
)
def test_structured_output_is_noticed(body, expected):
    assert responses.read(body).structured is expected


def test_tools_are_named_by_name_or_type():
    assert responses.read({"tools": [{"type": "function", "name": "f"}, {"type": "web_search"}, {}]}).tools == ("f", "web_search")


@pytest.mark.parametrize(
    ("body", "caps", "expected"),
    [
        ({}, {"max_tokens": 7}, {"max_output_tokens": 7}),
        ({"max_output_tokens": 9}, {"max_tokens": 7}, {"max_output_tokens": 7}),
        ({"max_output_tokens": 5}, {"max_tokens": 7}, None),
        ({"top_logprobs": 9}, {"top_logprobs": 1, "n": 1}, {"top_logprobs": 1}),
    ],
)
def test_a_cap_bounds_a_parameter(body, caps, expected):
    assert responses.cap(body, caps) == expected


ANSWER = {
    "object": "response",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "abc"}, {"type": "refusal", "refusal": "no"}]},
        {"type": "function_call", "name": "f", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4},
}


def test_an_answer_is_read():
    assert (responses.text(ANSWER), responses.usage(ANSWER)) == (2 + 6 + 2, Usage(3, 4))


def test_an_event_that_ends_a_response_reports_usage_and_no_text():
    event = {"type": "response.completed", "response": ANSWER}
    assert (responses.text(event), responses.usage(event)) == (0, Usage(3, 4))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("response.output_text.delta", 3),
        ("response.function_call_arguments.delta", 3),
        ("response.reasoning_summary_text.delta", 3),
        ("response.output_text.done", 0),
        ("response.audio.delta", 0),
        (["response.output_text.delta"], 0),
    ],
)
def test_only_deltas_are_new_text(kind, expected):
    assert responses.text({"type": kind, "delta": "abc", "text": "abc"}) == expected
