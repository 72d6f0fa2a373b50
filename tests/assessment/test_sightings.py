from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.sightings import EPOCH, Sightings

ANN, BOB, CID, DAN = 101, 102, 103, 104
NOW = 1_700_000_000.0


def see(sightings: Sightings, tenant: int, *shingles: int, ts: float = NOW) -> str:
    return sightings.see(shingles, tenant, ts)


@pytest.mark.parametrize(
    ("before", "tenant", "mark"),
    [
        pytest.param((), ANN, "0", id="new"),
        pytest.param((ANN,), ANN, "1", id="one's own"),
        pytest.param((ANN,), BOB, "2", id="of one other"),
        pytest.param((ANN, BOB), ANN, "2", id="of oneself and one other"),
        pytest.param((ANN, BOB), CID, "3", id="of two others"),
        pytest.param((ANN, BOB, CID), BOB, "3", id="of oneself and two others"),
        pytest.param((ANN, BOB, CID), DAN, "3", id="of three others"),
        pytest.param((ANN, ANN, ANN), ANN, "1", id="often one's own"),
    ],
)
def test_a_mark_says_how_many_tenants_used_a_shingle(before, tenant, mark):
    sightings = Sightings(10)
    for other in before:
        see(sightings, other, 77)
    assert see(sightings, tenant, 77) == mark


def test_every_shingle_has_its_mark():
    sightings = Sightings(10)
    see(sightings, ANN, 1, 2)
    see(sightings, BOB, 2)
    assert see(sightings, ANN, 1, 2, 3) == "120"


def test_what_nobody_repeats_for_a_month_is_forgotten():
    sightings = Sightings(10)
    see(sightings, ANN, 77)
    assert see(sightings, BOB, 77, ts=NOW + 9 * EPOCH) == "0"


def test_what_is_repeated_stays():
    sightings = Sightings(10)
    for epoch in range(40):
        see(sightings, ANN, 77, ts=NOW + epoch * 5 * EPOCH)
    assert see(sightings, BOB, 77, ts=NOW + 200 * EPOCH) == "2"


def test_a_clock_that_goes_back_loses_nothing():
    sightings = Sightings(10)
    see(sightings, ANN, 77)
    assert see(sightings, BOB, 77, ts=NOW - 5 * EPOCH) == "2"
    assert see(sightings, CID, 77) == "3"


def test_a_flood_of_random_text_displaces_nothing_that_is_shared():
    rng = random.Random(3)
    sightings = Sightings(10)
    for tenant in (ANN, BOB):
        see(sightings, tenant, *range(50))
    for _ in range(100):
        see(sightings, DAN, *[rng.getrandbits(64) for _ in range(100)])
    assert see(sightings, CID, *range(50)) == "3" * 50


def test_memory_is_as_large_as_it_was_made():
    rng = random.Random(3)
    sightings = Sightings(8)
    for tenant in range(1, 200):
        see(sightings, tenant, *[rng.getrandbits(64) for _ in range(50)])
    assert len(sightings._shingles) == len(sightings._cells) == 256


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.floats(0, 1e10))))
def test_any_shingle_of_any_tenant_at_any_time_has_a_mark(uses):
    sightings = Sightings(4)
    for shingle, tenant, ts in uses:
        assert see(sightings, tenant, shingle, ts=ts) in "0123"
