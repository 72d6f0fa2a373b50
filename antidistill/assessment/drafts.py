"""Drafts: wording that one or two tenants fill so far. What they did counts on the day when a third one shares it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation
from antidistill.striped import Striped

_TENANTS = 2


class Draft(Struct, frozen=True, gc=False):
    """What a tenant did: an account of it, and its uses."""

    account: str
    uses: int


class Drafts:
    """Who fills wording that is hardly anybody else's yet, and how often. Bounded: what was longest unused goes first.

    Wording is known by both its ends: much that begins alike goes on otherwise.

    Args:
        limit: Most wordings.
    """

    def __init__(self, limit: int = 1 << 13) -> None:
        self._wordings: Striped[int, dict[int, Draft]] = Striped(limit)
        self._limit = limit

    def __len__(self) -> int:
        return len(self._wordings)

    def note(self, observation: Observation, filling: Filling) -> None:
        """Counts a use with a new value."""
        wording, tenant = _wording(filling), observation.tenant
        drafts = self._wordings.pop(wording) or {}
        if tenant in drafts or len(drafts) < _TENANTS:
            known = drafts.get(tenant, Draft(observation.account, 0))
            drafts[tenant] = Draft(known.account, known.uses + 1)
        self._wordings.keep(wording, drafts, self._limit)

    def take(self, filling: Filling) -> Mapping[int, Draft]:
        """Gives up what was noted of a wording, by tenant."""
        return self._wordings.pop(_wording(filling)) or _NOBODY


def _wording(filling: Filling) -> int:
    return filling.anchor << 64 | filling.end


_NOBODY: Mapping[int, Draft] = {}
