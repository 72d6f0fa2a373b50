"""Who a request is counted for: account, client likeness, network, and facts from trusted sources."""

from __future__ import annotations

from antidistill.identity.account import Identify
from antidistill.identity.config import IdentityConfig, validate
from antidistill.identity.identity import Identity

__all__ = ["Identify", "Identity", "IdentityConfig", "validate"]
