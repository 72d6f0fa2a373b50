from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.dialects import AnthropicMessages, OpenAIChat
from antidistill.dialects.limits import duration, timestamp
from antidistill.model import Quota, QuotaState, Scope

NOW = 1_700_000_000.0


def state(unit, limit, remaining, reset=1.0, **differences):
    quota = Quota("q", ("account",), unit, limit, 60.0, limit, advertise=differences.pop("advertise", True))
    return QuotaState(Scope(quota, "k", 1, **differences), breached=False, remaining=remaining, reset_after=reset)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (-1, "0s"), (0.12, "120ms"), (0.0001, "1ms"), (0.9999, "1s"), (1, "1s"), (1.5, "1.5s"), (59.999, "59.999s"),
        (360, "6m0s"), (90.25, "1m30.25s"), (3600, "1h0m0s"), (86_400, "24h0m0s"), (7_384.5, "2h3m4.5s"),
    ],
)  # fmt: skip
def test_duration_is_written_as_go_does(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NOW, "2023-11-14T22:13:20Z"),
        (NOW + 0.1, "2023-11-14T22:13:21Z"),
        (float("inf"), "9999-12-31T23:59:59Z"),
    ],
)
def test_timestamp_is_rfc_3339(seconds, text):
    assert timestamp(seconds) == text


@given(st.floats(allow_nan=False))
def test_no_time_raises(seconds):
    duration(seconds)
    timestamp(seconds)


def test_openai_is_told_requests_and_tokens():
    states = [state("requests", 60, 59, 0.5), state("tokens", 1000, 10, 360), state("concurrent", 8, 1), state("input_tokens", 9, 1)]
    assert OpenAIChat().limit_headers(states, NOW) == (
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"500ms"),
        (b"x-ratelimit-limit-tokens", b"1000"),
        (b"x-ratelimit-remaining-tokens", b"10"),
        (b"x-ratelimit-reset-tokens", b"6m0s"),
    )


def test_anthropic_is_told_all_kinds_of_tokens():
    states = [state("output_tokens", 70, 7, 2), state("input_tokens", 90, 9, 1), state("requests", 60, 59, 0)]
    assert AnthropicMessages().limit_headers(states, NOW) == (
        (b"anthropic-ratelimit-requests-limit", b"60"),
        (b"anthropic-ratelimit-requests-remaining", b"59"),
        (b"anthropic-ratelimit-requests-reset", b"2023-11-14T22:13:20Z"),
        (b"anthropic-ratelimit-input-tokens-limit", b"90"),
        (b"anthropic-ratelimit-input-tokens-remaining", b"9"),
        (b"anthropic-ratelimit-input-tokens-reset", b"2023-11-14T22:13:21Z"),
        (b"anthropic-ratelimit-output-tokens-limit", b"70"),
        (b"anthropic-ratelimit-output-tokens-remaining", b"7"),
        (b"anthropic-ratelimit-output-tokens-reset", b"2023-11-14T22:13:22Z"),
    )


def test_the_tightest_quota_of_a_unit_is_told():
    states = [state("requests", 60, 30), state("requests", 1000, 2, 9), state("requests", 1000, 2, 5), state("requests", 9, 9)]
    assert dict(OpenAIChat().limit_headers(states, NOW))[b"x-ratelimit-reset-requests"] == b"9s"


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param({"advertise": False}, id="not advertised"),
        pytest.param({"cause": "assessment"}, id="tightened by an assessment"),
        pytest.param({"enforced": False}, id="only recorded"),
    ],
)
def test_what_is_not_for_clients_is_not_told(hidden):
    assert OpenAIChat().limit_headers([state("requests", 60, 1, **hidden)], NOW) == ()
    told = OpenAIChat().limit_headers([state("requests", 60, 1, **hidden), state("requests", 60, 30)], NOW)
    assert dict(told)[b"x-ratelimit-remaining-requests"] == b"30"


def test_nothing_reserved_tells_nothing():
    assert OpenAIChat().limit_headers((), NOW) == AnthropicMessages().limit_headers((), NOW) == ()


def test_remaining_is_never_negative():
    assert dict(OpenAIChat().limit_headers([state("requests", 60, -5)], NOW))[b"x-ratelimit-remaining-requests"] == b"0"
