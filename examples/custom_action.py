"""An action of one's own. Publish it as an entry point, and policies may name it.

[project.entry-points."antidistill.actions"]
nap = "examples.custom_action:Nap"

rules:
  - {id: slow-evenings, when: {request.stream: true}, then: [{nap: {seconds: 2}}]}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from antidistill.model import Delay, EffectClass, Facts


class Nap(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds accounts of unknown age, and nobody else.

    Attributes:
        seconds: How long.
    """

    name: ClassVar[str] = "nap"
    kind: ClassVar[EffectClass] = "restrict"

    seconds: float = 1.0

    def problems(self) -> Iterable[str]:
        """Wants a positive wait."""
        if self.seconds <= 0:
            yield "nap.seconds must be above 0, for example nap: {seconds: 2}"

    def effect(self, facts: Facts, rule: str) -> Delay:
        """The wait: none where the host knows since when the account exists."""
        known = facts.subject is not None and "created" in facts.subject.attributes
        return Delay(0.0 if known else self.seconds)
