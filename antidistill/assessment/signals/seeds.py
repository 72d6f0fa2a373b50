"""`seeds`: prompts that carry wording of known seed corpora."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

MOST = 1.5


class Seeded(Struct, gc=False):
    """Prompts that the filters know."""

    known: int = 0


class Seeds(Signal):
    """Many prompts hold eight words in a row, or are a whole short text, of the corpora that `assessment.seeds` names.

    Threat: harvests that work through public instruction corpora, whatever they wrap the seeds in. Silent without a filter.
    Formula: 1.5 · ramp(k, 10, 60) · ramp(k/n, 0.05, 0.4), with k prompts that a filter knows out of n. One-sided: private seeds are in
        no filter.
    State: a counter.
    Gamed by: rewording seeds; corpora that nobody has thought of.
    Honest use that looks like it: evaluators who run public benchmarks, courses that use them, people who copy a famous prompt. It
        convicts nobody alone: name in filters what is trained on, and leave out what is evaluated on.
    """

    name = "seeds"
    family: Family = "content"
    falls = "Most new prompts hold no wording of the corpora in the filter."

    def begin(self) -> Seeded:
        """Nothing asked yet."""
        return Seeded()

    def learn(self, state: Seeded, observation: Observation, reading: Reading) -> None:
        """Counts a prompt."""
        if observation.answered and observation.prompt:
            state.known += observation.seeded

    def weigh(self, state: Seeded, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how many prompts are known."""
        prompts = max(1, state.known, profile.prompts)
        weight = MOST * ramp(state.known, 10, 60) * ramp(state.known / prompts, 0.05, 0.4)
        if not weight:
            return None
        reason = f"{state.known} of {prompts} prompts hold wording of known seed corpora"
        return Evidence(self.name, self.family, weight, reason)
