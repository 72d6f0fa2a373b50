"""Log-probabilities leave no answer and are not asked for, whatever the API; nothing else is touched."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from antidistill.dialects import AnswerRewriter, OpenAIChat, OpenAIResponses
from antidistill.dialects.redact import redact, unasked

TOKENS = [{"token": "yes", "logprob": -0.1, "top_logprobs": [{"token": "no", "logprob": -2.0}]}]
PART = {"type": "output_text", "text": "yes", "logprobs": TOKENS}
BARE = {**PART, "logprobs": []}

SHAPES = [
    pytest.param(
        {"choices": [{"message": {"content": "yes"}, "logprobs": {"content": TOKENS}}]},
        {"choices": [{"message": {"content": "yes"}, "logprobs": None}]},
        id="chat",
    ),
    pytest.param(
        {"choices": [{"delta": {"content": "yes"}, "logprobs": {"content": TOKENS}}]},
        {"choices": [{"delta": {"content": "yes"}, "logprobs": None}]},
        id="chat chunk",
    ),
    pytest.param(
        {"choices": [{"text": "yes", "logprobs": {"tokens": ["yes"]}, "prompt_logprobs": [None]}]},
        {"choices": [{"text": "yes", "logprobs": None, "prompt_logprobs": None}]},
        id="completions",
    ),
    pytest.param(
        {"choices": [], "prompt_logprobs": [None, {"7": {"logprob": -1}}]}, {"choices": [], "prompt_logprobs": None}, id="prompt of vLLM"
    ),
    pytest.param({"output": [{"type": "message", "content": [PART]}]}, {"output": [{"type": "message", "content": [BARE]}]}, id="response"),
    pytest.param(
        {"type": "response.output_text.delta", "delta": "yes", "logprobs": TOKENS},
        {"type": "response.output_text.delta", "delta": "yes", "logprobs": []},
        id="delta",
    ),
    pytest.param({"type": "response.content_part.done", "part": PART}, {"type": "response.content_part.done", "part": BARE}, id="part"),
    pytest.param(
        {"type": "response.output_item.done", "item": {"content": [PART]}},
        {"type": "response.output_item.done", "item": {"content": [BARE]}},
        id="item",
    ),
    pytest.param(
        {"type": "response.completed", "response": {"output": [{"content": [PART]}]}},
        {"type": "response.completed", "response": {"output": [{"content": [BARE]}]}},
        id="completed",
    ),
]


@pytest.mark.parametrize(("payload", "left"), SHAPES)
def test_log_probabilities_are_taken_out_wherever_an_api_has_them(payload, left):
    payload = copy.deepcopy(payload)
    assert redact(payload)
    assert payload == left
    assert not redact(payload)


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"arguments": '{"logprobs": 1}'}}]}, "logprobs": None}]},
        {"content": [{"type": "tool_use", "input": {"logprobs": [1]}}], "type": "message"},
        {"choices": "none", "output": None, "part": 7, "item": [], "response": "x"},
        [{"logprobs": [1]}],
        None,
    ],
    ids=["tool call", "tool use", "odd types", "list", "null"],
)
def test_what_is_no_log_probability_of_an_answer_stays(payload):
    before = copy.deepcopy(payload)
    assert not redact(payload)
    assert payload == before


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"model": "m", "logprobs": True, "top_logprobs": 5, "prompt_logprobs": 1}, {"model": "m"}),
        ({"prompt": "x", "logprobs": 0}, {"prompt": "x"}),
        ({"include": ["message.output_text.logprobs", "other"]}, {"include": ["other"]}),
        ({"model": "m", "include": ["other"]}, None),
        ({"include": 7}, None),
    ],
    ids=["chat", "completions", "responses", "not asked", "odd"],
)
def test_the_host_is_not_asked(body, sent):
    before = copy.deepcopy(body)
    assert unasked(body) == sent
    assert body == before


# --- on their way ----------------------------------------------------------------------------------------------------


class Failing:
    def feed(self, text: str) -> str:
        raise RuntimeError("broken")

    def flush(self) -> str:
        return ""


class Loud:
    def feed(self, text: str) -> str:
        return text.upper()

    def flush(self) -> str:
        return ""


def through(answer: bytes, kind: bytes, size: int = 7, dialect: Any = None, begin: Any = None, **options: Any) -> bytes:
    rewriter = AnswerRewriter(dialect or OpenAIChat(), kind, begin, redacted=True, **options)
    return b"".join(rewriter.feed(answer[at : at + size]) for at in range(0, len(answer), size)) + rewriter.close()


def stream(*payloads: Any) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(payload).encode() for payload in payloads) + b"data: [DONE]\n\n"


CHUNK: dict[str, Any] = {"choices": [{"index": 0, "delta": {"content": "yes"}, "logprobs": {"content": TOKENS}}]}
BEGINS = [
    pytest.param(None, "yes", id="alone"),
    pytest.param(Loud, "YES", id="with a transform"),
    pytest.param(Failing, "yes", id="with one that fails"),
]


@pytest.mark.parametrize(("begin", "text"), BEGINS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_no_chunk_of_a_stream_carries_them(begin, text, size):
    sent = through(stream(CHUNK, CHUNK), b"text/event-stream", size, begin=begin)
    assert b'logprob"' not in sent
    events = [json.loads(line[6:]) for line in sent.decode().split("\n\n") if line.startswith("data: {")]
    assert [event["choices"][0]["delta"]["content"] for event in events] == [text, text]
    assert sent.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(("begin", "text"), BEGINS)
def test_a_whole_answer_does_not_carry_them(begin, text):
    whole = {"choices": [{"index": 0, "message": {"content": "yes"}, "logprobs": {"content": TOKENS}}]}
    sent = json.loads(through(json.dumps(whole).encode(), b"application/json", begin=begin))
    assert sent == {"choices": [{"index": 0, "message": {"content": text}, "logprobs": None}]}


def test_structured_output_loses_them_and_keeps_its_text():
    whole = {"choices": [{"message": {"content": '{"a": 1}'}, "logprobs": {"content": TOKENS}}]}
    sent = json.loads(through(json.dumps(whole).encode(), b"application/json", begin=Loud, structured=True))
    assert sent["choices"][0] == {"message": {"content": '{"a": 1}'}, "logprobs": None}


def test_events_that_repeat_a_text_lose_them_as_well():
    events = [
        {"type": "response.output_text.delta", "delta": "yes", "logprobs": TOKENS},
        {"type": "response.completed", "response": {"output": [{"content": [PART]}]}},
    ]
    assert b"-0.1" not in through(stream(*events), b"text/event-stream", dialect=OpenAIResponses(), begin=Loud)


@pytest.mark.parametrize("kind", [b"application/json", b"text/event-stream"])
def test_an_answer_without_them_passes_byte_for_byte(kind):
    answer = b'data: {"choices":  [{"delta": {"content":"yes"}}]}\n\n' if b"stream" in kind else b'{"choices":  []}'
    assert through(answer, kind) == answer


@pytest.mark.parametrize("answer", [b"", b"{", b"[1]", b'"logprobs"', b"\xff"])
def test_an_answer_that_is_no_json_object_passes(answer):
    assert through(answer, b"application/json") == answer
