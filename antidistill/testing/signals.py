"""What every signal has to pass."""

from __future__ import annotations

import inspect
from typing import get_args

from antidistill.assessment.crowd import Crowd
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import begin
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.assessment.ties import ties
from antidistill.model import Evidence, Family

DOCSTRING = ("Threat:", "Formula:", "State:", "Gamed by:", "Honest use that looks like it:")


def check_signal(signal: Signal) -> None:
    """Checks a signal.

    Its docstring must say what it is up against and how it can be wrong, it must say what would make its evidence fall, be silent
    about an account of which nothing is known, keep its evidence within bounds, and say the same thing of the same observations.
    """
    doc = inspect.getdoc(type(signal)) or ""
    assert signal.name.isidentifier(), f"{signal.name!r} must be one word: policies say signal.{signal.name}"
    assert signal.family in get_args(Family), f"{signal.name}: family must be one of {get_args(Family)}"
    assert all(part in doc for part in DOCSTRING), f"{signal.name}: the docstring needs {', '.join(p for p in DOCSTRING if p not in doc)}"
    assert signal.falls.endswith("."), f"{signal.name}: falls must be a sentence: what would make it fall"
    assert _weigh(signal, 0) is None, f"{signal.name}: speaks of an account of which nothing is known"
    evidence = _weigh(signal, 400)
    assert evidence == _weigh(signal, 400), f"{signal.name}: says something else of the same observations"
    if evidence is not None:
        assert abs(evidence.weight) <= BOUND, f"{signal.name}: weighs {evidence.weight}, more than {BOUND} either way"
        assert evidence.reason, f"{signal.name}: evidence needs a reason that a person can read"


def _weigh(signal: Signal, count: int) -> Evidence | None:
    """What a signal says after an account has filled one frame, beside eleven others that do the same."""
    crowd, profile = Crowd(14), begin("acct_0", 0.0, 0, (signal,))
    for number in range(count):
        skeleton = (1, 2, 3, 4, 5, 6, 1000 + 2 * number, 1001 + 2 * number)
        who = number % 12
        row = Observation(f"acct_{who}", who, 30.0 * number, status=200, output_tokens=200, prompt=1000 + number, skeleton=skeleton)
        reading = crowd.read(row)
        if who == 0:
            profile.learn(row, reading, (signal,))
    list(crowd.rate())
    return signal.weigh(profile.states[0], profile, ties(profile, crowd.frames))
