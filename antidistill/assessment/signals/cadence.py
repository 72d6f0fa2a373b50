"""`cadence`: a machine's rhythm, or a person's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

MACHINE = 1.2
PERSON = -0.3

READING = 12.0
"""Tokens a second that a person skims at most."""

_PAUSE = 1800.0
_GAPS = 20


class Rhythm(Struct, gc=False):
    """Gaps between the requests of one stretch of work: mean and spread of their logarithms (Welford), and answers left unread."""

    gaps: int = 0
    mean: float = 0.0
    squares: float = 0.0
    unread: int = 0
    ts: float = -math.inf
    until: float = -math.inf

    def add(self, gap: float) -> None:
        """Takes in a gap in seconds."""
        value = math.log(gap)
        self.gaps += 1
        off = value - self.mean
        self.mean += off / self.gaps
        self.squares += off * (value - self.mean)


class Cadence(Signal):
    """Requests come at the pace of a loop, or of somebody who reads.

    Threat: scripts that drain a queue, on a timer or as fast as answers come.
    Formula: σ is the spread of the logarithm of gaps below half an hour, u the share of answers that could not have been read, at 12
        tokens a second, when the next request came; from 20 gaps on. Machine: 1.2 · (1 − ramp(σ, 0.25, 0.6) · (1 − ramp(u, 0.5,
        0.9))). Person: −0.3 where σ > 0.7 and u < 0.1. Two-sided.
    State: Welford's three numbers, a counter, two times.
    Gamed by: jitter; replaying people's gaps.
    Honest use that looks like it: every script, cron job, agent and evaluation. A reason to look, not to act.
    """

    name = "cadence"
    family: Family = "temporal"
    falls = "Requests come at the pace of somebody who reads the answers, or their gaps vary."

    def begin(self) -> Rhythm:
        """No gap yet."""
        return Rhythm()

    def learn(self, state: Rhythm, observation: Observation, reading: Reading) -> None:
        """Takes in the gap since the latest request."""
        gap = observation.ts - state.ts
        if gap <= 0:
            return
        if gap < _PAUSE:
            state.add(gap)
            state.unread += observation.ts < state.until
        state.ts = observation.ts
        state.until = observation.ts + observation.duration + observation.output_tokens / READING

    def weigh(self, state: Rhythm, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs regularity and haste."""
        if state.gaps < _GAPS:
            return None
        spread, unread = math.sqrt(state.squares / state.gaps), state.unread / state.gaps
        weight = MACHINE * (1 - ramp(spread, 0.25, 0.6) * (1 - ramp(unread, 0.5, 0.9)))
        if spread > 0.7 and unread < 0.1:
            weight = PERSON
        if not weight:
            return None
        reason = (
            f"gaps of {math.exp(state.mean):.1f} s vary by a factor of {math.exp(spread):.1f}; "
            f"{unread:.0%} of answers could not have been read before the next request"
        )
        return Evidence(self.name, self.family, weight, reason)
