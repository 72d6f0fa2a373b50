"""`alert`: tell the operator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from msgspec import Struct

from antidistill.model import EffectClass, Facts, Notice


class Alert(Struct, frozen=True, forbid_unknown_fields=True):
    """Writes a line to the alert file and to the log, at most once per rule and account in `alerts.every` seconds.

    Attributes:
        severity: How urgent it is: carried in the alert, it changes nothing else.
        note: A sentence for whoever reads the alert, such as the runbook to follow.
    """

    name: ClassVar[str] = "alert"
    kind: ClassVar[EffectClass] = "observe"

    severity: Literal["info", "warning", "critical"] = "warning"
    note: str = ""

    def problems(self) -> Iterable[str]:
        """Every combination is fine."""
        return ()

    def effect(self, facts: Facts, rule: str) -> Notice:
        """Carries severity and note; whoever reports it adds the reasons of the assessment."""
        return Notice("alert", {"severity": self.severity, "note": self.note})
