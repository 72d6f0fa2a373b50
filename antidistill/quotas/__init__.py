"""Quotas: from the rules in the policy to the counters that a request draws on."""

from __future__ import annotations

from antidistill.quotas.config import QuotaConfig, compile_quota
from antidistill.quotas.costs import Costs, estimate
from antidistill.quotas.meter import Meter
from antidistill.quotas.scopes import Key, counter_key, scopes
from antidistill.quotas.settlement import bill, breaches

__all__ = ["Costs", "Key", "Meter", "QuotaConfig", "bill", "breaches", "compile_quota", "counter_key", "estimate", "scopes"]
