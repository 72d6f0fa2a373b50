"""`sampling`: one prompt asked again and again under other sampling parameters."""

from __future__ import annotations

from antidistill.assessment.crowd import PROMPT_WORDS, Crowd, Reading
from antidistill.assessment.frames import ramp
from antidistill.assessment.observation import Observation, Sampling
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import Signal
from antidistill.model import Evidence, Family

MOST = 1.5
_REMEMBERED = 32


class Asked:
    """Prompts asked lately, each with how often and under which parameters last."""

    __slots__ = ("prompts", "resampled", "total")

    def __init__(self) -> None:
        self.prompts: dict[int, Sampling] = {}
        self.total = 0
        self.resampled = 0


class Resampling(Signal):
    """The same prompt comes back with another seed, temperature, count of answers, or with log-probabilities.

    Threat: best-of-n and rejection sampling, stealing of logits: many answers to each of a set of prompts.
    Formula: 1.5 · ramp(m, 10, 60) · ramp(m/n, 0.1, 0.5), m prompts that differ from one of the last 32 in parameters only, out
        of n prompts. Retries after a refusal do not count. One-sided: most honest use and most campaigns ask once.
    State: the last 32 prompts as hashes, with their parameters; two counters.
    Gamed by: leaving the parameters alone, or more than 32 prompts in between.
    Honest use that looks like it: pass@k evaluations and developers who tune parameters; hence the low bound.
    """

    name = "sampling"
    family: Family = "content"

    def begin(self) -> Asked:
        """No prompt yet."""
        return Asked()

    def learn(self, state: Asked, observation: Observation, reading: Reading) -> None:
        """Notes the prompt's parameters."""
        if not observation.answered or len(observation.skeleton) <= PROMPT_WORDS - 5:
            return
        state.total += 1
        before = state.prompts.pop(observation.prompt, observation.sampling)
        state.resampled += before != observation.sampling
        state.prompts[observation.prompt] = observation.sampling
        if len(state.prompts) > _REMEMBERED:
            del state.prompts[next(iter(state.prompts))]

    def weigh(self, state: Asked, profile: Profile, crowd: Crowd) -> Evidence | None:
        """Weighs how many prompts were resampled."""
        weight = MOST * ramp(state.resampled, 10, 60) * ramp(state.resampled / max(1, state.total), 0.1, 0.5)
        if not weight:
            return None
        reason = f"{state.resampled} of {state.total} prompts ask again what was just asked, under other sampling parameters"
        return Evidence(self.name, self.family, weight, reason)
