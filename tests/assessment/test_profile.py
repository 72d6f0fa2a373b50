from __future__ import annotations

import random
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from antidistill.assessment.crowd import Reading
from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import PROFILED_AFTER, Fillings, Profile, Profiles, begin
from antidistill.assessment.signals import SIGNALS
from tests.assessment.traffic import START

MANY = 1 << 13


def seen(account: str, ts: float = START, **more: Any) -> Observation:
    return Observation(account, hash(account), ts, status=200, **more)


def met(profiles: Profiles, account: str, times: int = PROFILED_AFTER) -> Profile | None:
    return [profiles.meet(seen(account, START + n)) for n in range(times)][-1]


def rated(profiles: Profiles, account: str, risk: float) -> None:
    profile = met(profiles, account)
    assert profile is not None
    profiles.file(profile, risk)


def size(value: object, known: set[int] | None = None) -> int:
    """Bytes of an object and all it refers to."""
    known = set() if known is None else known
    if id(value) in known or isinstance(value, type):
        return 0
    known.add(id(value))
    parts: list[object] = []
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, (tuple, list, set, frozenset)):
        parts = list(value)
    else:
        parts = [getattr(value, name) for name in getattr(type(value), "__slots__", ())]
    return sys.getsizeof(value) + sum(size(part, known) for part in parts)


def test_an_account_gets_a_profile_after_some_requests():
    profiles = Profiles(SIGNALS, 10)
    assert [profiles.meet(seen("ann", START + n)) is not None for n in range(4)] == [False, False, True, True]


def test_a_profile_knows_the_requests_before_it():
    profiles = Profiles(SIGNALS, 10)
    profile = met(profiles, "ann")
    assert profile is not None
    profile.learn(seen("ann", START + 9), Reading(), SIGNALS)
    assert (profile.requests, profile.first_seen, profile.last_seen) == (PROFILED_AFTER, START, START + 9)


def test_a_hot_profile_takes_five_kibibytes_at_most():
    rng = random.Random(1)
    profile = begin("acct_0123456789ab", START, 0, SIGNALS)
    for n in range(2_000):
        observation = seen(
            "acct", START + n, prompt=rng.getrandbits(64), skeleton=tuple(range(9)), sampling=(rng.random(), None, n, 1, False, 0, False)
        )
        profile.learn(observation, Reading(Filling(rng.getrandbits(64), True, True, n)), SIGNALS)
    assert len(profile.frames) == 10
    assert size(profile) <= 5 * 1024


def test_the_frames_used_most_are_kept():
    profile = begin("acct", START, 0, SIGNALS)
    for n in range(100):
        profile.learn(seen("acct", START + n), Reading(Filling(7, True, True, n)), SIGNALS)
        profile.learn(seen("acct", START + n), Reading(Filling(1000 + n, True, True, n)), SIGNALS)
    assert profile.frames[7] == Fillings(0, 100, 0)


def test_uses_of_a_frame_are_told_apart():
    profile = begin("acct", START, 0, SIGNALS)
    for filling in (Filling(7, False, True, 0), Filling(7, True, True, 1), Filling(7, True, True, 2), Filling(7, True, False, 2)):
        profile.learn(seen("acct"), Reading(filling), SIGNALS)
    assert profile.frames == {7: Fillings(early=1, new=2, repeats=1, since=START)}


def test_only_prompts_of_some_length_that_were_answered_count():
    profile = begin("acct", START, 0, SIGNALS)
    profile.learn(seen("acct", skeleton=(1,)), Reading(), SIGNALS)
    profile.learn(seen("acct"), Reading(), SIGNALS)
    profile.learn(Observation("acct", 1, START, status=429, skeleton=(1,)), Reading(), SIGNALS)
    assert (profile.prompts, profile.requests) == (1, 3)


def test_the_account_longest_silent_makes_room():
    profiles = Profiles(SIGNALS, 2)
    for account in ("ann", "bob", "ann", "cid"):
        met(profiles, account)
    assert profiles.overflow() == ["bob"]
    assert len(profiles) == 2


def test_a_flood_of_new_accounts_does_not_make_an_offender_fresh():
    profiles = Profiles(SIGNALS, 10)
    rated(profiles, "offender", 0.9)
    for n in range(1_000):
        met(profiles, f"new-{n}")
        profiles.overflow()
    assert profiles.get("offender") is not None
    assert len(profiles) == 10


def test_of_too_many_offenders_the_longest_silent_goes():
    profiles = Profiles(SIGNALS, 2)
    for account in ("ann", "bob", "cid"):
        rated(profiles, account, 0.9)
    assert profiles.overflow() == ["ann"]


def test_offenders_leave_half_of_the_room_to_others():
    profiles = Profiles(SIGNALS, 10)
    for n in range(20):
        rated(profiles, f"offender-{n}", 0.9)
        profiles.overflow()
    met(profiles, "new")
    profiles.overflow()
    assert profiles.get("new") is not None


def test_an_offender_that_is_cleared_is_quiet_again():
    profiles = Profiles(SIGNALS, 2)
    for account, risk in (("ann", 0.9), ("ann", 0.1), ("bob", 0.9)):
        rated(profiles, account, risk)
    met(profiles, "cid")
    assert profiles.overflow() == ["ann"]


@given(st.integers(1, 6), st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([None, 0.1, 0.9])), max_size=60))
def test_offenders_are_counted_rightly_whoever_comes_and_goes(limit, steps):
    profiles = Profiles(SIGNALS, limit)
    for account, risk in steps:
        profile = met(profiles, account)
        if risk is not None and profile is not None:
            profiles.file(profile, risk)
        profiles.overflow()
    known = [profile for account in "abcdefgh" if (profile := profiles.get(account)) is not None]
    assert len(known) == len(profiles) <= limit
    assert profiles._offenders == sum(profile.offending for profile in known)


def test_accounts_in_many_stripes_are_bounded():
    profiles = Profiles(SIGNALS, MANY)
    gone = []
    for n in range(MANY + 100):
        met(profiles, f"account-{n}")
        gone += profiles.overflow()
    assert len(profiles) == MANY
    assert len(gone) == len(set(gone)) == 100
    assert all(profiles.get(account) is None for account in gone)


def test_newcomers_are_bounded():
    profiles = Profiles(SIGNALS, 10)
    for n in range(1_000):
        profiles.meet(seen(f"once-{n}"))
    assert len(profiles) == 0
    assert len(profiles._newcomers) == 10


def test_signals_keep_no_state_of_their_own():
    before = [dict(vars(signal)) for signal in SIGNALS]
    profile = begin("acct", START, 0, SIGNALS)
    profile.learn(seen("acct"), Reading(), SIGNALS)
    for signal, state in zip(SIGNALS, profile.states, strict=True):
        signal.weigh(state, profile, ())
    assert [dict(vars(signal)) for signal in SIGNALS] == before
