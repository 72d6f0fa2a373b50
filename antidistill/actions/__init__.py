"""What a policy can do: one file per action, each returning its effect as data.

A new action is a frozen struct in a file of its own whose fields are its YAML parameters; add it to `ACTIONS`, or publish it
from another distribution under the entry point group `antidistill.actions`.
"""

from __future__ import annotations

from antidistill.actions.action import Action
from antidistill.actions.alert import Alert
from antidistill.actions.cap import Cap
from antidistill.actions.challenge import Challenge
from antidistill.actions.delay import Hold
from antidistill.actions.deny import Deny
from antidistill.actions.redact import Redact
from antidistill.actions.tag import Tag
from antidistill.actions.throttle import Throttle
from antidistill.actions.watermark import Watermark

__all__ = ["ACTIONS", "Action", "Alert", "Cap", "Challenge", "Deny", "Hold", "Redact", "Tag", "Throttle", "Watermark"]

ACTIONS: tuple[type[Action], ...] = (Alert, Cap, Challenge, Deny, Hold, Redact, Tag, Throttle, Watermark)
