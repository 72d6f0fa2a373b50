"""What every dialect has to pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antidistill.dialects import Dialect
from antidistill.model import Call, Refusal

ODDITIES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "text",
    [],
    [None],
    {},
    {"content": 7},
    [{"role": 3, "content": [{"text": 1}]}],
)


def check_dialect(dialect: Dialect, body: Mapping[str, Any]) -> None:
    """Checks a dialect with an ordinary request body.

    It must be named and know its paths, read the body, survive any oddity in any field without losing the call, keep within caps,
    and word every kind of refusal.
    """
    assert dialect.name, "a dialect needs a name"
    assert all(suffix.startswith("/") for suffix in dialect.suffixes), f"{dialect.name}: suffixes begin with /"
    assert dialect.read(body).dialect == dialect.name, f"{dialect.name}: a call carries the name of its dialect"
    for field in body:
        for oddity in ODDITIES:
            call = dialect.read({**body, field: oddity})
            assert isinstance(call, Call), f"{dialect.name}: {field}={oddity!r} reads as {call!r}"
            assert call.input_tokens >= 0, f"{dialect.name}: {field}={oddity!r} has a negative size"
    changed = dialect.cap(dict(body), {"max_tokens": 1, "n": 1, "top_logprobs": 0})
    assert changed is None or dialect.cap(changed, {"max_tokens": 1, "n": 1, "top_logprobs": 0}) is None, f"{dialect.name}: a cap must hold"
    for kind, status in (
        ("rate", 429),
        ("too_large", 400),
        ("forbidden", 403),
        ("unavailable", 503),
        ("overloaded", 503),
        ("challenge", 401),
    ):
        reply = dialect.refuse(Refusal(status, kind, "message", retry_after=1.0), "req_1")  # type: ignore[arg-type]
        assert 400 <= reply.status < 600, f"{dialect.name}: refuses with {reply.status}"
        assert b"message" in reply.body, f"{dialect.name}: a refusal carries its message"
