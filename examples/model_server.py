"""A model server as small as can be, unguarded: the other examples guard it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def chat(request: Request) -> Response:
    """Answers with the question."""
    body = await request.json()
    message = {"role": "assistant", "content": body["messages"][-1]["content"]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 8, "completion_tokens": 8, "total_tokens": 16}
    return JSONResponse({"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage})


app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
