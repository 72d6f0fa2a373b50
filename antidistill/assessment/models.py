"""Which models are new: what an account that moves at once moves to."""

from __future__ import annotations

import math
from typing import NamedTuple

from antidistill.assessment.observation import Observation

YOUNG = 3 * 86_400.0
"""Seconds for which a model counts as new."""

_SETTLING = 86_400.0
_MODELS = 512
_TENANTS = 3


class Release(NamedTuple):
    """A model that came out lately.

    Attributes:
        age: Seconds since it was first asked for.
        public: True where three tenants have asked for it: a private one is nobody's release.
    """

    age: float
    public: bool


class Models:
    """When each model was first asked for, and by how many.

    What is met within the first day was there before. Bounded: where hosts take any name, further ones are not looked at.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._askers: dict[str, set[int]] = {}
        self._begun = math.inf

    def release(self, observation: Observation) -> Release | None:
        """The release of the model that an answered exchange asked for; None where it is not new."""
        model, ts = observation.model, observation.ts
        if not observation.answered or not model:
            return None
        self._begun = min(self._begun, ts)
        if model not in self._since:
            if len(self._since) >= _MODELS:
                return None
            self._since[model] = ts
            self._askers[model] = set()
        since = self._since[model]
        if ts - since > YOUNG or since - self._begun < _SETTLING:
            return None
        askers = self._askers[model]
        if len(askers) < _TENANTS:
            askers.add(observation.tenant)
        return Release(ts - since, len(askers) >= _TENANTS)
