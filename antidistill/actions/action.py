"""The contract of an action."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from antidistill.model import Effect, EffectClass, Facts


class Action(Protocol):
    """A named, parametrised wish of a rule. Implement it as a frozen `msgspec.Struct`: its fields are the YAML parameters.

    Attributes:
        name: The word that policies use.
        kind: Class of its effect: shadow mode carries out `observe` only.

    An action may say `listed`, the name of a parameter: a list in the policy stands for that parameter.
    """

    name: ClassVar[str]
    kind: ClassVar[EffectClass]

    def problems(self) -> Iterable[str]:
        """Says, at load, what is wrong with the parameters beyond their types; each sentence tells what to write instead."""

    def effect(self, facts: Facts, rule: str) -> Effect:
        """Says what is to be done. Pure, and on the request path.

        Args:
            facts: What is known about the request and its account.
            rule: Id of the rule that matched.
        """
