from __future__ import annotations

import pytest

from antidistill.dialects import AnthropicMessages
from antidistill.model import Call, Turn, Usage

messages = AnthropicMessages()


def test_a_full_request_is_read():
    body = {
        "model": "m",
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": [{"type": "text", "text": "hi"}, {"type": "tool_use", "name": "f", "input": {"a": 1}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "content": [{"type": "text", "text": "42"}]}, {"type": "text", "text": "so?"}],
            },
        ],
        "max_tokens": 100,
        "temperature": 1,
        "stream": True,
        "tools": [{"name": "f"}, {"type": "web_search"}],
        "metadata": {"user_id": "u"},
    }
    assert messages.read(body) == Call(
        dialect="anthropic.messages",
        model="m",
        system="be brief",
        turns=(Turn("user", "hello"), Turn("assistant", 'hi\nf {"a":1}'), Turn("tool", "42"), Turn("user", "so?")),
        stream=True,
        max_tokens=100,
        temperature=1.0,
        tools=("f",),
        sub_identity="u",
        input_tokens=(8 + 5 + 12 + 2 + 3) // 4 + 12,
    )


@pytest.mark.parametrize(
    ("content", "turns"),
    [
        pytest.param([{"type": "tool_result", "content": "42"}], (Turn("tool", "42"),), id="a result alone is no user turn"),
        pytest.param([{"type": "tool_result"}], (Turn("tool", ""),), id="an empty result"),
        pytest.param([{"type": "image", "source": {"data": "AAAA"}}], (Turn("user", ""),), id="image"),
        pytest.param([{"type": "document", "source": {"type": "text", "data": "doc"}}], (Turn("user", "doc"),), id="document"),
        pytest.param([{"type": "thinking", "thinking": "hm"}], (Turn("user", "hm"),), id="thinking"),
        pytest.param(None, (Turn("user", ""),), id="nothing"),
        pytest.param(5, (Turn("user", ""),), id="number"),
        pytest.param([], (Turn("user", ""),), id="empty"),
    ],
)
def test_content_of_any_form_is_read(content, turns):
    assert messages.read({"messages": [{"role": "user", "content": content}]}).turns == turns


def test_many_tool_results_take_time_in_proportion():
    content = [{"type": "tool_result", "content": "x"}] * 20_000
    assert len(messages.read({"messages": [{"role": "user", "content": content}]}).turns) == 20_000


def test_content_nested_without_end_is_cut_off():
    content: object = "deep"
    for _ in range(50):
        content = [{"type": "tool_result", "content": content}]
    assert messages.read({"messages": [{"role": "user", "content": content}]}).turns == (Turn("tool", ""),)


@pytest.mark.parametrize("body", [{"output_config": {"format": {"type": "json_schema"}}}, {"output_format": {"type": "json_schema"}}])
def test_structured_output_is_noticed(body):
    assert messages.read(body).structured


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"max_tokens": 500}, {"max_tokens": 100}),
        ({}, {"max_tokens": 100}),
        ({"max_tokens": 100}, None),
        ({"max_tokens": "x"}, {"max_tokens": 100}),
    ],
)
def test_a_cap_bounds_max_tokens_alone(body, expected):
    assert messages.cap(body, {"max_tokens": 100, "n": 1, "top_logprobs": 0}) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, Usage(3, 4)),
        (
            {"usage": {"input_tokens": 3, "output_tokens": 4, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20}},
            Usage(33, 4),
        ),
        ({"usage": {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": None}}, Usage(3, 4)),
        ({"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}}, Usage(3, 1)),
        ({"type": "message_delta", "usage": {"output_tokens": 9}}, Usage(0, 9)),
        ({"usage": {"input_tokens": 3}}, None),
        ({"message": "x", "usage": 5}, None),
    ],
)
def test_usage_is_read(body, expected):
    assert messages.usage(body) == expected


def test_text_counts_all_output():
    blocks = [
        {"type": "text", "text": "abc"},
        {"type": "thinking", "thinking": "hm"},
        {"type": "tool_use", "name": "f", "input": {"a": 1}},
        {"type": "image"},
    ]
    assert messages.text({"content": blocks}) == 3 + 2 + len('f {"a":1}')
    assert messages.text({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "abc"}}) == 3
    assert messages.text({"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{}"}}) == 2
