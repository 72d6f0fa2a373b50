"""A policy of one's own, in a file: `uvicorn examples.policy_file:app`.

Check it first with `antidistill check examples/policies/startup.yaml`.
"""

from __future__ import annotations

from pathlib import Path

from antidistill import AntiDistillMiddleware
from examples.model_server import app as model_server

POLICY = Path(__file__).parent / "policies" / "startup.yaml"

app = AntiDistillMiddleware(model_server, policy=POLICY)  # wrapping works for any ASGI app, also one that takes no middleware
