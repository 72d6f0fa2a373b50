from __future__ import annotations

import pytest

from antidistill.dialects import OpenAIChat
from antidistill.model import Call, Turn, Usage

chat = OpenAIChat()


def read(**body):
    return chat.read(body)


def test_a_full_request_is_read():
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "developer", "content": [{"type": "text", "text": "be kind"}]},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]},
        ],
        "stream": True,
        "max_tokens": 9,
        "n": 2,
        "temperature": 0,
        "top_p": 0.9,
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 5,
        "logit_bias": {"50256": -100},
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "search"}}],
        "user": "u1",
    }
    assert chat.read(body) == Call(
        dialect="openai.chat",
        model="m",
        system="be brief\n\nbe kind",
        turns=(Turn("user", "hello"), Turn("assistant", "hi"), Turn("user", "look")),
        stream=True,
        max_tokens=9,
        n=2,
        temperature=0.0,
        top_p=0.9,
        seed=7,
        logprobs=True,
        top_logprobs=5,
        biased=True,
        structured=True,
        tools=("search",),
        sub_identity="u1",
        input_tokens=(8 + 7 + 5 + 2 + 4) // 4 + 3 * 3,
    )


def test_an_empty_request_is_read():
    assert chat.read({}) == Call(dialect="openai.chat")


@pytest.mark.parametrize(
    ("message", "turn"),
    [
        pytest.param({"role": "user", "content": "a"}, Turn("user", "a"), id="string"),
        pytest.param({"role": "user", "content": ["a", {"type": "text", "text": "b"}]}, Turn("user", "a\nb"), id="parts"),
        pytest.param({"role": "user", "content": {"type": "text", "text": "a"}}, Turn("user", "a"), id="one part"),
        pytest.param({"role": "user", "content": 5}, Turn("user", ""), id="number"),
        pytest.param({"role": "user"}, Turn("user", ""), id="nothing"),
        pytest.param({"role": ["user"], "content": "a"}, Turn("user", "a"), id="role of another type"),
        pytest.param({"content": "a"}, Turn("user", "a"), id="no role"),
        pytest.param({"role": "tool", "tool_call_id": "1", "content": "42"}, Turn("tool", "42"), id="tool result"),
        pytest.param({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, Turn("assistant", "no"), id="refusal"),
        pytest.param(
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": '{"a":1}'}}]},
            Turn("assistant", 'f {"a":1}'),
            id="tool call",
        ),
        pytest.param({"role": "assistant", "tool_calls": "f", "content": "a"}, Turn("assistant", "a"), id="tool calls of another type"),
        pytest.param({"role": "assistant", "function_call": {"name": "f"}}, Turn("assistant", "f"), id="function call"),
        pytest.param({"role": "user", "content": "a\ud800"}, Turn("user", "a?"), id="lone surrogate"),
    ],
)
def test_a_message_becomes_a_turn(message, turn):
    assert read(messages=[message]).turns == (turn,)


@pytest.mark.parametrize("messages", [{}, "hello", 5, None, True, [None, 5, "x", [{}]]])
def test_messages_of_another_type_lose_nothing_else(messages):
    call = read(messages=messages, model="m", max_tokens=5)
    assert (call.turns, call.model, call.max_tokens) == ((), "m", 5)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 5}, 5),
        ({"max_tokens": 5, "max_completion_tokens": 9}, 9),
        ({"max_tokens": "abc", "max_completion_tokens": 9}, 9),
        ({"max_tokens": "12"}, 12),
        ({"max_tokens": 10**40}, 2**53),
        ({"max_tokens": 0}, None),
        ({"max_tokens": -1}, None),
        ({"max_tokens": True}, None),
        ({"max_tokens": [5]}, None),
    ],
)
def test_max_tokens_is_a_usable_bound_or_none(body, expected):
    assert chat.read(body).max_tokens == expected


@pytest.mark.parametrize(("value", "expected"), [(3, 3), ("3", 3), ("three", 1), (-1, 1), (True, 1), (None, 1), ([], 1), (10**40, 2**53)])
def test_n_is_at_least_one(value, expected):
    assert read(n=value).n == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (False, 0)),
        ({"logprobs": True}, (True, 0)),
        ({"logprobs": "true", "top_logprobs": "5"}, (True, 5)),
        ({"logprobs": True, "top_logprobs": -1}, (True, 2**53)),
        ({"prompt_logprobs": 3}, (True, 3)),
        ({"prompt_logprobs": 0}, (True, 0)),
        ({"logprobs": [], "top_logprobs": {}}, (False, 0)),
    ],
)
def test_log_probabilities_are_noticed(body, expected):
    call = chat.read(body)
    assert (call.logprobs, call.top_logprobs) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"response_format": {"type": "json_schema"}}, True),
        ({"response_format": {"type": "text"}}, False),
        ({"response_format": "json"}, False),
        ({"response_format": {"type": ["json_object"]}}, True),
        ({"guided_json": {"type": "object"}}, True),
        ({"guided_json": None}, False),
    ],
)
def test_structured_output_is_noticed(body, expected):
    assert chat.read(body).structured is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"user": "a"}, "a"),
        ({"user": "a", "safety_identifier": "b"}, "b"),
        ({"metadata": {"user_id": "c"}}, "c"),
        ({"user": 5, "metadata": {"user_id": "c"}}, "c"),
        ({"user": "", "metadata": "x"}, None),
        ({"user": "x" * 5000}, "x" * 256),
    ],
)
def test_the_claimed_end_user_is_read(body, expected):
    assert chat.read(body).sub_identity == expected


def test_tools_of_both_kinds_are_named():
    tools = [{"function": {"name": "a"}}, {"function": {"name": 5}}, "x", {"function": []}]
    assert read(tools=tools, functions=[{"name": "b"}]).tools == ("a", "b")


def test_input_is_estimated_by_bytes_and_turns():
    assert read(messages=[{"role": "user", "content": "é" * 40}] * 2).input_tokens == 160 // 4 + 6


@pytest.mark.parametrize(
    ("body", "caps", "expected"),
    [
        pytest.param({"max_tokens": 5}, {"max_tokens": 10}, None, id="within"),
        pytest.param({"max_tokens": 50}, {"max_tokens": 10}, {"max_tokens": 10}, id="above"),
        pytest.param({}, {"max_tokens": 10}, {"max_tokens": 10}, id="none"),
        pytest.param({"max_tokens": None}, {"max_tokens": 10}, {"max_tokens": 10}, id="null"),
        pytest.param({"max_tokens": "lots"}, {"max_tokens": 10}, {"max_tokens": 10}, id="nonsense"),
        pytest.param({"max_tokens": 0}, {"max_tokens": 10}, {"max_tokens": 10}, id="zero"),
        pytest.param({"max_tokens": "8"}, {"max_tokens": 10}, None, id="a string within"),
        pytest.param({"max_completion_tokens": 50}, {"max_tokens": 10}, {"max_completion_tokens": 10}, id="the other name"),
        pytest.param({"max_completion_tokens": 5}, {"max_tokens": 10}, None, id="within by the other name"),
        pytest.param(
            {"max_completion_tokens": 50, "max_tokens": 60}, {"max_tokens": 10}, {"max_completion_tokens": 10, "max_tokens": 10}, id="both"
        ),
        pytest.param({"n": 8}, {"n": 2}, {"n": 2}, id="n"),
        pytest.param({"n": "8"}, {"n": 2}, {"n": 2}, id="n as a string"),
        pytest.param({}, {"n": 2}, None, id="no n"),
        pytest.param({"n": "x"}, {"n": 2}, None, id="n of nonsense is the host's to refuse"),
        pytest.param({"top_logprobs": 20}, {"top_logprobs": 5}, {"top_logprobs": 5}, id="top_logprobs"),
        pytest.param({"top_logprobs": -1}, {"top_logprobs": 5}, {"top_logprobs": 5}, id="the whole vocabulary"),
        pytest.param({"prompt_logprobs": 9}, {"top_logprobs": 5}, {"prompt_logprobs": 5}, id="prompt_logprobs"),
        pytest.param({}, {"temperature": 1}, None, id="a name that is not known"),
    ],
)
def test_a_cap_bounds_a_parameter(body, caps, expected):
    before = dict(body)
    changed = chat.cap(body, caps)
    assert changed == (None if expected is None else {**before, **expected})
    assert body == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}, Usage(3, 4)),
        ({"usage": {"completion_tokens": 4}}, Usage(0, 4)),
        ({"usage": {"prompt_tokens": -3, "completion_tokens": -4}}, Usage(0, 0)),
        ({"usage": {"prompt_tokens": 3}}, None),
        ({"usage": {"prompt_tokens": True, "completion_tokens": "x"}}, None),
        ({"usage": None}, None),
        ({"usage": [1]}, None),
        ({}, None),
    ],
)
def test_usage_is_read(body, expected):
    assert chat.usage(body) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "héllo"}, 6),
        ({"content": [{"type": "text", "text": "ab"}, {"type": "text", "text": "cd"}]}, 5),
        ({"content": None, "refusal": "no"}, 2),
        ({"content": "a", "reasoning_content": "bcd", "reasoning": "bcd"}, 4),
        ({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, 4),
        ({"content": 5}, 0),
        ("x", 0),
    ],
)
def test_text_counts_all_output(message, expected):
    assert chat.text({"choices": [{"message": message}]}) == expected
    assert chat.text({"choices": [{"delta": message}, {"delta": message}]}) == 2 * expected
