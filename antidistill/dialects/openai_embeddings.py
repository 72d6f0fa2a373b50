"""OpenAI embeddings: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antidistill.dialects.conversation import Conversation
from antidistill.dialects.dialect import Piece
from antidistill.dialects.fields import integer, mapping
from antidistill.dialects.openai import OpenAI
from antidistill.dialects.openai_completions import spread
from antidistill.model import Call, Usage


class OpenAIEmbeddings(OpenAI):
    """`POST …/v1/embeddings`. Every input is a turn; nothing can be capped, and the output costs no tokens."""

    name = "openai.embeddings"
    suffixes: tuple[str, ...] = ("/embeddings",)
    textual = False

    def read(self, body: Mapping[str, Any]) -> Call:
        """Reads a request."""
        talk = Conversation()
        inputs, tokens = spread(body.get("input"))
        for text in inputs:
            talk.add("user", text)
        return talk.call(self.name, body, tokens=tokens)

    def usage(self, body: Mapping[str, Any]) -> Usage | None:
        """Reads `prompt_tokens`."""
        tokens = integer(mapping(body.get("usage")).get("prompt_tokens"))
        return None if tokens is None else Usage(max(0, tokens), 0)

    def text(self, body: Mapping[str, Any]) -> int:
        """Vectors are not text."""
        return 0

    def piece(self, data: bytes) -> Piece:
        """Embeddings are not streamed."""
        return 0, None
