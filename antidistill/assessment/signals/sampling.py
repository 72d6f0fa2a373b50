"""`sampling`: one prompt asked again and again under other sampling parameters."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from antidistill.assessment.crowd import Reading
from antidistill.assessment.handovers import DISTINCTIVE
from antidistill.assessment.observation import DEFAULT_SAMPLING, Observation, Sampling
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family
from antidistill.text.sketch import digest

MOST = 1.5

_REMEMBERED = 8


class Asked(Struct, gc=False):
    """Prompts asked lately, each with its latest parameters, as hashes; how many there were, and how many of them came again."""

    latest: dict[int, int] = field(default_factory=dict)
    prompts: int = 0
    again: int = 0


class Resampling(Signal):
    """The same prompt comes back with another seed, temperature or number of answers, or with log-probabilities.

    Threat: best-of-n and rejection sampling, theft of logits: many answers to each prompt of a set.
    Formula: 1.5 · ramp(m, 10, 60) · ramp(m/n, 0.1, 0.5), with m prompts that differ from one of the last 8 in parameters only, out
        of n. Retries after a refusal do not count. One-sided: most honest use and most campaigns ask once.
    State: the last 8 prompts and their parameters as hashes; two counters.
    Gamed by: leaving the parameters alone; more than 8 prompts in between.
    Honest use that looks like it: pass@k evaluations, developers who tune parameters. Hence the low bound.
    """

    name = "sampling"
    family: Family = "content"
    falls = "Most new prompts are asked once, or again under the same parameters."

    def begin(self) -> Asked:
        """No prompt yet."""
        return Asked()

    def learn(self, state: Asked, observation: Observation, reading: Reading) -> None:
        """Notes the prompt's parameters."""
        if not observation.answered or len(observation.skeleton) < DISTINCTIVE:
            return
        parameters = _hashed(observation.sampling)
        state.prompts += 1
        state.again += state.latest.pop(observation.prompt, parameters) != parameters
        state.latest[observation.prompt] = parameters
        if len(state.latest) > _REMEMBERED:
            del state.latest[next(iter(state.latest))]

    def weigh(self, state: Asked, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how many prompts came again."""
        weight = MOST * ramp(state.again, 10, 60) * ramp(state.again / max(1, state.prompts), 0.1, 0.5)
        if not weight:
            return None
        reason = f"{state.again} of {state.prompts} prompts ask what was just asked, under other sampling parameters"
        return Evidence(self.name, self.family, weight, reason)


def _hashed(sampling: Sampling) -> int:
    return 0 if sampling == DEFAULT_SAMPLING else digest(repr(sampling), 0)
