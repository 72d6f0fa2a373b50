from __future__ import annotations

import random

import pytest

from antidistill.assessment.crowd import Crowd, Reading
from antidistill.assessment.observation import observe
from antidistill.model import Call, Exchange, Turn
from tests.assessment.traffic import exchange, fill, words


def read(crowd: Crowd, row: Exchange) -> Reading:
    observation = observe(row, 7)
    assert observation is not None
    return crowd.read(observation)


def test_a_shared_frame_is_found_in_what_three_tenants_send():
    rng, crowd = random.Random(1), Crowd(14)
    frame = words(rng, 16)
    readings = [read(crowd, exchange(f"acct-{n}", fill(frame, rng))) for n in range(4)]
    assert [reading.filling is not None and reading.filling.shared for reading in readings] == [False, False, True, True]
    assert readings[3].filling is not None
    assert readings[3].filling.new


def test_an_organisation_shares_nothing_with_itself():
    rng, crowd = random.Random(1), Crowd(14)
    frame = words(rng, 16)
    readings = [read(crowd, exchange(f"key-{n}", fill(frame, rng), org="org_1")) for n in range(6)]
    assert all(reading.filling is None or not reading.filling.shared for reading in readings)


@pytest.mark.parametrize(
    ("opening", "followed"), [("same", 1), ("else", 0)], ids=["in the conversation that the frame began", "in another conversation"]
)
def test_somebody_asks_back(opening, followed):
    rng, crowd = random.Random(1), Crowd(14)
    frame = words(rng, 16)
    texts = [fill(frame, rng) for _ in range(4)]
    readings = [read(crowd, exchange(f"acct-{n}", text)) for n, text in enumerate(texts)]
    turns = (Turn("user", texts[3] if opening == "same" else opening), Turn("assistant", "b"), Turn("user", "go on"))
    read(crowd, exchange("acct-3", as_call=Call("openai.chat", "m", turns=turns)))
    list(crowd.rate())
    filling = readings[3].filling
    assert filling is not None
    found = crowd.frames.get(filling.anchor)
    assert found is not None
    assert found.standing.followed == followed


def test_a_refused_prompt_teaches_nothing():
    rng, crowd = random.Random(1), Crowd(14)
    frame = words(rng, 16)
    for n in range(5):
        assert read(crowd, exchange(f"acct-{n}", fill(frame, rng), status=429)).filling is None
    assert read(crowd, exchange("acct-9", fill(frame, rng))).filling is None
