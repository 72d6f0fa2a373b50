"""Replay: a traffic log goes through the guard on its own clock, and what comes of it is written down."""

from __future__ import annotations

from antidistill.replay.findings import Account, Findings, Tally
from antidistill.replay.line import Line
from antidistill.replay.log import Broken, Log, agree, merge
from antidistill.replay.record import LACKING
from antidistill.replay.replay import Replay

__all__ = ["LACKING", "Account", "Broken", "Findings", "Line", "Log", "Replay", "Tally", "agree", "merge"]
