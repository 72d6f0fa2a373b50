from __future__ import annotations

import math
import pickle
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.keyring import Keyring
from antidistill.watermark.keys import BLOCK, EPOCH_DAYS, EVERY, FIRST, INDEX_BITS, SECOND, Coins, MarkKeys, epoch_of, recent_epochs
from tests.watermark.synthetic import EPOCH, slot

SECRET = bytes(range(32))
KEYS = MarkKeys(SECRET)
DAY = 86_400
indices = st.integers(0, (2 << INDEX_BITS) - 1)


def drawn(coins, count=64):
    return [coins.bit(index) for index in range(count)]


def random_coins(number):
    return Coins(number.to_bytes(32, "big"))


def test_marks_made_today_are_read_by_later_versions():
    coins = KEYS.account("acme", 3, "tenant")
    assert "".join(map(str, drawn(coins, 40))) == "1010111011100000001100001001010000000010"
    assert KEYS.index(slot("use-utilize", "the")) == 30993


@given(indices)
def test_a_coin_is_a_bit_of_its_block(index):
    coins = KEYS.account("acme", 3)
    block = int.from_bytes(coins.block(index // BLOCK), "little")
    assert coins.bit(index) == block >> index % BLOCK & 1


def test_coins_are_fair_over_keys():
    heads = [sum(random_coins(number).bit(index) for number in range(4000)) for index in (0, 1, 511, 512, 70_000)]
    assert all(abs(count - 2000) < 5 * math.sqrt(1000) for count in heads)


@pytest.mark.parametrize("pair", [(0, 1), (7, 8), (511, 512), (3, 65_539)], ids=str)
def test_coins_of_two_indices_are_independent_over_keys(pair):
    equal = sum(random_coins(number).bit(pair[0]) == random_coins(number).bit(pair[1]) for number in range(4000))
    assert abs(equal - 2000) < 5 * math.sqrt(1000)


def test_coins_of_one_key_are_fair():
    heads = sum(drawn(KEYS.account("acme", 3), 1 << INDEX_BITS))
    assert abs(heads - (1 << INDEX_BITS) / 2) < 5 * math.sqrt((1 << INDEX_BITS) / 4)


OTHERS = {
    "account": KEYS.account("acme2", 3, "t"),
    "epoch": KEYS.account("acme", 4, "t"),
    "tenant": KEYS.account("acme", 3, "u"),
    "border between names": KEYS.account("tacme", 3, ""),
    "layer": KEYS.group("acme", 3),
    "master key": MarkKeys(SECRET[::-1]).account("acme", 3, "t"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_key_has_other_coins(other):
    agreeing = sum(a == b for a, b in zip(drawn(KEYS.account("acme", 3, "t"), 1000), drawn(other, 1000), strict=True))
    assert abs(agreeing - 500) < 5 * math.sqrt(250)


@pytest.mark.parametrize("account", ["", "acct_1abc", "名前", "\ud800", "a" * 10_000], ids=["empty", "id", "kanji", "surrogate", "long"])
def test_any_name_has_a_key(account):
    assert KEYS.account(account, 0).bit(0) in (0, 1)


def test_a_seed_does_not_depend_on_the_side():
    assert KEYS.index(slot(side=0)) == KEYS.index(slot(side=1))


def test_a_seed_depends_on_class_and_previous_word():
    seeds = [slot(cls, previous) for cls in ("a", "b", "ab") for previous in ("", "a", "b", "bb")]
    assert len({KEYS.index(seed) for seed in seeds}) == len(seeds)


@given(st.text(max_size=8), st.text(max_size=8))
def test_parts_share_no_index(cls, previous):
    for tier in (1, 2):
        place = slot(cls, previous, tier=tier)
        assert KEYS.index(place) >> INDEX_BITS == (KEYS.part(place) or 0)


def test_what_the_group_takes_at_tier_2_is_the_account_s_at_tier_1_only():
    parts = {(tier, KEYS.layer(cls, 2)): KEYS.part(slot(cls, tier=tier)) for tier in (1, 2) for cls in map("class {}".format, range(99))}
    assert parts == {(1, "A"): EVERY, (1, "R"): FIRST, (2, "A"): SECOND, (2, "R"): None}


def test_all_classes_belong_to_the_account_at_tier_1():
    assert {KEYS.layer(f"class {number}", 1) for number in range(200)} == {"A"}


def test_two_of_five_classes_belong_to_the_group_at_tier_2():
    layers = [KEYS.layer(f"class {number}", 2) for number in range(2000)]
    assert abs(layers.count("R") - 800) < 5 * math.sqrt(480)
    assert layers.count("A") + layers.count("R") == 2000


def test_which_classes_are_active_depends_on_the_secret():
    here, there = MarkKeys(SECRET, active=0.7), MarkKeys(SECRET[::-1], active=0.7)
    asleep = [{number for number in range(1000) if keys.layer(f"class {number}", 1) is None} for keys in (here, there)]
    assert all(abs(len(classes) - 300) < 75 for classes in asleep)
    assert asleep[0] != asleep[1]


@pytest.mark.parametrize(("habit", "coins"), [(True, 2), (False, 1)], ids=["after each word, if a habit", "for the whole class, if not"])
def test_the_group_has_a_coin(habit, coins):
    cls = next(f"class {number}" for number in range(100) if KEYS.layer(f"class {number}", 2) == "R")
    assert len({KEYS.group_index(slot(cls, previous, tier=2, habit=habit)) for previous in ("a", "b")}) == coins


def test_a_habit_of_the_account_has_a_coin_for_each_word_before():
    assert KEYS.index(slot("class 1", "a", habit=True)) != KEYS.index(slot("class 1", "b", habit=True))


def test_a_mark_wants_the_coin_of_the_account():
    mark, coins = KEYS.mark("acme", EPOCH), KEYS.account("acme", EPOCH)
    places = [slot(f"class {number}") for number in range(50)]
    assert [mark.want(place) for place in places] == [coins.bit(KEYS.index(place)) for place in places]


def test_the_classes_of_the_group_follow_it_where_there_is_one():
    place = next(place for number in range(100) if KEYS.layer((place := slot(f"class {number}")).cls, 2) == "R")
    assert KEYS.mark("acme", EPOCH).want(place) == KEYS.account("acme", EPOCH).bit(KEYS.index(place))
    assert KEYS.mark("acme", EPOCH, group="campaign").want(place) == KEYS.group("campaign", EPOCH).bit(KEYS.group_index(place))


def test_sleeping_classes_stay_as_they_are():
    keys = MarkKeys(SECRET, active=0.0)
    assert keys.mark("acme", EPOCH, group="campaign").want(slot()) is None


def test_the_newest_master_key_marks_and_all_are_tried():
    old, new = MarkKeys.ring(Keyring([SECRET])), MarkKeys.ring(Keyring([SECRET, SECRET[::-1]]))
    assert len(new) == 2
    assert drawn(new[1].account("acme", 1)) == drawn(old[0].account("acme", 1)) != drawn(new[0].account("acme", 1))


def test_keys_show_nothing():
    shown = f"{KEYS} {KEYS!r} {KEYS.account('acme', 3)!r} {KEYS.mark('acme', 3)!r}"
    assert SECRET.hex() not in shown
    assert repr(SECRET)[2:-1] not in shown


def test_the_mark_of_an_account_that_comes_back_is_not_derived_again():
    assert KEYS.mark("acme", 3, "t", "campaign") is KEYS.mark("acme", 3, "t", "campaign")


@pytest.mark.parametrize("other", [("acme2", 3), ("acme", 4), ("acme", 3, "t"), ("acme", 3, "", "campaign")], ids=str)
def test_another_account_epoch_tenant_or_group_has_another_mark(other):
    assert KEYS.mark(*other) is not KEYS.mark("acme", 3)


def test_coins_cannot_be_written_to_disk():
    with pytest.raises(TypeError):
        pickle.dumps(KEYS.account("acme", 3))


@given(st.floats(0, 4e9))
def test_a_year_touches_three_epochs_at_most(now):
    epochs = recent_epochs(now)
    assert len(epochs) <= 3
    assert epochs[-1] == epoch_of(now)
    assert epochs[0] == epoch_of(now - 365 * DAY)


def test_an_epoch_ends_after_its_days():
    random = Random(1)
    start = random.randrange(100) * EPOCH_DAYS * DAY
    assert epoch_of(start + EPOCH_DAYS * DAY - 1) == epoch_of(start)
    assert epoch_of(start + EPOCH_DAYS * DAY) == epoch_of(start) + 1


def test_without_a_time_the_recent_epochs_are_those_before_now():
    assert len(recent_epochs()) in (2, 3)
