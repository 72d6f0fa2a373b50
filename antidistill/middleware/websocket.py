"""One websocket."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antidistill.guard import Guard
from antidistill.middleware.scope import describe, remember
from antidistill.model import Answer, Reply


class WebSocketResponder:
    """One websocket: metered as a request while it lasts."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app = app
        self.guard = guard
        self.status = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the connection."""
        request = describe(scope, "WEBSOCKET", self.guard.clock())
        admission = await self.guard.admit(request, None)
        try:
            if admission.reply is not None:
                await self._refuse(admission.reply, scope, receive, send)
            else:
                remember(scope, admission)
                await self.app(scope, receive, self._watch(send))
        finally:
            duration = self.guard.clock() - request.ts
            await self.guard.settle(admission, Answer(self.status, duration=duration, ours=admission.reply is not None))

    def _watch(self, send: Send) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "websocket.accept":
                self.status = 101
            await send(message)

        return watched

    async def _refuse(self, reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1013 if reply.status == 429 else 1008, "reason": ""})
            return
        await send({"type": "websocket.http.response.start", "status": reply.status, "headers": list(reply.headers)})
        await send({"type": "websocket.http.response.body", "body": reply.body})
