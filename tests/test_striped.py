from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.striped import Striped

MANY = 1 << 14
STEPS = st.lists(st.tuples(st.sampled_from(["set", "pop", "touch", "get", "shed"]), st.text(max_size=2), st.integers()), max_size=60)


def filled(room: int, accounts: int) -> Striped[str, int]:
    table: Striped[str, int] = Striped(room)
    for number in range(accounts):
        table[f"account-{number}"] = number
    return table


@given(st.sampled_from([0, 10, MANY]), STEPS)
def test_it_knows_what_one_table_would_know(room: int, steps: list[tuple[str, str, int]]) -> None:
    table: Striped[str, int] = Striped(room)
    plain: dict[str, int] = {}
    for step, account, value in steps:
        match step:
            case "set":
                table[account] = plain[account] = value
            case "pop":
                assert table.pop(account) == plain.pop(account, None)
            case "touch":
                assert table.touch(account) == plain.get(account)
            case "get":
                assert table.get(account) == plain.get(account)
            case _ if plain:
                gone, known = table.shed()
                assert plain.pop(gone) == known
    assert dict(table.items()) == plain
    assert sorted(table) == sorted(plain)
    assert sorted(table.values()) == sorted(plain.values())
    assert len(table) == len(plain)
    assert all(account in table for account in plain)


def test_no_stripe_grows_large_while_there_is_room() -> None:
    table = filled(100_000, 100_000)
    assert len(table) == 100_000
    assert len(table.fullest()) < 4096


def test_the_account_that_came_or_was_touched_longest_ago_makes_room() -> None:
    table = filled(10, 4)
    table.touch("account-0")
    assert [table.shed()[0] for _ in range(4)] == ["account-1", "account-2", "account-3", "account-0"]


def test_room_is_made_in_the_fullest_stripe() -> None:
    table = filled(MANY, 2_000)
    crowded = table.fullest()
    oldest = next(iter(crowded))
    assert table.shed()[0] == oldest
    assert oldest not in table


def test_no_more_is_kept_than_asked_for() -> None:
    table = filled(10, 4)
    table.keep("account-4", 4, 3)
    assert list(table) == ["account-2", "account-3", "account-4"]


def test_where_there_is_nothing_nothing_is_shed() -> None:
    with pytest.raises(KeyError, match="nothing is left"):
        Striped(MANY).shed()


def test_the_garbage_collector_does_not_look_into_it() -> None:
    table: Striped[int, float] = Striped(MANY)
    for number in range(100):
        table[number] = 0.5
    assert not any(gc.is_tracked(stripe) for stripe in table._stripes)


def test_who_reads_is_not_disturbed_by_who_writes() -> None:
    table = filled(10, 5)
    for account in table:
        table.pop(account)
        table[f"new-{account}"] = 0
    assert len(table) == 5


def test_every_process_has_the_same_order() -> None:
    table: Striped[str, int] = Striped(MANY)
    for account in ("ann", "bob", "cid", "dan", "eve", "fay", "\ud800"):
        table[account] = 0
    assert list(table) == ["ann", "eve", "\ud800", "bob", "fay", "cid", "dan"]
