"""Decisions as they happen, in your own code: `uvicorn examples.hooks:app`."""

from __future__ import annotations

from collections import Counter

from antidistill import AntiDistillMiddleware, Event
from examples.model_server import app as model_server

seen: Counter[tuple[str, str, bool]] = Counter()


def count(event: Event) -> None:
    """Counts decisions by rule. A hook may be called from the assessment thread: be quick, and thread-safe."""
    seen[event.rule, event.action, event.enforced] += 1


app = AntiDistillMiddleware(model_server, hooks=[count])
