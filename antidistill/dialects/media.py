"""What an answer is, by its `content-type`: what the client asked for says little about what hosts send."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

Media: TypeAlias = Literal["json", "stream", "other"]


@lru_cache(maxsize=64)
def media(content_type: bytes) -> Media:
    """Tells JSON (and the types built on it) and streams of server-sent events from everything else."""
    essence = content_type.partition(b";")[0].strip().lower()
    if essence == b"text/event-stream":
        return "stream"
    return "json" if essence == b"application/json" or essence.endswith(b"+json") else "other"


def encoded(content_encoding: bytes) -> bytes:
    """The content encoding in lower case; empty for none and for `identity`."""
    encoding = content_encoding.strip().lower()
    return b"" if encoding == b"identity" else encoding
