"""`tag`: tell the app behind us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from antidistill.model import EffectClass, Facts, Notice


class Tag(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets a tag in the request's state: the app reads `request.state.antidistill["tags"]`.

    Attributes:
        key: Name of the tag.
        value: Its value.
    """

    name: ClassVar[str] = "tag"
    kind: ClassVar[EffectClass] = "observe"

    key: str
    value: str | int | float | bool = True

    def problems(self) -> Iterable[str]:
        """Wants a name."""
        if not self.key.strip():
            yield "tag.key must not be empty, for example tag: {key: review}"

    def effect(self, facts: Facts, rule: str) -> Notice:
        """The tag."""
        return Notice("tag", {self.key: self.value})
