"""What others learn of decisions: every event goes to every hook, and a hook that fails harms nobody."""

from __future__ import annotations

from antidistill.events.alerts import AlertFile
from antidistill.events.events import Events, Hook
from antidistill.events.flags import Flags
from antidistill.events.log import EventLog
from antidistill.events.report import flag, report

__all__ = ["AlertFile", "EventLog", "Events", "Flags", "Hook", "flag", "report"]
