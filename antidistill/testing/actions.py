"""What every action has to pass."""

from __future__ import annotations

import inspect
from typing import get_args

from antidistill.actions import Action
from antidistill.model import (
    Assessment,
    Call,
    Delay,
    EffectClass,
    Facts,
    Limits,
    Mark,
    Notice,
    Redact,
    Refusal,
    Request,
    Rewrite,
    Subject,
    Transform,
)

EFFECTS = (Refusal, Delay, Limits, Rewrite, Redact, Transform, Mark, Notice)
NOTICES = (Notice,)


def check_action(action: Action) -> None:
    """Checks an action with parameters that are fine.

    It must be documented and named, be of a known class, find nothing wrong with itself, and give the same effect twice, of a
    type that its class allows, whether anything is known about the request or nothing.
    """
    kind = type(action)
    assert kind.name.isidentifier() or kind.name.replace("-", "_").isidentifier(), (
        f"{kind.__name__}.name must be one word, not {kind.name!r}"
    )
    assert kind.kind in get_args(EffectClass), f"{kind.name}: kind must be one of {get_args(EffectClass)}, not {kind.kind!r}"
    assert inspect.getdoc(kind), f"{kind.name}: the class needs a docstring, which ends up in the policy's JSON Schema"
    assert not list(action.problems()), f"{kind.name}: finds fault with its own parameters: {list(action.problems())}"
    for facts in (Facts(0.0), _known()):
        effect = action.effect(facts, "rule")
        assert isinstance(effect, EFFECTS), f"{kind.name}: returned {effect!r}, which is no effect"
        assert isinstance(effect, NOTICES) == (kind.kind == "observe"), (
            f"{kind.name}: a {type(effect).__name__} is not of class {kind.kind}"
        )
        assert isinstance(effect, Transform) or effect == action.effect(facts, "rule"), f"{kind.name}: says something else when asked again"


def _known() -> Facts:
    request = Request("req_1", 0.0, "POST", "/v1/chat/completions")
    return Facts(
        0.0, request, Call("openai.chat", model="m"), Subject("acct", "fp", "net", True), Assessment("acct", 0.0, 0.9, ("content",))
    )
