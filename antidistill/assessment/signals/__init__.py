"""What gives evidence: one file per signal.

A new signal is a class of its own; add an instance to `SIGNALS`, or publish one from another distribution under the entry
point group `antidistill.signals`.
"""

from __future__ import annotations

from antidistill.assessment.signals.balance import Balance
from antidistill.assessment.signals.cadence import Cadence
from antidistill.assessment.signals.company import Company
from antidistill.assessment.signals.corpus import Corpus
from antidistill.assessment.signals.dispatch import Dispatch
from antidistill.assessment.signals.failover import Failover
from antidistill.assessment.signals.handoff import Handoff
from antidistill.assessment.signals.hands import Hands
from antidistill.assessment.signals.labels import Labels
from antidistill.assessment.signals.release_pivot import ReleasePivot
from antidistill.assessment.signals.sampling import Resampling
from antidistill.assessment.signals.seeds import Seeds
from antidistill.assessment.signals.sharing import Sharing
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.signals.silence import Silence
from antidistill.assessment.signals.sweep import Sweep
from antidistill.assessment.signals.unattended import Unattended

__all__ = ["SIGNALS", "Signal"]

SIGNALS: tuple[Signal, ...] = (
    Sharing(),
    Company(),
    Balance(),
    Failover(),
    Sweep(),
    Corpus(),
    Labels(),
    Resampling(),
    Seeds(),
    Cadence(),
    Dispatch(),
    Handoff(),
    Unattended(),
    Silence(),
    ReleasePivot(),
    Hands(),
)
