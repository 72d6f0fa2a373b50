"""Drafts: wording that one or two tenants fill so far. What they did counts on the day when a third one shares it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation

_TENANTS = 2
_NOBODY: Mapping[int, tuple[str, int]] = {}


class Drafts:
    """Who fills wording that is hardly anybody else's yet, and how often. Bounded: what was longest unused goes first.

    Wording is known by both its ends: much that begins alike goes on otherwise.

    Args:
        limit: Most wordings.
    """

    def __init__(self, limit: int = 1 << 13) -> None:
        self._wordings: OrderedDict[tuple[int, int], dict[int, tuple[str, int]]] = OrderedDict()
        self._limit = limit

    def __len__(self) -> int:
        return len(self._wordings)

    def note(self, observation: Observation, filling: Filling) -> None:
        """Counts a use with a new value."""
        wording, tenant = (filling.anchor, filling.end), observation.tenant
        uses = self._wordings.pop(wording, {})
        if tenant in uses or len(uses) < _TENANTS:
            account, count = uses.get(tenant, (observation.account, 0))
            uses[tenant] = (account, count + 1)
        self._wordings[wording] = uses
        if len(self._wordings) > self._limit:
            self._wordings.popitem(last=False)

    def take(self, filling: Filling) -> Mapping[int, tuple[str, int]]:
        """Gives up what was noted of a wording: by tenant, an account of it and its uses."""
        return self._wordings.pop((filling.anchor, filling.end), _NOBODY)
