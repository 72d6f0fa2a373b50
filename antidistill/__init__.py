"""Drop-in ASGI middleware that meters, recognises and answers model distillation through your own API."""

from __future__ import annotations

from antidistill.errors import AntiDistillError, KeyringError, PluginError, PolicyError, StoreError
from antidistill.guard import Guard
from antidistill.middleware import AntiDistillMiddleware
from antidistill.model import Assessment, Decision, Event, Mode, Request, Subject
from antidistill.policy import Policy, load_policy

__version__ = "0.1.0"

__all__ = [
    "AntiDistillError",
    "AntiDistillMiddleware",
    "Assessment",
    "Decision",
    "Event",
    "Guard",
    "KeyringError",
    "Mode",
    "PluginError",
    "Policy",
    "PolicyError",
    "Request",
    "StoreError",
    "Subject",
    "load_policy",
]
