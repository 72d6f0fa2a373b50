from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.filling import Filling
from antidistill.assessment.frame import Frame
from antidistill.assessment.frames import Frames
from antidistill.assessment.observation import Observation

ANCHOR = 99


def by(tenant: int, tokens: int = 100) -> Observation:
    return Observation(f"acct-{tenant}", tenant, 0.0, output_tokens=tokens)


def used(frame: Frame, tenant: int, value: int, new: bool = True) -> bool:
    return frame.use(by(tenant), Filling(ANCHOR, True, new, value))


def frame_of(uses: list[tuple[int, int]], new: bool = True) -> Frame:
    """A frame with uses of (tenant, value)."""
    frame = Frame(ANCHOR, 0.0)
    for tenant, value in uses:
        used(frame, tenant, value, new)
    return frame


def dealt(tenants: int, each: int) -> list[tuple[int, int]]:
    """A new value to one tenant after the other."""
    return [(1 + turn % tenants, 1000 + turn) for turn in range(tenants * each)]


def in_turn(tenants: int, each: int) -> list[tuple[int, int]]:
    """New values, each tenant in one go."""
    return sorted(dealt(tenants, each))


def strength(uses: list[tuple[int, int]], population: int = 0, new: bool = True) -> float:
    return frame_of(uses, new).rate(population, {}).strength


def test_a_frame_that_many_fill_evenly_with_new_values_is_strong():
    assert strength(dealt(12, 5)) == 1.0


def test_frames_of_the_same_many_accounts_remember_the_same_of_them():
    one, other = frame_of(dealt(1_000, 1)), frame_of(in_turn(1_000, 1)[::-1])
    assert 64 < len(one.accounts) <= 256
    assert one.accounts == other.accounts


@pytest.mark.parametrize(
    "uses",
    [
        pytest.param([], id="no use"),
        pytest.param(dealt(2, 50), id="two tenants"),
        pytest.param(dealt(60, 1), id="a public prompt that everybody tries once"),
        pytest.param(dealt(60, 1) + [(tenant, 9000 + tenant) for tenant in range(1, 11)], id="a public prompt that some try again"),
        pytest.param([(tenant, value) for value in range(50) for tenant in range(1, 20)], id="a worksheet: all bring the same values"),
        pytest.param([(1, 100 + n) for n in range(500)] + [(2, 700), (3, 701)], id="one user and two passers-by"),
    ],
)
def test_honest_frames_are_weak(uses):
    assert strength(uses) == 0.0


def test_it_takes_more_tenants_where_answers_are_labels():
    text, labels = Frame(ANCHOR, 0.0), Frame(ANCHOR, 0.0)
    for tenant, value in dealt(6, 8):
        text.use(by(tenant), Filling(ANCHOR, True, True, value))
        labels.use(by(tenant, tokens=2), Filling(ANCHOR, True, True, value))
    assert 0.6 < labels.rate(0, {}).strength < 0.7 < 0.8 < text.rate(0, {}).strength


def test_it_takes_more_tenants_where_each_uses_it_a_few_times():
    assert strength(dealt(6, 4)) < 0.7 < 0.8 < strength(dealt(6, 8))


def test_a_frame_without_new_values_is_weak():
    assert strength(dealt(12, 5), new=False) == 0.0


def test_tenants_that_mostly_repeat_values_make_no_strong_frame():
    repeats = [(tenant, 1000) for tenant in range(1, 13) for _ in range(9)]
    assert strength(dealt(12, 5) + repeats) == 0.0


def test_few_tenants_make_less_than_many():
    assert 0 < strength(dealt(4, 5)) < strength(dealt(6, 5)) < strength(dealt(10, 5))


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param([(99, 5)] * 5000, id="one that repeats itself"),
        pytest.param([(99, 20_000 + n) for n in range(5000)], id="one that does the work of all"),
    ],
)
def test_one_tenant_cannot_spoil_the_rating(noise):
    assert strength(dealt(12, 5) + noise) > 0.8


def test_what_a_quarter_of_all_share_is_public():
    assert strength(dealt(200, 4), population=800) == 0.0
    assert strength(dealt(200, 4), population=20_000) == 1.0


def test_in_a_small_population_nothing_counts_as_public():
    assert strength(dealt(12, 4), population=20) == 1.0


@pytest.mark.parametrize(("tenants", "expected"), [(3, 3), (255, 255), (1000, 1000), (4000, 4000)])
def test_tenants_are_counted_beyond_memory(tenants, expected):
    rng = random.Random(3)
    frame = frame_of([(rng.getrandbits(64), turn) for turn in range(tenants)])
    assert frame.rate(0, {}).tenants == pytest.approx(expected, rel=0.1)


def test_members_are_bounded():
    frame = frame_of([(tenant, tenant) for tenant in range(1, 5000)])
    assert len(frame.rate(0, {}).company) == 256 >= len(frame.accounts) > 64


def test_a_dispatcher_shows_by_alternation():
    assert frame_of(dealt(10, 10)).rate(0, {}).alternation > 0.9
    assert frame_of(in_turn(10, 10)).rate(0, {}).alternation < 0.2


def test_an_even_load_has_no_spread_and_strangers_have():
    heavy = [(1 + tenant, 1000 * tenant + turn) for tenant in range(20) for turn in range(2 + 400 // (1 + tenant) ** 2)]
    assert frame_of(dealt(10, 10)).rate(0, {}).spread == 0.0
    assert frame_of(heavy).rate(0, {}).spread > 1.0


def test_a_value_that_was_used_before_is_a_repeat_even_if_all_others_forgot_it():
    frame = Frame(ANCHOR, 0.0)
    assert used(frame, 1, 7)
    assert not used(frame, 2, 7)
    assert (frame.rate(0, {}).fillings, frame.rate(0, {}).repeats) == (1, 1)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 30), st.booleans())), st.integers(0, 2000))
def test_a_rating_is_within_its_bounds(uses, population):
    frame = Frame(ANCHOR, 0.0)
    for tenant, value, new in uses:
        used(frame, tenant, value, new)
    standing = frame.rate(population, {})
    assert 0 <= standing.strength <= 1
    assert standing.spread >= 0 <= standing.alternation
    assert standing.fillings + standing.repeats == len(uses)
    assert standing == frame.rate(population, {})


def test_the_frame_longest_unused_makes_room():
    frames = Frames(limit=2)
    for anchor in (1, 2, 1, 3):
        frames.use(by(50), Filling(anchor, True, True, anchor))
    assert len(frames) == 2
    assert frames.get(2) is None
    assert frames.get(1) is not None


def test_only_frames_that_changed_are_news():
    frames = Frames()
    for tenant, value in dealt(12, 5):
        frames.use(by(tenant), Filling(ANCHOR, True, True, value))
    assert [frame.anchor for frame in frames.rate(0)] == [ANCHOR]
    frames.use(by(1), Filling(ANCHOR, True, True, 5))
    assert list(frames.rate(0)) == []
    assert [frame.anchor for frame in frames.strong(0.5)] == [ANCHOR]


def met(tenants: int, frames: int, followed: int = 0) -> Frames:
    """Each tenant fills each frame once."""
    known = Frames()
    for anchor in range(frames):
        for tenant in range(tenants):
            known.use(by(tenant), Filling(anchor, True, True, 100 * anchor + tenant))
            if tenant < followed:
                known.follow(anchor, tenant)
    return known


def test_tenants_that_meet_again_in_another_frame_need_not_come_back_to_one():
    alone, together = met(12, 1), met(12, 4)
    assert not list(alone.rate(0))
    assert [frame.standing.strength for frame in together.rate(0)] == [1.0] * 4


def test_a_frame_is_weak_where_people_ask_back():
    assert not list(met(12, 4, followed=3).rate(0))
    assert [frame.standing.followed for frame in met(12, 4, followed=1).rate(0)] == [1] * 4


def test_a_frame_that_made_room_lets_nobody_meet():
    frames = Frames(limit=1)
    for anchor in (1, 2):
        for tenant in range(12):
            frames.use(by(tenant), Filling(anchor, True, True, 100 * anchor + tenant))
    assert not list(frames.rate(0))


def test_asking_back_about_a_frame_that_made_room_changes_nothing():
    frames = Frames(limit=1)
    frames.follow(7, 1)
    assert not list(frames.rate(0))


def test_what_the_first_two_did_counts_once_a_third_shares_the_wording():
    frames = Frames()
    for _ in range(6):
        for tenant in (1, 2):
            frames.drafts.note(by(tenant), Filling(ANCHOR, False, True, 0, 9))
    frames.use(by(3), Filling(ANCHOR, True, True, 5, 9))
    list(frames.rate(3))
    frame = frames.get(ANCHOR)
    assert frame is not None
    assert (frame.standing.tenants, frame.standing.fillings) == (3, 13)


def test_wording_that_only_begins_alike_is_not_taken_for_shared():
    frames = Frames()
    frames.drafts.note(by(1), Filling(ANCHOR, False, True, 0, 8))
    frames.use(by(3), Filling(ANCHOR, True, True, 5, 9))
    list(frames.rate(3))
    frame = frames.get(ANCHOR)
    assert frame is not None
    assert frame.standing.tenants == 1
