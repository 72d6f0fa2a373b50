"""For authors of plugins: a clock to set by hand, and checks that every action, signal, dialect and store has to pass.

    from antidistill.testing import check_action

    def test_nap() -> None:
        check_action(Nap(seconds=2))

Each check raises `AssertionError` with a sentence that says which promise is broken.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args

from antidistill.actions import Action
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.assessment.ties import ties
from antidistill.dialects import Dialect
from antidistill.model import (
    Assessment,
    Call,
    Clock,
    Delay,
    EffectClass,
    Evidence,
    Facts,
    Family,
    Limits,
    Notice,
    Quota,
    Refusal,
    Request,
    Reservation,
    Rewrite,
    Scope,
    Subject,
    Transform,
    Unit,
)
from antidistill.stores import Store

EFFECTS = (Refusal, Delay, Limits, Rewrite, Transform, Notice)
NOTICES = (Notice,)


class FakeClock:
    """Unix seconds that pass only when told to.

    Args:
        now: Where it starts.
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tells the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass; it may also go back."""
        self.now += seconds


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


ODDITIES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "text",
    [],
    [None],
    {},
    {"content": 7},
    [{"role": 3, "content": [{"text": 1}]}],
)


def check_dialect(dialect: Dialect, body: Mapping[str, Any]) -> None:
    """Checks a dialect with an ordinary request body.

    It must be named and know its paths, read the body, survive any oddity in any field without losing the call, keep within caps,
    and word every kind of refusal.
    """
    assert dialect.name, "a dialect needs a name"
    assert all(suffix.startswith("/") for suffix in dialect.suffixes), f"{dialect.name}: suffixes begin with /"
    assert dialect.read(body).dialect == dialect.name, f"{dialect.name}: a call carries the name of its dialect"
    for field in body:
        for oddity in ODDITIES:
            call = dialect.read({**body, field: oddity})
            assert isinstance(call, Call), f"{dialect.name}: {field}={oddity!r} reads as {call!r}"
            assert call.input_tokens >= 0, f"{dialect.name}: {field}={oddity!r} has a negative size"
    changed = dialect.cap(dict(body), {"max_tokens": 1, "n": 1, "top_logprobs": 0})
    assert changed is None or dialect.cap(changed, {"max_tokens": 1, "n": 1, "top_logprobs": 0}) is None, f"{dialect.name}: a cap must hold"
    for kind, status in (("rate", 429), ("too_large", 400), ("forbidden", 403), ("unavailable", 503)):
        reply = dialect.refuse(Refusal(status, kind, "message", retry_after=1.0), "req_1")  # type: ignore[arg-type]
        assert 400 <= reply.status < 600, f"{dialect.name}: refuses with {reply.status}"
        assert b"message" in reply.body, f"{dialect.name}: a refusal carries its message"


DOCSTRING = ("Threat:", "Formula:", "State:", "Gamed by:", "Honest use that looks like it:")


def check_signal(signal: Signal) -> None:
    """Checks a signal.

    Its docstring must say what it is up against and how it can be wrong, it must be silent about an account of which nothing is
    known, keep its evidence within bounds, and say the same thing of the same observations.
    """
    doc = inspect.getdoc(type(signal)) or ""
    assert signal.name.isidentifier(), f"{signal.name!r} must be one word: policies say signal.{signal.name}"
    assert signal.family in get_args(Family), f"{signal.name}: family must be one of {get_args(Family)}"
    assert all(part in doc for part in DOCSTRING), f"{signal.name}: the docstring needs {', '.join(p for p in DOCSTRING if p not in doc)}"
    assert _weigh(signal, 0) is None, f"{signal.name}: speaks of an account of which nothing is known"
    evidence = _weigh(signal, 400)
    assert evidence == _weigh(signal, 400), f"{signal.name}: says something else of the same observations"
    if evidence is not None:
        assert abs(evidence.weight) <= BOUND, f"{signal.name}: weighs {evidence.weight}, more than {BOUND} either way"
        assert evidence.reason, f"{signal.name}: evidence needs a reason that a person can read"


def _weigh(signal: Signal, count: int) -> Evidence | None:
    """What a signal says after an account has filled one frame, beside eleven others that do the same."""
    crowd, profile = Crowd(14), Profile("acct_0", 0.0, 0, (signal,))
    for number in range(count):
        skeleton = (1, 2, 3, 4, 5, 6, 1000 + 2 * number, 1001 + 2 * number)
        who = number % 12
        row = Observation(f"acct_{who}", who, 30.0 * number, status=200, output_tokens=200, prompt=1000 + number, skeleton=skeleton)
        reading = crowd.read(row)
        if who == 0:
            profile.learn(row, reading, (signal,))
    list(crowd.rate())
    return signal.weigh(profile.states[0], profile, ties(profile, crowd))


def check_store(make: Callable[[Clock], Store]) -> None:
    """Checks what quotas rely on: all or nothing, exact waits, refunds without credit, slots that come back."""
    asyncio.run(_check_store(make))


async def _check_store(make: Callable[[Clock], Store]) -> None:
    for check in (
        _all_or_nothing,
        _waits_are_exact,
        _refunds_make_no_credit,
        _slots_come_back,
        _shadow_is_not_charged,
        _limits_forgive_nobody,
    ):
        clock = FakeClock()
        store = make(clock)
        try:
            await check(store, clock)
        finally:
            await store.close()


async def _all_or_nothing(store: Store, clock: FakeClock) -> None:
    wide, narrow = _scope("wide", 10), _scope("narrow", 1)
    await store.reserve("a", [narrow], clock())
    denied = await store.reserve("b", [wide, narrow], clock())
    left = (await store.peek([wide], clock()))[0].remaining
    assert not denied.granted, "a breach of one scope must deny the whole reservation"
    assert left == 10, f"a denial must write nothing, but left {left} of 10"


async def _waits_are_exact(store: Store, clock: FakeClock) -> None:
    await store.reserve("a", [_scope("q", 60, cost=60)], clock())
    denied = (await store.reserve("b", [_scope("q", 60, cost=7)], clock())).denied
    assert denied is not None, "what does not fit must be denied"
    assert denied.retry_after is not None, "what fits later must say when"
    clock.advance(denied.retry_after)
    assert (await store.reserve("c", [_scope("q", 60, cost=7)], clock())).granted, f"a wait of {denied.retry_after} s must be enough"


async def _refunds_make_no_credit(store: Store, clock: FakeClock) -> None:
    scope = _scope("q", 10, cost=5)
    await store.reserve("a", [scope], clock())
    for _ in range(3):
        await store.commit("a", [0])
    left = (await store.peek([scope], clock()))[0].remaining
    assert left == 10, f"committing nothing, several times, must leave 10, not {left}"


async def _slots_come_back(store: Store, clock: FakeClock) -> None:
    slot = _scope("slots", 1, unit="concurrent")
    results = [(await store.reserve(name, [slot], clock())).granted for name in ("a", "b")]
    await store.commit("a", [1])
    await store.commit("unknown", [1])
    results.append((await store.reserve("c", [slot], clock())).granted)
    assert results == [True, False, True], f"one slot must be held, refused and given back, but was {results}"


async def _shadow_is_not_charged(store: Store, clock: FakeClock) -> None:
    full, other = _scope("full", 1, enforced=False), _scope("other", 10)
    await store.reserve("a", [full], clock())
    second = await store.reserve("b", [full, other], clock())
    assert second.granted, "a breach that is not enforced must not deny"
    assert [state.breached for state in second.states] == [True, False], "a breach that is not enforced must be reported"
    assert (await store.peek([other], clock()))[0].remaining == 9, "the other scopes must be charged"


async def _limits_forgive_nobody(store: Store, clock: FakeClock) -> None:
    await store.reserve("a", [_scope("q", 10, cost=10)], clock())
    tighter: Reservation = await store.reserve("b", [_scope("q", 5)], clock())
    assert not tighter.granted, "a tightened limit must not make an account fresh"


def _scope(name: str, limit: int, *, cost: int = 1, unit: Unit = "requests", enforced: bool = True) -> Scope:
    window = 0.0 if unit == "concurrent" else 60.0
    return Scope(Quota(name, ("account",), unit, limit, window, limit), f"key-of-{name}", cost, enforced, "quota", name)


def _known() -> Facts:
    request = Request("req_1", 0.0, "POST", "/v1/chat/completions")
    return Facts(
        0.0, request, Call("openai.chat", model="m"), Subject("acct", "fp", "net", True), Assessment("acct", 0.0, 0.9, ("content",))
    )
