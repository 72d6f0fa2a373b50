"""A host that knows its users tells the middleware who is calling: `uvicorn examples.host_identity:app`.

A principal that the host authenticated needs no proof, and attributes that it vouches for may be read by rules.
"""

from __future__ import annotations

from datetime import date, timedelta

from starlette.types import ASGIApp, Receive, Scope, Send

from antidistill import AntiDistillMiddleware
from examples.model_server import app as model_server

LAST_WEEK = (date.today() - timedelta(days=7)).isoformat()
USERS = {b"Bearer sk-ada": ("ada", LAST_WEEK), b"Bearer sk-bob": ("bob", "2024-02-29")}


class Authentication:
    """Stands for the host's own authentication, outside antidistill."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Names the caller in the request state."""
        if scope["type"] == "http" and (user := USERS.get(dict(scope["headers"]).get(b"authorization", b""))):
            name, since = user
            state = scope.setdefault("state", {})
            state["antidistill_principal"] = name
            state["antidistill_attributes"] = {"created": since}
        await self.app(scope, receive, send)


NEWCOMERS = {
    "version": 1,
    "mode": "enforce",
    "rules": [{"id": "newcomers-write-short", "when": {"account.age_days": {"lt": 30}}, "then": [{"cap": {"max_tokens": 256}}]}],
}

app = Authentication(AntiDistillMiddleware(model_server, policy=NEWCOMERS))
