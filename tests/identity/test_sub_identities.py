from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antidistill.identity.sub_identities import SubIdentities

DAY = 86_400.0


def admitted(register: SubIdentities, account: str, *subs: str, now: float = 0.0, most: int = 3) -> list[bool]:
    return [register.admit(account, sub, now, most) for sub in subs]


def test_the_first_so_many_of_a_day_are_told_apart():
    register = SubIdentities(100)

    assert admitted(register, "a", "1", "2", "3", "4", "5", "2") == [True, True, True, False, False, True]


def test_accounts_do_not_take_room_from_each_other():
    register = SubIdentities(100)
    admitted(register, "a", "1", "2", "3", "4")

    assert admitted(register, "b", "4") == [True]


def test_the_next_day_others_may_be_told_apart():
    register = SubIdentities(100)
    admitted(register, "a", "1", "2", "3")

    assert admitted(register, "a", "4", now=DAY) == [True]
    assert admitted(register, "a", "5", now=DAY - 1) == [True]  # a clock that went back begins no day
    assert len(register) == 2


def test_the_account_that_is_silent_longest_is_forgotten_first():
    register = SubIdentities(4)
    admitted(register, "a", "1", "2", "3")
    admitted(register, "b", "1")
    admitted(register, "a", "1")
    admitted(register, "c", "1")

    assert admitted(register, "a", "4") == [False]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 3)), max_size=200))
def test_what_is_remembered_stays_bounded(claims):
    register = SubIdentities(10)
    day = 0
    for account, claimed, later in claims:
        day += later == 3
        register.admit(account, claimed, day * DAY, 4)
        assert len(register) == sum(len(seen.subs) for seen in register._seen.values()) <= 10 + 4


def test_a_clock_that_goes_back_admits_no_more():
    register = SubIdentities(100)
    assert sum(register.admit("a", number, DAY * (number % 2), 8) for number in range(64)) <= 8 + 1
