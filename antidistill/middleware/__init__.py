"""The ASGI door: the only room that speaks ASGI. One responder object serves one connection."""

from __future__ import annotations

from antidistill.middleware.middleware import AntiDistillMiddleware

__all__ = ["AntiDistillMiddleware"]
