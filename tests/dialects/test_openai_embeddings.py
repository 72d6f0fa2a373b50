from __future__ import annotations

import pytest

from antidistill.dialects import OpenAIEmbeddings
from antidistill.model import Turn, Usage

embeddings = OpenAIEmbeddings()


@pytest.mark.parametrize(
    ("value", "turns", "tokens"),
    [
        ("abcd", (Turn("user", "abcd"),), 4),
        (["abcd", "e"], (Turn("user", "abcd"), Turn("user", "e")), 7),
        ([[1, 2], [3]], (Turn("user", ""), Turn("user", "")), 9),
        (5, (), 0),
    ],
)
def test_every_input_is_a_turn(value, turns, tokens):
    call = embeddings.read({"input": value, "model": "m", "user": "u"})
    assert (call.turns, call.input_tokens, call.model, call.sub_identity, call.n) == (turns, tokens, "m", "u", 1)


def test_nothing_can_be_capped():
    assert embeddings.cap({"input": "a"}, {"max_tokens": 1, "n": 1, "top_logprobs": 0}) is None


def test_usage_is_input_alone():
    assert embeddings.usage({"usage": {"prompt_tokens": 5, "total_tokens": 5}}) == Usage(5, 0)
    assert embeddings.usage({"usage": {"prompt_tokens": "x"}}) is None
