"""`labels`: answers are classes and scores, not text."""

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

MOST = -1.0

_ANSWERS = 20


class Answers(Struct, gc=False):
    """Answers given, and those of them that are no more than a label."""

    answers: int = 0
    labels: int = 0


class Labels(Signal):
    """Nearly all answers are a class, a score or a word: there is little in them to train on.

    Threat: none. It speaks for classifiers, graders, annotation jobs and evaluations, whose prompts look like a harvest in every
        other way.
    Formula: −1.0 · ramp(l/n, 0.5, 0.9), with l answers of 8 tokens at most (`Observation.label`) out of n; from 20 on. One-sided: text is
        what most honest accounts ask for, too. Answers of unknown length are no labels.
    State: two counters.
    Gamed by: asking for labels, which is all that a harvest gets then. Reward models are harvested so; the campaigns that do it are
        found by what their accounts have in common, which weighs more.
    Honest use that looks like it: classifiers, graders and multiple-choice evaluations; that is what it is for.
    """

    name = "labels"
    family: Family = "content"
    falls = "Fewer than half of the answers are longer than a label."

    def begin(self) -> Answers:
        """No answer yet."""
        return Answers()

    def learn(self, state: Answers, observation: Observation, reading: Reading) -> None:
        """Counts an answer."""
        if observation.answered and observation.prompt:
            state.answers += 1
            state.labels += observation.label

    def weigh(self, state: Answers, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how little was answered."""
        if state.answers < _ANSWERS:
            return None
        weight = MOST * ramp(state.labels / state.answers, 0.5, 0.9)
        if not weight:
            return None
        reason = f"{state.labels} of {state.answers} answers are no longer than a label"
        return Evidence(self.name, self.family, weight, reason)
