"""Where counters live."""

from __future__ import annotations

from antidistill.errors import StoreError
from antidistill.model import Clock
from antidistill.stores.memory import MemoryStore
from antidistill.stores.store import Store

__all__ = ["MemoryStore", "Store", "open_store"]


def open_store(url: str, clock: Clock, max_entries: int) -> Store:
    """Opens the store that a policy names.

    Args:
        url: `memory`.
        clock: Unix seconds.
        max_entries: Bound on what the memory store remembers.

    Raises:
        StoreError: The store is of another kind.
    """
    if url != "memory":
        # Only the scheme is repeated: the rest may hold a password.
        raise StoreError(f"this version has the memory store only, not {url.partition(':')[0]!r}: write `store: memory`")
    return MemoryStore(clock, max_entries)
