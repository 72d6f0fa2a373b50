"""OpenAI completions: a prompt without roles."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from antidistill.dialects.caps import Names
from antidistill.dialects.conversation import Conversation
from antidistill.dialects.dialect import Piece, Slot
from antidistill.dialects.fields import alternatives, objects, positive, size
from antidistill.dialects.openai import OpenAI, tally
from antidistill.dialects.openai_chat import chunk_of, finished, keyed, structured
from antidistill.model import Call


class OpenAICompletions(OpenAI):
    """`POST …/v1/completions`."""

    name = "openai.completions"
    suffixes: tuple[str, ...] = ("/completions",)
    bounds: ClassVar[Names] = {"max_tokens": ("max_tokens",), "n": ("n", "best_of"), "top_logprobs": ("logprobs", "prompt_logprobs")}

    def read(self, body: Mapping[str, Any]) -> Call:
        """Reads a request. A list of prompts is answered one by one, so `n` counts the answers to all of them."""
        talk = Conversation()
        prompts, tokens = spread(body.get("prompt"))
        for prompt in prompts:
            talk.add("user", prompt)
        asked = [alternatives(body.get(name)) for name in self.bounds["top_logprobs"]]
        return talk.call(
            self.name,
            body,
            tokens=tokens,
            max_tokens=positive(body.get("max_tokens")),
            n=max(positive(body.get(name)) or 1 for name in self.bounds["n"]) * max(1, len(prompts)),
            logprobs=any(count is not None for count in asked),
            top_logprobs=max(count or 0 for count in asked),
            biased=bool(body.get("logit_bias")),
            structured=structured(body),
        )

    def text(self, body: Mapping[str, Any]) -> int:
        """Bytes of text of all choices."""
        return sum(size(choice.get("text")) for choice in objects(body.get("choices")))

    def piece(self, data: bytes) -> Piece:
        """Reads one chunk."""
        chunk = _decode(data)
        length = sum(size(choice.text) for choice in chunk.choices)
        return length, None if chunk.usage is None else tally(chunk.usage)

    def slots(self, payload: dict[str, Any]) -> list[Slot]:
        """Finds `text` of each choice."""
        choices = keyed(payload)
        return [Slot(key, choice, "text", False) for key, choice in choices if isinstance(choice.get("text"), str) and choice["text"]]

    def ends(self, payload: dict[str, Any]) -> list[Hashable]:
        """A choice ends with its `finish_reason`."""
        return finished(payload)

    def extra(self, payload: dict[str, Any], key: Hashable, text: str) -> dict[str, Any]:
        """Makes a chunk for one choice."""
        return chunk_of(payload, {"index": key, "text": text})


class _Choice(Struct, gc=False):
    text: Any = None


class _Chunk(Struct, gc=False):
    choices: tuple[_Choice, ...] = ()
    usage: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


def spread(prompt: object) -> tuple[list[str], int]:
    """Texts of a prompt or of a list of them, and how many tokens came as numbers. A prompt of numbers has an empty text."""
    if isinstance(prompt, str):
        return [prompt], 0
    if not isinstance(prompt, list):
        return [], 0
    if prompt and isinstance(prompt[0], int):
        return [""], len(prompt)
    texts = [item if isinstance(item, str) else "" for item in prompt if isinstance(item, str | list)]
    return texts, sum(len(item) for item in prompt if isinstance(item, list))
