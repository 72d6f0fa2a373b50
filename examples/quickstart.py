"""The smallest guarded model server. Run it, then talk to it with any OpenAI client.

pip install 'antidistill[demo]'
uvicorn examples.quickstart:app
curl localhost:8000/v1/chat/completions -H 'Authorization: Bearer sk-me' -H 'Content-Type: application/json' \
         -d '{"model": "echo", "messages": [{"role": "user", "content": "hello"}]}'
"""

from __future__ import annotations

from antidistill import AntiDistillMiddleware
from examples.model_server import app as model_server

# The built-in policy, in shadow mode: it watches and records, and refuses nothing. In an app of your own,
# `app.add_middleware(AntiDistillMiddleware)` does the same.
app = AntiDistillMiddleware(model_server)
