"""The smallest guarded model server. Run it, then talk to it with any OpenAI client.

pip install 'antidistill[demo]'
uvicorn examples.quickstart:app
curl localhost:8000/v1/chat/completions -H 'Authorization: Bearer sk-me' -H 'Content-Type: application/json' \
         -d '{"model": "echo", "messages": [{"role": "user", "content": "hello"}]}'
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from antidistill import AntiDistillMiddleware


async def chat(request: Request) -> Response:
    """Answers with the question."""
    body = await request.json()
    message = {"role": "assistant", "content": body["messages"][-1]["content"]}
    usage = {"prompt_tokens": 8, "completion_tokens": 8, "total_tokens": 16}
    return JSONResponse(
        {"object": "chat.completion", "model": body["model"], "choices": [{"index": 0, "message": message}], "usage": usage}
    )


app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
app.add_middleware(AntiDistillMiddleware)  # the built-in policy, in shadow mode: it watches and records, and refuses nothing
