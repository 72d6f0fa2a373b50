"""Closed sets of words that rooms share."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Literal, TypeAlias

Algorithm: TypeAlias = Literal["gcra", "sliding", "fixed"]
BodyState: TypeAlias = Literal["none", "whole", "truncated", "unread", "malformed"]
Cause: TypeAlias = Literal["quota", "assessment", "request"]
EffectClass: TypeAlias = Literal["observe", "mark", "restrict"]
Family: TypeAlias = Literal["content", "coordination", "network", "temporal", "distribution"]
Trend: TypeAlias = Literal["rising", "steady", "falling"]
OnStoreError: TypeAlias = Literal["open", "closed", "local"]
Unit: TypeAlias = Literal["requests", "tokens", "input_tokens", "output_tokens", "concurrent", "cost"]
Per: TypeAlias = Literal["account", "fingerprint", "network", "org", "model", "campaign", "sub_identity"]

RESTRICT: EffectClass = "restrict"


Clock: TypeAlias = Callable[[], float]
"""Tells unix seconds."""


class Mode(StrEnum):
    """How far a policy goes: `off` does nothing, `shadow` evaluates and records, `enforce` acts."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"

    @property
    def rank(self) -> int:
        """Order by caution: off 0, shadow 1, enforce 2."""
        return _MODE_RANK[self]


_MODE_RANK = {Mode.OFF: 0, Mode.SHADOW: 1, Mode.ENFORCE: 2}
