"""What every signal promises."""

from __future__ import annotations

import inspect
import math
import pickle
import random
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.assessment.crowd import Crowd, Reading
from antidistill.assessment.filling import Filling
from antidistill.assessment.handovers import Handover
from antidistill.assessment.observation import Observation, observe
from antidistill.assessment.profile import Profile, begin
from antidistill.assessment.signals import SIGNALS, Signal
from antidistill.assessment.signals.signal import BOUND
from antidistill.assessment.ties import ties
from antidistill.model import Evidence, Family
from tests.assessment.traffic import START, campaign, in_order, people

every_signal = pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)

observations = st.builds(
    Observation,
    account=st.just("acct"),
    tenant=st.integers(1, 3),
    ts=st.floats(START, START + 1e5),
    duration=st.floats(0, 100),
    status=st.sampled_from([0, 200, 429]),
    output_tokens=st.integers(0, 5000),
    prompt=st.integers(1, 3),
    skeleton=st.just(tuple(range(9))),
    sampling=st.tuples(st.none(), st.none(), st.integers(1, 9), st.just(1), st.booleans(), st.just(0), st.just(False)),
)
fillings = st.builds(Filling, st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 99))
handovers = st.builds(Handover, st.text(max_size=3), st.none() | st.floats(0, 60))
readings = st.builds(Reading, st.none() | fillings, st.none() | handovers)


def world(seed: int) -> tuple[Crowd, list[Profile]]:
    """A crowd with a campaign and some people in it, and their profiles."""
    rng = random.Random(seed)
    crowd = Crowd(14)
    profiles: dict[str, Profile] = {}
    for row in in_order(campaign(rng, 8, 2, 10), people(rng, 6, 15)):
        observation = observe(row, seed)
        assert observation is not None
        reading = crowd.read(observation)
        profile = profiles.setdefault(observation.account, begin(observation.account, observation.ts, 0, SIGNALS))
        profile.learn(observation, reading, SIGNALS)
    list(crowd.rate())
    return crowd, list(profiles.values())


def weighed(signal: Signal, profile: Profile, crowd: Crowd) -> Evidence | None:
    return signal.weigh(profile.states[SIGNALS.index(signal)], profile, ties(profile, crowd.frames))


def test_names_are_words_and_taken_once():
    names = [signal.name for signal in SIGNALS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)


@every_signal
def test_the_family_is_known(signal):
    assert signal.family in get_args(Family)


@every_signal
@pytest.mark.parametrize("part", ["Threat:", "Formula:", "State:", "Gamed by:", "Honest use that looks like it:"])
def test_the_docstring_says_what_one_has_to_know(signal, part):
    assert part in (inspect.getdoc(type(signal)) or "")


@every_signal
def test_one_sided_signals_say_why(signal):
    docstring = inspect.getdoc(type(signal)) or ""
    assert "One-sided:" in docstring or "Two-sided" in docstring


@every_signal
def test_nothing_is_said_about_an_account_that_sent_nothing(signal):
    assert signal.weigh(signal.begin(), begin("acct", START, 0, ()), ()) is None


@every_signal
def test_weighing_changes_nothing(signal):
    crowd, profiles = world(1)
    before = pickle.dumps((profiles, crowd.frames))
    for profile in profiles:
        weighed(signal, profile, crowd)
    assert pickle.dumps((profiles, crowd.frames)) == before


@every_signal
def test_the_same_traffic_gives_the_same_evidence(signal):
    (crowd, profiles), (again, twins) = world(2), world(2)
    assert [weighed(signal, profile, crowd) for profile in profiles] == [weighed(signal, twin, again) for twin in twins]


@every_signal
def test_evidence_is_bounded_and_gives_a_reason_with_numbers(signal):
    crowd, profiles = world(3)
    for profile in profiles:
        evidence = weighed(signal, profile, crowd)
        if evidence is not None:
            assert (evidence.signal, evidence.family) == (signal.name, signal.family)
            assert 0 < abs(evidence.weight) <= BOUND
            assert any(character.isdigit() for character in evidence.reason)


@every_signal
@settings(max_examples=30)
@given(st.lists(st.tuples(observations, readings), max_size=60))
def test_whatever_an_account_sends_evidence_is_bounded(signal, traffic):
    profile, crowd = begin("acct", START, 0, SIGNALS), Crowd(4)
    for observation, reading in traffic:
        before = msgspec.json.encode(observation), reading
        profile.learn(observation, reading, SIGNALS)
        assert (msgspec.json.encode(observation), reading) == before
    evidence = weighed(signal, profile, crowd)
    assert evidence is None or (math.isfinite(evidence.weight) and abs(evidence.weight) <= BOUND)
