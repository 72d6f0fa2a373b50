from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise

import anthropic
import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.dialects import BUILT_IN, AnswerRewriter, OpenAIChat, decode
from antidistill.dialects.sse import Parser
from tests.dialects.transformers import LastWord

DIALECTS = {dialect.name: dialect for dialect in BUILT_IN}
# Every stream has its own examples.
few = settings(max_examples=30, deadline=None)

JSON, SSE = b"application/json", b"text/event-stream"


class Upper:
    def feed(self, text):
        return text.upper()

    def flush(self):
        return ""


class Same:
    def feed(self, text):
        return text

    def flush(self):
        return ""


class Fails(LastWord):
    """Fails at the third piece."""

    def __init__(self):
        super().__init__()
        self.pieces = 0

    def feed(self, text):
        self.pieces += 1
        if self.pieces == 3:
            raise RuntimeError("no")
        return super().feed(text)


def stream(*payloads: dict, named: bool = False, done: bool = False) -> bytes:
    raw = b""
    for payload in payloads:
        raw += f"event: {payload['type']}\n".encode() if named else b""
        raw += b"data: " + json.dumps(payload).encode() + b"\n\n"
    return raw + b"data: [DONE]\n\n" * done


def rewrite(name, raw, begin=LastWord, content_type=SSE, cuts=(), **options):
    rewriter = AnswerRewriter(DIALECTS[name], content_type, begin, **options)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    out = b"".join(rewriter.feed(raw[start:stop]) for start, stop in pairwise(places))
    return out + rewriter.close()


def payloads(raw: bytes) -> list[dict]:
    """What the events of a stream say, as far as they are JSON."""
    parser = Parser()
    return [found for event in parser.feed(raw) + parser.close() if (found := decode(event.data, b"", 1 << 20).value)]


# --- streams as hosts send them ----------------------------------------------------------------------------------------


def chunk(delta, index=0, finish=None, **more):
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


CHAT = stream(
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "one tw"}),
    chunk({"content": "o thr"}),
    chunk({"content": "ee"}),
    chunk({}, finish="stop"),
    {**chunk({}), "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}},
    done=True,
)

TWO = stream(
    chunk({"content": "one "}),
    chunk({"content": "uno "}, index=1),
    chunk({"content": "two"}),
    chunk({"content": "dos"}, index=1),
    chunk({}, index=1, finish="stop"),
    chunk({}, finish="length"),
    done=True,
)

TOOLS = stream(
    chunk({"role": "assistant", "content": None}),
    chunk({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"word": "one two"}'}}]}),
    chunk({"reasoning_content": "one two"}),
    chunk({}, finish="tool_calls"),
    done=True,
)


def block(index, text):
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


MESSAGE: dict = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}
MESSAGES = stream(
    {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 1, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    block(0, "one tw"),
    block(0, "o thr"),
    block(0, "ee"),
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"word": "one two"}'}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
    named=True,
)

PLACE = {"item_id": "i1", "output_index": 0, "content_index": 0}
PART = {"type": "output_text", "text": "one two three", "annotations": []}
ITEM = {"type": "message", "id": "i1", "status": "completed", "role": "assistant", "content": [PART]}
CALL = {"type": "function_call", "id": "i2", "call_id": "t", "name": "f", "arguments": '{"word": "one two"}', "status": "completed"}
RESPONSE: dict = {"id": "r1", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
RESPONSE |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
EVENTS: list[dict] = [
    {"type": "response.created", "response": {**RESPONSE, "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}},
    {"type": "response.content_part.added", **PLACE, "part": {**PART, "text": ""}},
    {"type": "response.output_text.delta", **PLACE, "delta": "one tw", "logprobs": []},
    {"type": "response.output_text.delta", **PLACE, "delta": "o thr", "logprobs": []},
    {"type": "response.output_text.delta", **PLACE, "delta": "ee", "logprobs": []},
    {"type": "response.output_text.done", **PLACE, "text": "one two three", "logprobs": []},
    {"type": "response.content_part.done", **PLACE, "part": PART},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
    {"type": "response.output_item.added", "output_index": 1, "item": {**CALL, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "item_id": "i2", "output_index": 1, "delta": '{"word": "one two"}'},
    {"type": "response.output_item.done", "output_index": 1, "item": CALL},
    {"type": "response.completed", "response": {**RESPONSE, "output": [ITEM, CALL]}},
]
RESPONSES = stream(*({**event, "sequence_number": number} for number, event in enumerate(EVENTS)), named=True)

COMPLETIONS = stream(
    {"id": "c", "choices": [{"index": 0, "text": "one tw", "finish_reason": None}]},
    {"id": "c", "choices": [{"index": 0, "text": "o thr", "finish_reason": None}]},
    {"id": "c", "choices": [{"index": 0, "text": "ee", "finish_reason": "stop"}]},
    done=True,
)

STREAMS = [
    pytest.param("openai.chat", CHAT, id="chat"),
    pytest.param("openai.chat", TWO, id="two choices"),
    pytest.param("openai.chat", TOOLS, id="tools"),
    pytest.param("openai.completions", COMPLETIONS, id="completions"),
    pytest.param("anthropic.messages", MESSAGES, id="messages"),
    pytest.param("openai.responses", RESPONSES, id="responses"),
]
every_stream = pytest.mark.parametrize(("name", "raw"), STREAMS)


def spoken(raw: bytes) -> dict:
    """The texts that a client puts together from a stream's deltas."""
    texts: dict = defaultdict(str)
    for payload in payloads(raw):
        for choice in payload.get("choices", []):
            texts[choice["index"]] += choice.get("text") or choice.get("delta", {}).get("content") or ""
        if payload.get("type") == "content_block_delta" and "text" in payload["delta"]:
            texts[payload["index"]] += payload["delta"]["text"]
        if payload.get("type") == "response.output_text.delta":
            texts[payload["output_index"]] += payload["delta"]
    return {key: text for key, text in texts.items() if text}


# --- laws ----------------------------------------------------------------------------------------------------------------


@every_stream
@pytest.mark.parametrize("begin", [Upper, LastWord])
def test_every_text_is_rewritten_in_full(name, raw, begin):
    assert spoken(rewrite(name, raw, begin)) == {key: text.upper() for key, text in spoken(raw).items()}


@every_stream
@pytest.mark.parametrize("begin", [LastWord, Fails])
@few
@given(cuts=st.lists(st.integers(0, 4000), max_size=12))
def test_the_output_is_the_same_however_the_answer_is_cut(name, raw, begin, cuts):
    assert rewrite(name, raw, begin, cuts=cuts) == rewrite(name, raw, begin)


@every_stream
def test_what_does_not_change_is_the_same_to_the_byte(name, raw):
    assert rewrite(name, raw, Same) == raw


@every_stream
@few
@given(size=st.integers(0, 4000))
def test_a_stream_cut_short_loses_nothing(name, raw, size):
    cut = raw[:size]
    assert spoken(rewrite(name, cut)) == {key: text.upper() for key, text in spoken(cut).items()}
    if not cut.rstrip().endswith(b"}"):
        assert rewrite(name, cut).endswith(cut[cut.rfind(b"\n\n") + 2 :])


@every_stream
def test_events_without_text_pass_as_they_are(name, raw):
    parser = Parser()
    silent = [event.raw for event in parser.feed(raw) if event.data == b"[DONE]" or not DIALECTS[name].slots(json.loads(event.data))]
    out = rewrite(name, raw)
    places = [out.find(event) for event in silent]
    assert -1 not in places
    assert places == sorted(places)


@every_stream
def test_a_transformer_that_fails_loses_nothing(name, raw):
    rewriter = AnswerRewriter(DIALECTS[name], SSE, Fails)
    out = rewriter.feed(raw) + rewriter.close()
    assert {key: text.lower() for key, text in spoken(out).items()} == spoken(raw)
    assert rewriter.failed == (len(spoken(raw)) == 1)


def test_after_a_failure_events_pass_as_they_are():
    raw = stream(*(chunk({"content": text}) for text in ("one tw", "o", "thr", "ee")), chunk({}, finish="stop"), done=True)
    out = rewrite("openai.chat", raw, Fails)
    assert spoken(out) == {0: "ONE TWOthree"}
    assert out.endswith(stream(chunk({"content": "ee"}), chunk({}, finish="stop"), done=True))


# --- what is held back ---------------------------------------------------------------------------------------------------


def contents(raw):
    return [choice["delta"].get("content") for payload in payloads(raw) for choice in payload["choices"]]


def test_chat_sends_what_is_held_back_before_the_finish():
    assert contents(rewrite("openai.chat", CHAT)) == ["", "ONE ", "TWO ", "", "THREE", None]
    extra = payloads(rewrite("openai.chat", CHAT))[-3]
    assert extra == chunk({"content": "THREE"})


def test_chat_sends_what_is_held_back_with_the_finish_where_that_has_text():
    raw = stream(chunk({"content": "one tw"}), chunk({"content": "o"}, finish="stop"), done=True)
    assert contents(rewrite("openai.chat", raw)) == ["ONE ", "TWO"]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(b"data: [DONE]\n\n", id="DONE"),
        pytest.param(stream({"error": {"message": "overloaded"}}), id="error"),
        pytest.param(b"", id="the end of the body"),
    ],
)
def test_what_is_held_back_goes_before_any_other_end(end):
    out = rewrite("openai.chat", stream(chunk({"content": "one two"})) + end)
    assert contents(out.removesuffix(end)) == ["ONE ", "TWO"]


def test_what_is_held_back_goes_into_a_last_event_without_its_blank_line():
    raw = stream(chunk({"content": "uno"}, index=1), chunk({"content": "one two"}))[:-2]
    assert spoken(rewrite("openai.chat", raw)) == {0: "ONE TWO", 1: "UNO"}


def test_an_extra_event_repeats_no_usage_and_no_log_probabilities():
    raw = stream(chunk({"content": "one two"}, usage={"completion_tokens": 2}), chunk({}, finish="stop"))
    extra = payloads(rewrite("openai.chat", raw))[1]
    assert extra == chunk({"content": "TWO"})


def test_anthropic_sends_what_is_held_back_before_the_block_stops():
    kinds = [(payload["type"], payload.get("delta", {}).get("text")) for payload in payloads(rewrite("anthropic.messages", MESSAGES))]
    assert kinds[3:8] == [
        ("content_block_delta", "ONE "),
        ("content_block_delta", "TWO "),
        ("content_block_delta", ""),
        ("content_block_delta", "THREE"),
        ("content_block_stop", None),
    ]
    assert (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"THREE"}}\n\n'
        in rewrite("anthropic.messages", MESSAGES)
    )


@pytest.mark.parametrize("begin", [Upper, LastWord, Fails])
def test_all_copies_of_a_response_are_identical(begin):
    out = rewrite("openai.responses", RESPONSES, begin)
    told = spoken(out)[0]
    by_type = {payload["type"]: payload for payload in payloads(out) if payload.get("output_index", 0) == 0}
    assert by_type["response.output_text.done"]["text"] == told
    assert by_type["response.content_part.done"]["part"]["text"] == told
    assert by_type["response.output_item.done"]["item"]["content"][0]["text"] == told
    assert by_type["response.completed"]["response"]["output"] == [{**ITEM, "content": [{**PART, "text": told}]}, CALL]
    assert told.lower() == "one two three"


def test_copies_are_identical_where_there_is_too_much_text_to_remember():
    words = "one two " * 40
    raw = b"".join(
        stream(
            {"type": "response.output_text.delta", **PLACE, "output_index": index, "delta": words},
            {"type": "response.output_text.done", **PLACE, "output_index": index, "text": words},
        )
        for index in range(3)
    )
    out = rewrite("openai.responses", raw, limit=500)
    told = [payload["text"] for payload in payloads(out) if payload["type"] == "response.output_text.done"]
    assert told == list(spoken(out).values()) == [words.upper()] * 3


def test_a_response_that_tells_its_text_only_once_is_rewritten():
    raw = stream({"type": "response.completed", "response": {**RESPONSE, "output": [ITEM]}})
    assert payloads(rewrite("openai.responses", raw))[0]["response"]["output"][0]["content"][0]["text"] == "ONE TWO THREE"


def test_an_extra_event_of_a_response_shares_its_number_with_the_one_before():
    numbers = [payload["sequence_number"] for payload in payloads(rewrite("openai.responses", RESPONSES))]
    assert numbers == [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12]


# --- clients -------------------------------------------------------------------------------------------------------------


def serving(raw: bytes) -> httpx2.Client:
    return httpx2.Client(
        transport=httpx2.MockTransport(lambda request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=raw))
    )


def test_the_openai_client_reads_a_rewritten_chat():
    with openai.OpenAI(api_key="k", base_url="http://host/v1", http_client=serving(rewrite("openai.chat", CHAT))) as client:
        parts = list(client.chat.completions.create(model="m", messages=[], stream=True))
    assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices) == "ONE TWO THREE"
    assert parts[-1].usage is not None
    assert parts[-1].usage.total_tokens == 4


def test_the_openai_client_reads_a_rewritten_response():
    client = openai.OpenAI(api_key="k", base_url="http://host/v1", http_client=serving(rewrite("openai.responses", RESPONSES)))
    with client, client.responses.stream(model="m", input="hi") as events:
        seen = [event.snapshot for event in events if event.type == "response.output_text.delta"]
        assert events.get_final_response().output_text == seen[-1] == "ONE TWO THREE"


def test_the_anthropic_client_reads_a_rewritten_message():
    client = anthropic.Anthropic(api_key="k", base_url="http://host", http_client=serving(rewrite("anthropic.messages", MESSAGES)))
    with client, client.messages.stream(model="m", max_tokens=9, messages=[]) as events:
        message = events.get_final_message().to_dict()
    assert message["content"] == [
        {"type": "text", "text": "ONE TWO THREE"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"word": "one two"}},
    ]


# --- JSON ----------------------------------------------------------------------------------------------------------------

ANSWERS = [
    pytest.param(
        "openai.chat",
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "one two"}}, {"index": 1, "message": {"content": "x y"}}]},
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ONE TWO"}}, {"index": 1, "message": {"content": "X Y"}}]},
        id="chat",
    ),
    pytest.param("openai.completions", {"choices": [{"text": "one two"}]}, {"choices": [{"text": "ONE TWO"}]}, id="completions"),
    pytest.param(
        "anthropic.messages",
        {"content": [{"type": "text", "text": "one two"}, {"type": "tool_use", "name": "f", "input": {"text": "one"}}]},
        {"content": [{"type": "text", "text": "ONE TWO"}, {"type": "tool_use", "name": "f", "input": {"text": "one"}}]},
        id="messages",
    ),
    pytest.param(
        "openai.responses",
        {"output": [ITEM, CALL]},
        {"output": [{**ITEM, "content": [{**PART, "text": "ONE TWO THREE"}]}, CALL]},
        id="responses",
    ),
]


@pytest.mark.parametrize(("name", "answer", "expected"), ANSWERS)
@pytest.mark.parametrize("begin", [Upper, LastWord])
def test_a_json_answer_is_rewritten(name, answer, expected, begin):
    assert json.loads(rewrite(name, json.dumps(answer).encode(), begin, JSON, cuts=[5, 30])) == expected


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        pytest.param(
            "openai.chat",
            b'{"choices": [{"message": {"content": null, "tool_calls": [{"function": {"arguments": "one two"}}]}}]}',
            id="tools",
        ),
        pytest.param("openai.chat", b'{"choices": [{"message": {"content": "ONE  TWO"}}]}', id="nothing to change"),
        pytest.param("openai.chat", b'{"choices": [{"message": {"content": "one two"', id="half a JSON"),
        pytest.param("openai.chat", b'["one two"]', id="not an object"),
        pytest.param("openai.chat", b"", id="nothing"),
        pytest.param("openai.embeddings", b'{"data": [{"embedding": "one two"}]}', id="embeddings"),
    ],
)
def test_what_has_no_text_to_rewrite_is_the_same_to_the_byte(name, raw):
    assert rewrite(name, raw, content_type=JSON) == raw


RAW = b'{"choices": [ {"message": {"content": "one two"}} ]}'


@pytest.mark.parametrize(
    ("content_type", "options"),
    [
        pytest.param(b"text/plain", {}, id="another type"),
        pytest.param(b"", {}, id="no type"),
        pytest.param(JSON, {"content_encoding": b"gzip"}, id="encoded"),
        pytest.param(JSON, {"structured": True}, id="JSON mode"),
        pytest.param(JSON, {"limit": len(RAW) - 1}, id="over the limit"),
    ],
)
def test_what_is_not_to_be_rewritten_passes_untouched(content_type, options):
    assert rewrite("openai.chat", RAW, Upper, content_type, cuts=[10, 20], **options) == RAW


def test_an_answer_over_the_limit_is_let_go_as_soon_as_that_is_known():
    rewriter = AnswerRewriter(OpenAIChat(), JSON, Upper, limit=10)
    assert [rewriter.feed(b"0123456"), rewriter.feed(b"789A"), rewriter.feed(b"B"), rewriter.close()] == [b"", b"0123456789A", b"B", b""]


@pytest.mark.parametrize("content", ["one two", "one\ud800 two"])
def test_a_json_answer_of_a_transformer_that_fails_is_the_same_to_the_byte(content):
    class Breaks(Upper):
        def flush(self):
            raise RuntimeError("no")

    raw = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
    rewriter = AnswerRewriter(OpenAIChat(), JSON, Breaks)
    assert rewriter.feed(raw) + rewriter.close() == raw
    assert rewriter.failed


@pytest.mark.parametrize("content_type", [JSON, SSE])
def test_what_only_lenient_parsers_read_is_kept(content_type):
    raw = b'{"choices":[{"index":0,"%s":{"content":"a \\ud800 b"},"odd":[NaN,1e999]}]}' % (b"message" if content_type == JSON else b"delta")
    out = rewrite("openai.chat", raw if content_type == JSON else b"data: " + raw + b"\n\n", Upper, content_type)
    assert b'"A \\ud800 B"' in out
    assert b'"odd":[NaN,Infinity]' in out


class Broken(OpenAIChat):
    def slots(self, payload):
        raise RuntimeError("no")


class Mute(OpenAIChat):
    def extra(self, payload, key, text):
        raise RuntimeError("no")


def test_a_dialect_that_cannot_make_an_event_breaks_no_stream():
    rewriter = AnswerRewriter(Mute(), SSE, LastWord)
    out = rewriter.feed(CHAT) + rewriter.close()
    assert spoken(out) == {0: "ONE TWO "}
    assert out.endswith(b"data: [DONE]\n\n")
    assert rewriter.failed


@pytest.mark.parametrize(("content_type", "raw"), [(JSON, RAW), (SSE, CHAT)])
def test_a_dialect_that_fails_leaves_the_answer_alone(content_type, raw):
    rewriter = AnswerRewriter(Broken(), content_type, Upper)
    assert rewriter.feed(raw) + rewriter.close() == raw
    assert rewriter.failed


@given(st.sampled_from(list(DIALECTS)), st.lists(st.binary(max_size=40).map(lambda data: b"data: " + data + b"\n\n"), max_size=4))
def test_what_is_not_understood_passes_as_it_is(name, events):
    raw = b"".join(events)
    assert rewrite(name, raw) == raw
