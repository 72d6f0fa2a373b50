from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.model import Quota
from antidistill.rates import FRESH, gcra, parse_limit, shift, spent

NOON = 1_790_000_000.0


def quota(limit=10, window=60.0, burst=10):
    return Quota("q", ("account",), "requests", limit, window, burst)


quotas = st.builds(
    quota,
    limit=st.integers(1, 10_000_000),
    window=st.sampled_from([1.0, 60.0, 300.0, 3600.0, 86_400.0, 2_592_000.0]),
    burst=st.integers(1, 1_000_000),
)
gaps = st.floats(0, 5000, allow_nan=False)
costs = st.integers(0, 50_000)
shares = st.floats(0, 1)


def test_a_full_burst_fits_at_once_and_no_more():
    state, wait = gcra(FRESH, quota(limit=60, burst=3), NOON, 3)
    _, longer = gcra(state, quota(limit=60, burst=3), NOON, 1)

    assert wait == 0
    assert longer == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("cost", "wait"), [(1, 5.0), (5, 25.0), (10, 50.0)])
def test_the_wait_is_that_of_this_very_cost(cost, wait):
    allowance = quota(limit=12, window=60.0, burst=10)
    state, _ = gcra(FRESH, allowance, NOON, 10)

    assert gcra(state, allowance, NOON, cost)[1] == pytest.approx(wait, abs=1e-5)


def test_a_cost_above_the_burst_can_never_fit():
    assert gcra(FRESH, quota(burst=10), NOON, 11) == (FRESH, None)


def test_what_costs_nothing_always_fits():
    owing = shift(FRESH, quota(burst=10), NOON, 50)

    assert gcra(owing, quota(burst=10), NOON, 0)[1] == 0


def test_a_refusal_leaves_the_state_as_it_was():
    state, _ = gcra(FRESH, quota(burst=10), NOON, 8)

    assert gcra(state, quota(burst=10), NOON + 1, 5)[0] == state


def test_a_clock_that_goes_back_grants_nothing():
    state, _ = gcra(FRESH, quota(limit=60, burst=10), NOON, 10)

    assert gcra(state, quota(limit=60, burst=10), NOON - 3600, 1)[1] == pytest.approx(3601.0, abs=1e-5)
    assert spent(state, quota(), NOON - 3600) == 10


def test_a_clock_that_goes_back_takes_nothing_from_who_is_at_rest():
    at_rest = shift(FRESH, quota(burst=10), NOON, 0)

    assert gcra(at_rest, quota(burst=10), NOON - 3600, 10)[1] == 0


def test_extra_cost_is_charged_beyond_the_burst():
    state = shift(FRESH, quota(limit=60, burst=10), NOON, 25)

    assert gcra(state, quota(limit=60, burst=10), NOON, 1)[1] == pytest.approx(16.0, abs=1e-5)


@given(quotas, st.lists(st.tuples(gaps, costs), max_size=40))
def test_what_is_admitted_in_any_window_is_at_most_burst_and_rate(allowance, requests):
    now, state, admitted = NOON, FRESH, []
    for gap, cost in requests:
        now += gap
        state, wait = gcra(state, allowance, now, cost)
        if wait == 0:
            admitted.append((now, cost))

    rate = Fraction(allowance.limit) / Fraction(allowance.window)
    for index, (start, _) in enumerate(admitted):
        total = 0
        for end, cost in admitted[index:]:
            total += cost
            assert total <= allowance.burst + rate * (Fraction(end) - Fraction(start)) + Fraction(1, 1000)


def fit(allowance, share):
    return max(1, int(allowance.burst * share))


@given(quotas, shares, shares, gaps)
def test_who_waits_as_told_is_admitted(allowance, owed, wanted, gap):
    now, cost = NOON + gap, fit(allowance, wanted)
    state = shift(FRESH, allowance, NOON, 2 * fit(allowance, owed))
    state, _ = gcra(state, allowance, now, 1)
    _, wait = gcra(state, allowance, now, cost)

    assert wait is not None
    assert gcra(state, allowance, now + wait, cost)[1] == 0


def test_who_waits_as_told_is_admitted_at_a_rate_finer_than_the_clock():
    allowance = quota(limit=10_000_000, window=1.0, burst=1_000_000)
    full = shift(FRESH, allowance, NOON, 1_000_000)
    waits = {cost: gcra(full, allowance, NOON, cost)[1] or 0.0 for cost in range(1, 1_000_000, 997)}

    assert all(gcra(full, allowance, NOON + wait, cost)[1] == 0 for cost, wait in waits.items())


@given(quotas, shares, shares)
def test_nobody_is_told_to_wait_longer_than_needed(allowance, owed, wanted):
    cost = fit(allowance, wanted)
    state = shift(FRESH, allowance, NOON, 2 * fit(allowance, owed))
    _, wait = gcra(state, allowance, NOON, cost)
    assert wait is not None
    spare = allowance.burst - cost - spent(state, allowance, NOON + wait)

    assert wait == 0 or spare <= 1e-3 + 2e-6 * allowance.limit / allowance.window


@given(quotas, st.lists(st.tuples(gaps, st.integers(-50_000, 50_000)), max_size=30))
def test_refunds_never_make_credit_beyond_a_full_burst(allowance, corrections):
    now, state = NOON, FRESH
    for gap, units in corrections:
        now += gap
        state = shift(state, allowance, now, units)

        assert state[0] >= 0
        assert gcra(state, allowance, now, allowance.burst + 1)[1] is None


@given(quotas, st.lists(st.tuples(gaps, st.integers(1, 5_000), st.floats(0, 1)), max_size=30))
def test_with_refunds_the_total_stays_within_burst_and_rate(allowance, requests):
    open_: list[tuple[int, int]] = []
    now, state, used = NOON, FRESH, 0
    for gap, cost, share in requests:
        now += gap
        if len(open_) > 3:
            reserved, actual = open_.pop(0)
            state = shift(state, allowance, now, actual - reserved)
            used += actual
        state, wait = gcra(state, allowance, now, cost)
        if wait == 0:
            open_.append((cost, int(cost * share)))

    assert used <= allowance.burst + allowance.limit / allowance.window * (now - NOON) + 1e-3


@given(quotas, quotas, st.lists(st.tuples(gaps, costs), max_size=20), gaps)
def test_tightening_a_quota_in_use_never_leaves_more(one, other, requests, later):
    loose = quota(max(one.limit, other.limit), min(one.window, other.window), max(one.burst, other.burst))
    tight = quota(min(one.limit, other.limit), max(one.window, other.window), min(one.burst, other.burst))
    now, state = NOON, FRESH
    for gap, cost in requests:
        now += gap
        state, _ = gcra(state, loose, now, cost)
    now += later

    assert tight.burst - spent(state, tight, now) <= loose.burst - spent(state, loose, now)


@given(quotas, st.integers(1, 10_000))
def test_a_state_tells_when_it_will_have_drained(allowance, cost):
    state = shift(FRESH, allowance, NOON, cost)

    assert spent(state, allowance, state[2] + 1e-6) < 1e-3 + 1e-6 * allowance.limit / allowance.window
    assert spent(state, allowance, NOON + (state[2] - NOON) * 0.9 - 1e-6) > 0


GOOD = {
    "600/minute": (600, 60.0),
    "10 per 5 minutes": (10, 300.0),
    "10/5minutes": (10, 300.0),
    "1/second": (1, 1.0),
    "2000000/day": (2_000_000, 86_400.0),
    "5/month": (5, 2_592_000.0),
    "100/10minute": (100, 600.0),
    32: (32, 0.0),
}


@pytest.mark.parametrize(("text", "parsed"), GOOD.items(), ids=str)
def test_a_limit_is_an_amount_and_a_period(text, parsed):
    assert parse_limit(text) == parsed


BAD = ["", "600", "600/", "/minute", "600/fortnight", "1.5/minute", "-3/minute", "600/minute;", "600/minute foo", "600/minute; 5/hour", "x"]


@pytest.mark.parametrize("text", BAD, ids=repr)
def test_what_is_not_one_rate_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as 600/minute"):
        parse_limit(text)


@pytest.mark.parametrize("text", ["0/minute", "00/day", 0, -1], ids=repr)
def test_a_limit_that_allows_nothing_is_refused(text):
    with pytest.raises(ValueError, match="1 or more"):
        parse_limit(text)


@pytest.mark.parametrize("text", ["10/0minute", "10 per 0 minutes", "10/00 day"], ids=repr)
def test_a_period_of_no_length_is_refused(text):
    with pytest.raises(ValueError, match="no length"):
        parse_limit(text)
