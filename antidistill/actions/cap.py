"""`cap`: bound what a call may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from antidistill.model import EffectClass, Facts, Rewrite


class Cap(Struct, frozen=True, forbid_unknown_fields=True):
    """Lowers parameters of the call before the host sees it. A request that asks for less is left alone.

    Attributes:
        max_tokens: Most output tokens; also set where the client set none.
        n: Most answers per request.
        top_logprobs: Most alternatives per token.
    """

    name: ClassVar[str] = "cap"
    kind: ClassVar[EffectClass] = "restrict"

    max_tokens: int | None = None
    n: int | None = None
    top_logprobs: int | None = None

    @property
    def bounds(self) -> dict[str, int]:
        """The bounds that are set, by neutral parameter name."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}

    def problems(self) -> Iterable[str]:
        """Wants at least one bound, each of them usable."""
        if not self.bounds:
            yield "cap needs at least one of max_tokens, n, top_logprobs, for example cap: {max_tokens: 1024}"
        for name, value in self.bounds.items():
            least = 0 if name == "top_logprobs" else 1
            if value < least:
                yield f"cap.{name} must be at least {least}, not {value}"

    def effect(self, facts: Facts, rule: str) -> Rewrite:
        """Hands the bounds to the dialect, which knows the API's own names."""
        return Rewrite(self.bounds)
