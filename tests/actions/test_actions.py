"""Every action keeps the contract, and says what is wrong with its parameters."""

from __future__ import annotations

from typing import Any

import pytest

from antidistill.actions import ACTIONS, Action, Alert, Cap, Challenge, Deny, Hold, Redact, Tag, Throttle, Watermark
from antidistill.model import Delay, Facts, Limits, Notice, Quota, Refusal, Rewrite, Subject
from antidistill.model import Redact as Fields
from antidistill.rates import ByPlan
from antidistill.testing import check_action
from examples.custom_action import Nap

EXAMPLES: dict[type, Action] = {
    Alert: Alert(note="look"),
    Cap: Cap(max_tokens=10),
    Challenge: Challenge(),
    Deny: Deny(),
    Hold: Hold(seconds=1),
    Redact: Redact(fields=("logprobs",)),
    Tag: Tag(key="odd"),
    Throttle: Throttle(scale=0.5, limit="10/minute"),
    Nap: Nap(seconds=2),
    Watermark: Watermark(tier=2, group="east"),
}


@pytest.mark.parametrize("action", [*ACTIONS, Nap], ids=lambda action: action.name)
def test_every_action_keeps_the_contract(action: type) -> None:
    check_action(EXAMPLES[action])


@pytest.mark.parametrize(
    ("action", "advice"),
    [
        (Cap(), "at least one of max_tokens, n, top_logprobs"),
        (Cap(max_tokens=0), "cap.max_tokens must be at least 1"),
        (Cap(top_logprobs=-1), "cap.top_logprobs must be at least 0"),
        (Deny(retry_after=5), "goes with status: 429 only"),
        (Deny(status=429, retry_after=0), "must be above 0"),
        (Deny(message=" "), "must not be empty"),
        (Challenge(message=" "), "must not be empty"),
        (Challenge(authenticate="Bearer\r\nset-cookie: a=b"), "must be one line of ASCII"),
        (Challenge(authenticate=""), "must be one line of ASCII"),
        (Redact(fields=()), "redact: [logprobs]"),
        (Hold(seconds=0), "above 0 and at most 300"),
        (Hold(seconds=1e9), "above 0 and at most 300"),
        (Tag(key=""), "must not be empty"),
        (Watermark(group="east"), "goes with tier 2 only"),
        (Throttle(), "needs scale or limit"),
        (Throttle(scale=0), "to refuse everything, use deny"),
        (Throttle(scale=2), "at most 1"),
        (Throttle(limit="fast"), "throttle.limit"),
        (Throttle(scale=0.5, burst=3), "goes with throttle.limit only"),
        (Throttle(limit="3/minute", unit="concurrent"), "use scale"),
        (Throttle(limit="3/minute", per="fingerprint"), "which strangers share"),
        (Throttle(limit="3/minute", burst=0), "throttle.burst: burst 0 lets nothing through"),
        (Throttle(limit="3/minute", burst=1, algorithm="sliding"), "no meaning for sliding windows"),
        (Throttle(scale=0.5, algorithm="fixed"), "throttle.algorithm goes with throttle.limit only"),
        (Throttle(limit=ByPlan(by="plan", plans={"pro": "fast"}, otherwise="1/day")), "throttle.limit.plans.pro: 'fast'"),
    ],
    ids=repr,
)
def test_parameters_that_make_no_sense_are_explained(action: Any, advice: str) -> None:
    assert any(advice in problem for problem in action.problems()), list(action.problems())


@pytest.mark.parametrize(
    ("action", "effect"),
    [
        (Alert(severity="critical"), Notice("alert", {"severity": "critical", "note": ""})),
        (Cap(max_tokens=9, n=1), Rewrite({"max_tokens": 9, "n": 1})),
        (Deny(message="no"), Refusal(403, "forbidden", "no")),
        (Deny(status=429, message="no"), Refusal(429, "rate", "no", retry_after=60.0)),
        (
            Challenge(status=403, message="no", authenticate="Bearer"),
            Refusal(403, "challenge", "no", headers=(("www-authenticate", "Bearer"),)),
        ),
        (Redact(fields=("logprobs",)), Fields(frozenset({"logprobs"}))),
        (Hold(seconds=2), Delay(2)),
        (Tag(key="a", value=1), Notice("tag", {"a": 1})),
        (Throttle(scale=0.5), Limits(0.5, "account")),
        (Throttle(limit="unlimited"), Limits(None, "account")),
        (
            Throttle(limit="0.5/hour", unit="cost", per="sub_identity"),
            Limits(None, "sub_identity", Quota("r/throttle", ("account", "sub_identity"), "cost", 500_000, 3600.0, 50_000, False)),
        ),
        (
            Throttle(limit="60/minute", algorithm="fixed"),
            Limits(None, "account", Quota("r/throttle", ("account",), "requests", 60, 60.0, 60, False, "fixed")),
        ),
        (
            Throttle(limit="60/minute", per="campaign"),
            Limits(None, "campaign", Quota("r/throttle", ("campaign",), "requests", 60, 60.0, 6, False)),
        ),
    ],
    ids=repr,
)
def test_an_action_says_what_is_to_be_done(action: Action, effect: object) -> None:
    assert action.effect(Facts(0.0), "r") == effect


def test_a_throttle_goes_by_the_plan_of_the_account() -> None:
    limit = ByPlan(by="plan", plans={"pro": "60/minute", "enterprise": "unlimited"}, otherwise="6/minute")
    subjects = [Subject("a", "f", "n", attributes={"plan": plan}) for plan in ("pro", "enterprise", "?")]
    extras = [Throttle(limit=limit).effect(Facts(0.0, subject=subject), "r").extra for subject in subjects]
    assert [extra and extra.limit for extra in extras] == [60, None, 6]
