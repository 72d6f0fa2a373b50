"""Every action keeps the contract, and says what is wrong with its parameters."""

from __future__ import annotations

from typing import Any

import pytest

from antidistill.actions import ACTIONS, Action, Alert, Cap, Deny, Hold, Tag, Throttle
from antidistill.model import Delay, Facts, Limits, Notice, Quota, Refusal, Rewrite
from antidistill.testing import check_action
from examples.custom_action import Nap

EXAMPLES: dict[type, Action] = {
    Alert: Alert(note="look"),
    Cap: Cap(max_tokens=10),
    Deny: Deny(),
    Hold: Hold(seconds=1),
    Tag: Tag(key="odd"),
    Throttle: Throttle(scale=0.5, limit="10/minute"),
    Nap: Nap(seconds=2),
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
        (Hold(seconds=0), "above 0 and at most 300"),
        (Hold(seconds=1e9), "above 0 and at most 300"),
        (Tag(key=""), "must not be empty"),
        (Throttle(), "needs scale or limit"),
        (Throttle(scale=0), "to refuse everything, use deny"),
        (Throttle(scale=2), "at most 1"),
        (Throttle(limit="fast"), "throttle.limit"),
        (Throttle(scale=0.5, burst=3), "goes with throttle.limit only"),
        (Throttle(limit="3/minute", unit="concurrent"), "use scale"),
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
        (Hold(seconds=2), Delay(2)),
        (Tag(key="a", value=1), Notice("tag", {"a": 1})),
        (Throttle(scale=0.5), Limits(0.5, "account")),
        (
            Throttle(limit="60/minute", per="campaign"),
            Limits(None, "campaign", Quota("r/throttle", ("campaign",), "requests", 60, 60.0, 6, False)),
        ),
    ],
    ids=repr,
)
def test_an_action_says_what_is_to_be_done(action: Action, effect: object) -> None:
    assert action.effect(Facts(0.0), "r") == effect
