"""Laws that every dialect keeps."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.dialects import BUILT_IN, decode, encode
from antidistill.model import Call, Usage

every_dialect = pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)

# Five dialects, and slow strategies: fewer examples each.
law = settings(max_examples=50, deadline=None)


def words(text: str) -> list[str]:
    return text.split()


WORDS = words(
    """
    role content type text name input output arguments function tool_calls tool_use tool_result message delta index choices usage item part
    finish_reason prompt_tokens completion_tokens input_tokens output_tokens response output_text output_index content_index error
    """
)
VALUES = ["user", "system", "tool_result", "text", "text_delta", "output_text", "content_block_delta", "response.output_text.delta", "stop"]
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=9)
    | st.sampled_from(VALUES)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4), max_leaves=15
)
FIELDS = words(
    """
    model messages system prompt input instructions stream max_tokens max_completion_tokens max_output_tokens n best_of temperature top_p
    seed logprobs top_logprobs prompt_logprobs logit_bias response_format text tools functions user safety_identifier metadata include
    """
)
SPOKEN = {"messages", "prompt", "input", "system", "instructions"}
requests = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)
answers = st.dictionaries(st.sampled_from(WORDS), values, max_size=6)


@every_dialect
@law
@given(body=requests)
def test_no_request_raises_and_what_is_read_is_sound(dialect, body):
    call = dialect.read(body)
    assert call.max_tokens is None or call.max_tokens > 0
    assert min(call.n, call.top_logprobs + 1, call.input_tokens + 1) > 0
    assert all(isinstance(turn.role, str) and turn.text.encode() is not None for turn in call.turns)
    assert msgspec.json.decode(msgspec.json.encode(call), type=Call).turns == call.turns


@every_dialect
@law
@given(body=requests, field=st.sampled_from(FIELDS), value=values)
def test_one_odd_field_loses_no_other(dialect, body, field, value):
    sound = {"model": "m", "temperature": 0.5}
    whole, other = dialect.read({**body, **sound}), dialect.read({**body, field: value, **sound})
    assert (other.model, other.temperature) == ("m", 0.5)
    if field not in SPOKEN:
        assert other.turns == whole.turns


@every_dialect
@law
@given(body=requests, bounds=st.dictionaries(st.sampled_from(["max_tokens", "n", "top_logprobs"]), st.integers(1, 9)))
def test_a_capped_request_keeps_within_the_bounds_and_a_second_cap_finds_nothing_to_do(dialect, body, bounds):
    changed = dialect.cap(body, bounds)
    if changed is not None:
        assert dialect.cap(changed, bounds) is None
        assert encode(changed) != encode(body)
        assert decode(encode(changed), b"", 1 << 20).value is not None
    if dialect.textual and "max_tokens" in bounds:
        assert 0 < dialect.read(changed or body).max_tokens <= bounds["max_tokens"]


@every_dialect
@law
@given(body=answers)
def test_no_answer_raises(dialect, body):
    assert dialect.text(body) >= 0
    usage = dialect.usage(body)
    assert usage is None or (usage.input_tokens >= 0 and usage.output_tokens >= 0)
    assert all(isinstance(slot.holder[slot.field], str) and slot.holder[slot.field] for slot in dialect.slots(body))
    assert all(isinstance(key, int) for key in dialect.ends(body))


@every_dialect
@law
@given(data=st.binary(max_size=60))
def test_no_event_raises_anything_but_a_value_error(dialect, data):
    try:
        dialect.piece(data)
    except ValueError:
        return


EVENTS: dict[str, list[dict]] = {
    "openai.chat": [
        {"choices": [{"index": 0, "delta": {"content": "héllo"}}, {"index": 1, "delta": {"content": "x"}}]},
        {"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}], "usage": None},
        {"choices": [{"delta": {"content": None, "reasoning_content": "hm", "reasoning": "hm"}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": "ab"}]}}]},
        {"choices": [{"delta": None}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
        {"error": {"message": "no"}},
    ],
    "openai.completions": [
        {"choices": [{"text": "abc", "index": 0}, {"text": "d", "index": 1}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    ],
    "anthropic.messages": [
        {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "日本"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}},
        {"type": "ping"},
    ],
    "openai.responses": [
        {"type": "response.created", "response": {"usage": None, "output": []}},
        {"type": "response.output_text.delta", "delta": "abc", "output_index": 0, "content_index": 0},
        {"type": "response.output_text.done", "text": "abc"},
        {"type": "response.completed", "response": {"usage": {"input_tokens": 3, "output_tokens": 4}, "output": []}},
    ],
    "openai.embeddings": [{"data": []}],
}


@pytest.mark.parametrize(
    ("dialect", "event"), [pytest.param(dialect, event, id=dialect.name) for dialect in BUILT_IN for event in EVENTS[dialect.name]]
)
def test_the_fast_way_reads_an_event_as_the_slow_way_does(dialect, event):
    usage = None if dialect.name == "openai.embeddings" else dialect.usage(event)
    assert dialect.piece(encode(event)) == (dialect.text(event), usage)


@every_dialect
def test_two_events_in_one_are_refused(dialect):
    if dialect.textual:
        with pytest.raises(ValueError, match="trailing characters"):
            dialect.piece(b'{"usage":null}\n\ndata: {}')


def test_built_in_names_are_those_that_policies_use():
    names = [dialect.name for dialect in BUILT_IN]
    assert names == ["openai.chat", "anthropic.messages", "openai.responses", "openai.completions", "openai.embeddings"]


def test_embeddings_report_their_input_alone():
    dialect = next(dialect for dialect in BUILT_IN if dialect.name == "openai.embeddings")
    assert dialect.usage({"usage": {"prompt_tokens": 7}}) == Usage(7, 0)
