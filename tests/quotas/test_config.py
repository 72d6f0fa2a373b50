from __future__ import annotations

import msgspec
import pytest

from antidistill.model import Mode, Quota
from antidistill.quotas import QuotaConfig, compile_quota


def quota(**fields):
    return compile_quota(msgspec.convert({"id": "q", "per": "account", "limit": "600/minute", **fields}, QuotaConfig))


def test_an_entry_becomes_an_allowance():
    entry = {"id": "q", "per": ["network", "fingerprint"], "limit": "2000000/day", "unit": "tokens", "burst": 5, "advertise": False}

    assert quota(**entry) == Quota("q", ("network", "fingerprint"), "tokens", 2_000_000, 86_400.0, 5, advertise=False)


def test_a_concurrent_quota_is_a_plain_number():
    assert quota(limit=32, unit="concurrent") == Quota("q", ("account",), "concurrent", 32, 0.0, 32)


BURSTS = {
    "few requests": ("60/minute", "requests", 60),
    "many requests in a short time": ("6000/minute", "requests", 1_000),
    "many requests a day": ("100000/day", "requests", 10_000),
    "few tokens": ("30000/minute", "tokens", 30_000),
    "tokens for a long context": ("500000/minute", "tokens", 200_000),
    "many tokens": ("5000000/day", "input_tokens", 500_000),
}


@pytest.mark.parametrize(("limit", "unit", "burst"), BURSTS.values(), ids=BURSTS)
def test_the_default_burst_lets_an_honest_client_send_what_it_sends_at_once(limit, unit, burst):
    assert quota(limit=limit, unit=unit).burst == burst


BAD = {
    "no id": ({"id": ""}, "id is empty"),
    "no per": ({"per": []}, "per is empty"),
    "per twice": ({"per": ["network", "account", "network"]}, "per names network twice"),
    "no rate": ({"limit": "many"}, "'many' is not a rate"),
    "nothing allowed": ({"limit": "0/minute"}, "allows nothing"),
    "two rates": ({"limit": "10/minute; 100/hour"}, "one period"),
    "number for a rate": ({"limit": 600}, "write 600/minute, or unit: concurrent"),
    "rate for concurrency": ({"limit": "32/minute", "unit": "concurrent"}, "plain number"),
    "no concurrency": ({"limit": 0, "unit": "concurrent"}, "allows nothing"),
    "burst for concurrency": ({"limit": 32, "unit": "concurrent", "burst": 2}, "burst has no meaning"),
    "burst of nothing": ({"burst": 0}, "burst 0 lets nothing through"),
}


@pytest.mark.parametrize(("fields", "message"), BAD.values(), ids=BAD)
def test_an_entry_that_contradicts_itself_is_refused_with_what_to_write(fields, message):
    with pytest.raises(ValueError, match=message):
        quota(**fields)


@pytest.mark.parametrize("fields", [{"per": "acount"}, {"unit": "words"}, {"limits": "1/day"}, {"mode": "on"}, {"limit": 1.5}], ids=str)
def test_an_entry_of_the_wrong_shape_is_refused(fields):
    with pytest.raises(msgspec.ValidationError):
        quota(**fields)


def test_mode_and_condition_are_kept_as_they_stand():
    section = {"id": "q", "per": "network", "limit": "1/day", "mode": "enforce", "when": {"proven": False}}
    config = msgspec.convert(section, QuotaConfig)

    assert (config.mode, config.when) == (Mode.ENFORCE, {"proven": False})
