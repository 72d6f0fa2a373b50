"""The policy: what an operator wants, read from YAML, checked, and decided by."""

from __future__ import annotations

from antidistill.policy.codes import Code
from antidistill.policy.decide import applicable, decide, decide_after, decide_between
from antidistill.policy.file import PolicyFile
from antidistill.policy.jitter import Jitter
from antidistill.policy.load import load_policy
from antidistill.policy.policy import CompiledQuota, CompiledRule, Policy
from antidistill.policy.schema import schema
from antidistill.policy.sections import StoreConfig

__all__ = [
    "Code",
    "CompiledQuota",
    "CompiledRule",
    "Jitter",
    "Policy",
    "PolicyFile",
    "StoreConfig",
    "applicable",
    "decide",
    "decide_after",
    "decide_between",
    "load_policy",
    "schema",
]
