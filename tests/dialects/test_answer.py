from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.dialects import BUILT_IN, AnswerReader, OpenAIChat
from antidistill.model import Call, Usage

DIALECTS = {dialect.name: dialect for dialect in BUILT_IN}
CALL = Call("any", input_tokens=50)
# Every stream has its own examples.
few = settings(max_examples=30, deadline=None)

JSON, SSE = b"application/json", b"text/event-stream; charset=utf-8"


def events(*payloads, end: bytes = b"\n\n", done: bool = False) -> bytes:
    datas = [json.dumps(payload).encode() for payload in payloads] + [b"[DONE]"] * done
    return b"".join(b"data: " + data + end for data in datas)


def usage(name, body, content_type=JSON, encoding=b"", call=CALL, limit=1 << 20, cuts=()):
    reader = AnswerReader(DIALECTS.get(name), call, content_type, encoding, limit)
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, stop in pairwise(places):
        reader.feed(body[start:stop])
    found = reader.usage()
    assert (found is None) == (name not in DIALECTS)
    return found or Usage()


def delta(text, index=0):
    return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": None}], "usage": None}


CHAT = [delta("word " * 4), delta("more", 1), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
CHAT_USAGE = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}
MESSAGE_START = {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 7, "output_tokens": 1}}}
BLOCK = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word " * 4}}
MESSAGE_DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
TEXT = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "word " * 4}
TEXT_DONE = {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "word " * 4}
COMPLETED = {"type": "response.completed", "response": {"output": [], "usage": {"input_tokens": 7, "output_tokens": 9}}}

STREAMS = [
    pytest.param("openai.chat", events(*CHAT, CHAT_USAGE, done=True), Usage(7, 9), id="chat, with usage"),
    pytest.param("openai.chat", events(*CHAT, done=True), Usage(50, 6, True), id="chat, without usage"),
    pytest.param("openai.chat", events(*CHAT), Usage(50, 6, True), id="chat, without DONE"),
    pytest.param("openai.chat", events(*CHAT, CHAT_USAGE, end=b"\r\n\r\n"), Usage(7, 9), id="chat, CRLF"),
    pytest.param("openai.chat", events(*CHAT, CHAT_USAGE)[:-2], Usage(7, 9), id="chat, without the last blank line"),
    pytest.param("openai.chat", b": hello\n\n" + events(*CHAT) + b": ping\n\n" * 3, Usage(50, 6, True), id="chat, with comments"),
    pytest.param("openai.chat", events({"error": {"message": "no"}}), Usage(50, 0, True), id="chat, an error"),
    pytest.param("openai.chat", events(delta("a" * 8), {**CHAT_USAGE, **delta("b" * 8)}), Usage(50, 4, True), id="chat, usage null"),
    pytest.param("openai.completions", events({"choices": [{"text": "a" * 12}]}), Usage(50, 3, True), id="completions"),
    pytest.param("anthropic.messages", events(MESSAGE_START, BLOCK, MESSAGE_DELTA), Usage(7, 9), id="messages"),
    pytest.param("anthropic.messages", events(MESSAGE_START, BLOCK), Usage(7, 1 + 5, True), id="messages, cut short"),
    pytest.param("openai.responses", events(TEXT, TEXT_DONE, COMPLETED), Usage(7, 9), id="responses"),
    pytest.param("openai.responses", events(TEXT, TEXT_DONE), Usage(50, 5, True), id="responses, cut short"),
]


@pytest.mark.parametrize(("name", "stream", "expected"), STREAMS)
def test_a_stream_is_counted(name, stream, expected):
    assert usage(name, stream, SSE) == expected


@pytest.mark.parametrize(("name", "stream", "expected"), STREAMS)
@few
@given(cuts=st.lists(st.integers(0, 2000), max_size=10))
def test_a_stream_is_counted_the_same_however_it_is_cut(name, stream, expected, cuts):
    assert usage(name, stream, SSE, cuts=cuts) == expected


def test_a_stream_of_events_in_messages_of_their_own_is_counted():
    reader = AnswerReader(OpenAIChat(), CALL, SSE)
    for event in [*CHAT, CHAT_USAGE]:
        reader.feed(events(event))
    assert reader.usage() == Usage(7, 9)


def test_a_stream_that_is_cut_has_the_usage_of_what_left():
    reader = AnswerReader(OpenAIChat(), CALL, SSE)
    seen = []
    for _ in range(3):
        reader.feed(events(delta("a" * 40)))
        seen.append(reader.usage())
    assert seen == [Usage(50, 10, True), Usage(50, 20, True), Usage(50, 30, True)]


def test_usage_in_every_chunk_counts_once():
    stream = events(*({**delta("a" * 40), "usage": {"prompt_tokens": 7, "completion_tokens": count}} for count in (3, 6, 9)))
    assert usage("openai.chat", stream, SSE) == Usage(7, 9)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"choices": [{"delta": {"content": "a" * 12}, "index": "x"}], "usage": "none"}, id="usage of another type"),
        pytest.param({"choices": [5, {"delta": {"content": "a" * 12}}]}, id="a choice of another type"),
        pytest.param({"choices": [{"delta": {"content": "a" * 12}, "logprobs": float("nan")}]}, id="NaN"),
        pytest.param({"choices": [{"delta": {"content": "a" * 11 + "\ud800"}}]}, id="lone surrogate"),
    ],
)
def test_an_odd_event_is_counted_as_far_as_it_goes(event):
    assert usage("openai.chat", events(event), SSE).output_tokens == 3


CHAT_ANSWER = {"choices": [{"message": {"role": "assistant", "content": "a" * 400}}], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}


def without_usage(answer):
    return {key: value for key, value in answer.items() if key != "usage"}


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        pytest.param("openai.chat", CHAT_ANSWER, Usage(7, 9), id="chat"),
        pytest.param("openai.chat", without_usage(CHAT_ANSWER), Usage(50, 100, True), id="chat, without usage"),
        pytest.param("openai.chat", {**CHAT_ANSWER, "usage": None}, Usage(50, 100, True), id="chat, usage null"),
        pytest.param("openai.chat", {**CHAT_ANSWER, "usage": {"completion_tokens": 9}}, Usage(50, 9, True), id="chat, without input"),
        pytest.param("openai.chat", {**CHAT_ANSWER, "odd": float("inf")}, Usage(7, 9), id="chat, with infinity"),
        pytest.param("openai.chat", {"error": {"message": "no"}}, Usage(50, 0, True), id="an error"),
        pytest.param("openai.completions", {"choices": [{"text": "a" * 8}]}, Usage(50, 2, True), id="completions"),
        pytest.param(
            "anthropic.messages",
            {"content": [{"type": "text", "text": "abcd"}], "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 9}},
            Usage(7, 9),
            id="messages",
        ),
        pytest.param("openai.responses", COMPLETED["response"], Usage(7, 9), id="responses"),
        pytest.param("openai.embeddings", {"data": [], "usage": {"prompt_tokens": 7}}, Usage(7, 0), id="embeddings"),
        pytest.param("openai.embeddings", {"data": [{"embedding": [0.5] * 500}]}, Usage(50, 0, True), id="embeddings, without usage"),
    ],
)
def test_a_json_answer_is_counted(name, body, expected):
    assert usage(name, json.dumps(body).encode()) == expected
    assert usage(name, json.dumps(body).encode(), b"application/vnd.x+json; charset=utf-8", cuts=[3, 40]) == expected


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        pytest.param(b"x" * 400, b"text/html", b"", id="another type"),
        pytest.param(b"x" * 400, b"", b"", id="no type"),
        pytest.param(b"x" * 400, JSON, b"", id="not JSON"),
        pytest.param(b"[" + b"1," * 199 + b"]", JSON, b"", id="not an object"),
        pytest.param(b"x" * 400, JSON, b"br", id="unknown encoding"),
        pytest.param(b"x" * 400, SSE, b"zstd", id="a stream in an unknown encoding"),
        pytest.param(b"x" * 400, JSON, b"gzip", id="not gzip"),
    ],
)
def test_what_cannot_be_read_is_estimated_by_its_bytes(body, content_type, encoding):
    assert usage("openai.chat", body, content_type, encoding) == Usage(50, len(body) // 4, True)


def test_embeddings_that_cannot_be_read_cost_no_output():
    assert usage("openai.embeddings", b"x" * 400, JSON, b"br") == Usage(50, 0, True)


def test_an_answer_over_the_limit_is_estimated_and_not_held():
    reader = AnswerReader(OpenAIChat(), CALL, JSON, limit=1 << 16)
    tracemalloc.start()
    for _ in range(1_000):
        reader.feed(b"x" * 10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reader.usage() == Usage(50, 2_500_000, True)
    assert peak < 1 << 18


def test_an_answer_of_exactly_the_limit_is_read():
    body = json.dumps(CHAT_ANSWER).encode()
    assert usage("openai.chat", body, limit=len(body)) == Usage(7, 9)
    assert usage("openai.chat", body, limit=len(body) - 1).estimated


@pytest.mark.parametrize(("encoding", "pack"), [(b"gzip", gzip.compress), (b"GZIP", gzip.compress), (b"deflate", zlib.compress)])
@pytest.mark.parametrize("cuts", [(), (1, 5, 30)])
def test_a_compressed_answer_is_read(encoding, pack, cuts):
    assert usage("openai.chat", pack(json.dumps(CHAT_ANSWER).encode()), JSON, encoding, cuts=cuts) == Usage(7, 9)
    assert usage("openai.chat", pack(events(*CHAT, CHAT_USAGE)), SSE, encoding, cuts=cuts) == Usage(7, 9)


def test_a_compressed_stream_is_counted_while_it_streams():
    packer = zlib.compressobj(wbits=31)
    reader = AnswerReader(OpenAIChat(), CALL, SSE, b"gzip")
    reader.feed(packer.compress(events(delta("a" * 40))) + packer.flush(zlib.Z_SYNC_FLUSH))
    assert reader.usage() == Usage(50, 10, True)


def test_without_a_dialect_nothing_is_counted():
    reader = AnswerReader(None, None, JSON)
    reader.feed(b"{}")
    assert reader.usage() is None


def test_without_a_call_the_input_is_unknown():
    assert usage("openai.chat", events(*CHAT), SSE, call=None) == Usage(0, 6, True)


def test_the_content_type_alone_says_whether_an_answer_streams():
    assert AnswerReader(OpenAIChat(), Call("openai.chat", stream=False), SSE).streamed
    assert not AnswerReader(OpenAIChat(), Call("openai.chat", stream=True), JSON).streamed


class Broken(OpenAIChat):
    def usage(self, body):
        raise RuntimeError("no")

    text = piece = usage


@pytest.mark.parametrize("content_type", [JSON, SSE])
def test_a_dialect_that_fails_costs_only_its_reading(content_type):
    reader = AnswerReader(Broken(), CALL, content_type)
    reader.feed(events(*CHAT))
    usage = reader.usage()
    assert usage is not None
    assert usage.estimated


@given(
    st.sampled_from(list(DIALECTS)),
    st.binary(max_size=80),
    st.sampled_from([JSON, SSE, b"\xff"]),
    st.sampled_from([b"", b"gzip", b"deflate", b"br"]),
)
def test_no_answer_raises(name, body, content_type, encoding):
    usage(name, body, content_type, encoding, cuts=(7, 20))
    usage(name, b"data: " + body + b"\n\n", content_type, encoding)


def test_a_report_of_nothing_at_all_is_no_report():
    body = json.dumps({"choices": [{"message": {"content": "word " * 8}}], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}).encode()
    assert usage("openai.chat", body) == Usage(50, 10, estimated=True)


def test_a_report_of_nothing_at_all_is_no_report_in_a_stream_either():
    stream = events(delta("word " * 8), {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}})
    assert usage("openai.chat", stream, SSE) == Usage(50, 10, estimated=True)
