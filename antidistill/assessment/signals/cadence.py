"""`cadence`: a machine's rhythm, or a person's."""

from __future__ import annotations

import math

from antidistill.assessment.crowd import Crowd, Reading
from antidistill.assessment.frames import ramp
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import Signal
from antidistill.model import Evidence, Family

MACHINE, PERSON = 1.2, -0.3
READING = 12.0
"""Tokens a second that a person skims at most."""

_PAUSE = 1800.0
_GAPS = 20


class Rhythm:
    """Gaps between requests of one stretch of work: mean and spread of their logarithm (Welford), and the answers unread."""

    __slots__ = ("gaps", "mean", "squares", "ts", "unread", "until")

    def __init__(self) -> None:
        self.gaps = 0
        self.mean = 0.0
        self.squares = 0.0
        self.unread = 0
        self.ts = -math.inf
        self.until = -math.inf

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
    Formula: spread σ of the logarithm of gaps under half an hour; share u of answers that were not yet read, at 12 tokens a
        second, when the next request came. Machine 1.2 · (1 − (1 − ramp(−σ, −0.6, −0.25)) (1 − ramp(u, 0.5, 0.9))); person −0.3
        where σ > 0.7 and u < 0.1. Wants 20 gaps. Two-sided.
    State: Welford's three numbers, a counter, two times.
    Gamed by: jitter, or replaying people's gaps.
    Honest use that looks like it: every script, cron job, agent and evaluation: a reason to look, not to act.
    """

    name = "cadence"
    family: Family = "temporal"

    def begin(self) -> Rhythm:
        """No gap yet."""
        return Rhythm()

    def learn(self, state: Rhythm, observation: Observation, reading: Reading) -> None:
        """Takes in the gap since the request before."""
        gap = observation.ts - state.ts
        if 0 < gap < _PAUSE:
            state.add(max(gap, 0.01))
            state.unread += observation.ts < state.until
        state.ts = max(state.ts, observation.ts)
        state.until = observation.ts + observation.duration + observation.output_tokens / READING

    def weigh(self, state: Rhythm, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Weighs regularity and haste."""
        if state.gaps < _GAPS:
            return None
        spread, unread = math.sqrt(state.squares / state.gaps), state.unread / state.gaps
        reason = f"gaps of {math.exp(state.mean):.1f} s spread by a factor of {math.exp(spread):.1f}; {unread:.0%} of answers were followed before they could be read"
        if spread > 0.7 and unread < 0.1:
            return Evidence(self.name, self.family, PERSON, reason)
        weight = MACHINE * (1 - (1 - ramp(-spread, -0.6, -0.25)) * (1 - ramp(unread, 0.5, 0.9)))
        return Evidence(self.name, self.family, weight, reason) if weight else None
