"""Parts of a refusal that all APIs share: how long to wait, and whether to try again at all.

The headers are those that the `openai` and `anthropic` SDKs go by. A client of theirs sleeps through almost any `retry-after`, days
included, so a long wait is told, but with the advice not to retry by itself.
"""

from __future__ import annotations

import re
from math import ceil, isfinite
from typing import Any

from antidistill.dialects.body import encode
from antidistill.dialects.dialect import Headers
from antidistill.model import Refusal, Reply

PATIENCE = 60.0
"""Longest wait, in seconds, that a client should sit out by itself."""

_LONGEST = 1e9
_STOP = (b"x-should-retry", b"false")
_UNSAFE = re.compile(r"[^\x21-\x7e]")


def reply(refusal: Refusal, status: int, body: dict[str, Any], ids: tuple[tuple[bytes, str], ...]) -> Reply:
    """Puts a refusal together.

    Args:
        refusal: What is refused and why.
        status: HTTP status.
        body: JSON body.
        ids: Names of headers that carry the request id, and the id.
    """
    content = encode(body)
    headers = (
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        *((name, _UNSAFE.sub("", value).encode()) for name, value in ids),
        *retry_headers(refusal),
        *((name.encode(), value.encode()) for name, value in refusal.headers),
    )
    return Reply(status, headers, content)


def retry_headers(refusal: Refusal) -> Headers:
    """Says when to retry, or that there is no use in it."""
    wait = refusal.retry_after
    if refusal.kind in ("too_large", "forbidden", "challenge") or wait is None or not isfinite(wait):
        return () if refusal.kind in ("unavailable", "overloaded") else (_STOP,)
    milliseconds = max(1, ceil(min(max(wait, 0.0), _LONGEST) * 1000))
    # Zero would send the SDKs back to their own guess; the seconds round up, because both headers must be safe to follow.
    headers = ((b"retry-after", b"%d" % -(-milliseconds // 1000)), (b"retry-after-ms", b"%d" % milliseconds))
    return (*headers, _STOP) if wait > PATIENCE else headers
