"""Counters that many processes share, in Redis or Valkey."""

from __future__ import annotations

from antidistill.stores.redis.channel import Channel, Entry, LeaseLost, Read
from antidistill.stores.redis.connect import SCHEMES
from antidistill.stores.redis.store import RedisStore

__all__ = ["SCHEMES", "Channel", "Entry", "LeaseLost", "Read", "RedisStore"]
