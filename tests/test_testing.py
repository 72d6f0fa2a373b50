"""The checks for plugin authors find what they promise to find."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from antidistill.assessment.signals import SIGNALS
from antidistill.assessment.signals.sweep import Sweep
from antidistill.dialects import BUILT_IN
from antidistill.model import Clock, Delay, Evidence, Notice
from antidistill.stores import MemoryStore
from antidistill.testing import FakeClock, check_action, check_dialect, check_signal, check_store

BODIES: dict[str, dict[str, Any]] = {
    "openai.chat": {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "n": 2, "tools": [], "stream": True},
    "anthropic.messages": {"model": "m", "max_tokens": 9, "system": "s", "messages": [{"role": "user", "content": "hi"}], "metadata": {}},
    "openai.responses": {"model": "m", "input": "hi", "instructions": "s", "max_output_tokens": 9},
    "openai.completions": {"model": "m", "prompt": "hi", "max_tokens": 9, "logprobs": 3},
    "openai.embeddings": {"model": "m", "input": ["hi"]},
}


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)
def test_every_dialect_keeps_the_contract(dialect: Any) -> None:
    check_dialect(dialect, BODIES[dialect.name])


def test_the_memory_store_keeps_the_contract() -> None:
    check_store(lambda clock: MemoryStore(clock, 100))


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_every_signal_keeps_the_contract(signal: Any) -> None:
    check_signal(signal)


class Heavy(Sweep):
    """A signal that convicts alone.

    Threat: none. Formula: a constant. State: none. Gamed by: nobody. Honest use that looks like it: all.
    """

    name = "heavy"

    def weigh(self, state: Any, profile: Any, ties: Any) -> Evidence | None:
        return Evidence(self.name, "content", 50.0, "always") if profile.requests else None


def test_a_signal_that_weighs_too_much_is_found() -> None:
    with pytest.raises(AssertionError, match="weighs 50"):
        check_signal(Heavy())


def test_a_signal_that_does_not_say_what_makes_it_fall_is_found() -> None:
    class Silent(Sweep):
        __doc__ = Sweep.__doc__
        falls = ""

    with pytest.raises(AssertionError, match="what would make it fall"):
        check_signal(Silent())


class Named(Struct):
    """An action with everything in place."""

    name: ClassVar[str] = "named"
    kind: ClassVar[str] = "observe"
    result: Any = Notice("tag", {})

    def problems(self) -> tuple[str, ...]:
        return ()

    def effect(self, facts: Any, rule: str) -> Any:
        return self.result() if callable(self.result) else self.result


def counted() -> Callable[[], Notice]:
    calls = itertools.count()
    return lambda: Notice("tag", {"n": next(calls)})


@pytest.mark.parametrize(
    ("result", "complaint"),
    [(7, "is no effect"), (Delay(1), "a Delay is not of class observe"), (counted(), "something else when asked again")],
    ids=["no-effect", "wrong-class", "not-pure"],
)
def test_an_action_that_breaks_a_promise_is_told_which(result: Any, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_action(Named(result))  # type: ignore[arg-type]


def test_a_store_that_charges_denials_is_found() -> None:
    class Forgetful(MemoryStore):
        async def reserve(self, id: str, scopes: Any, now: float) -> Any:
            for scope in scopes:
                result = await super().reserve(f"{id}{scope.key}", [scope], now)
            return result

    def make(clock: Clock) -> MemoryStore:
        return Forgetful(clock, 100)

    with pytest.raises(AssertionError, match="must"):
        check_store(make)


def test_a_fake_clock_moves_only_by_hand() -> None:
    clock = FakeClock(5.0)
    clock.advance(2.5)
    assert clock() == 7.5
