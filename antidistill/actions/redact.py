"""`redact`: answer without some fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from msgspec import Struct

from antidistill.model import EffectClass, Facts
from antidistill.model import Redact as Fields


class Redact(Struct, frozen=True, forbid_unknown_fields=True):
    """Answers without the fields that it lists: the host is not asked for them, and where it sends them all the same, they are emptied.

    Attributes:
        fields: What is left out: logprobs, the log-probabilities of tokens, from which a model is copied with far fewer queries.
    """

    name: ClassVar[str] = "redact"
    kind: ClassVar[EffectClass] = "restrict"
    listed: ClassVar[str] = "fields"

    fields: tuple[Literal["logprobs"], ...]

    def problems(self) -> Iterable[str]:
        """Wants at least one field."""
        if not self.fields:
            yield "redact needs at least one field, for example redact: [logprobs]"

    def effect(self, facts: Facts, rule: str) -> Fields:
        """The fields."""
        return Fields(frozenset(self.fields))
