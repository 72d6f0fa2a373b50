"""Honest accounts: whoever an attacker may be mistaken for, and everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from random import Random
from typing import TypeAlias

from benchmarks.assessment.failover import Key, deal
from benchmarks.assessment.pace import Times, jobs, people, served
from benchmarks.assessment.source import Ask, Source, Turns
from benchmarks.assessment.words import Grammar, Template, Tongue

CLIENTS = 12
ADDRESSES = 1 << 22

Pace: TypeAlias = Callable[[Random, int, float], Times]

_REMEMBERED = 4


class Honest(Source):
    """An account that extracts nothing.

    Args:
        grammar: What is said.
        rng: Where the account's own wording comes from.
    """

    __slots__ = ("grammar",)

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, org: str | None = None) -> None:
        super().__init__(account, times, org, rng.randrange(CLIENTS), rng.randrange(ADDRESSES))
        self.grammar = grammar


class Person(Honest):
    """Chats, a few turns at a time."""

    __slots__ = ("said", "tongue")
    cohort = "people"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, org: str | None = None) -> None:
        super().__init__(account, times, grammar, rng, org)
        self.tongue = grammar.tongue(rng)
        self.said: Turns = []

    def ask(self, rng: Random, now: float) -> Ask:
        """A new question, mostly within the conversation."""
        if rng.random() < 0.3:
            self.said = []
        self.said = [*self.said[-_REMEMBERED:], ("user", self.question(rng))]
        ask = Ask(list(self.said), tokens=100 + int(rng.expovariate(1 / 250)))
        self.said.append(("assistant", self.tongue.say(rng, 12)))
        return ask

    def question(self, rng: Random) -> str:
        """What the person wants to know."""
        return self.grammar.question(rng, self.tongue)


class Follower(Person):
    """A person who uses a prompt that many share, now and then."""

    __slots__ = ("template",)
    cohort = "popular template"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, template: Template) -> None:
        super().__init__(account, times, grammar, rng)
        self.template = template

    def question(self, rng: Random) -> str:
        """One in four with the shared prompt around a matter of one's own."""
        return self.template.fill(self.grammar.value(rng, self.tongue)) if rng.random() < 0.25 else super().question(rng)


class Pupil(Person):
    """One of a course: everybody asks about the same exercises."""

    __slots__ = ("sheet",)
    cohort = "campus"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, org: str | None, sheet: Sequence[str]) -> None:
        super().__init__(account, times, grammar, rng, org)
        self.sheet = sheet

    def question(self, rng: Random) -> str:
        """An exercise, often with a word or two before it."""
        if rng.random() < 0.5:
            return super().question(rng)
        return f"{self.tongue.say(rng, rng.randrange(3))} {rng.choice(self.sheet)}".strip()


class Agent(Honest):
    """A coding agent: a task, then many calls with the results of tools."""

    __slots__ = ("steps", "system", "task")
    cohort = "agents"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, system: str) -> None:
        super().__init__(account, times, grammar, rng)
        self.system = system
        self.task, self.steps = "", 0

    def ask(self, rng: Random, now: float) -> Ask:
        """The next step, or the next task."""
        self.steps -= 1
        if self.steps < 0:
            self.task, self.steps = self.grammar.common.say(rng, 10 + rng.randrange(25)), rng.randrange(3, 25)
            return Ask([("user", self.task)], self.system, 0.2, 150, 14)
        result = self.grammar.common.name(rng, 30)
        return Ask([("user", self.task), ("assistant", "…"), ("tool", result)], self.system, 0.2, 150, 14)


class BackEnd(Honest):
    """An application with one template around its users' records."""

    __slots__ = ("latest", "system", "template", "tongue")
    cohort = "app back ends"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, template: Template, org: str | None = None) -> None:
        super().__init__(account, times, grammar, rng, org)
        self.tongue = grammar.tongue(rng)
        self.template = template
        self.system = template.after
        self.latest = grammar.value(rng, self.tongue)

    def ask(self, rng: Random, now: float) -> Ask:
        """The template around a record, one in ten the same again."""
        if rng.random() > 0.1:
            self.latest = self.grammar.value(rng, self.tongue)
        return Ask([("user", self.template.fill(self.latest))], self.system, 0.3, 60 + rng.randrange(120))


class Colleague(BackEnd):
    """One key of an organisation, whose keys share a template."""

    __slots__ = ()
    cohort = "organisations"


class Annotation(BackEnd):
    """A labelling job."""

    __slots__ = ()
    cohort = "annotation"


class Evaluation(Honest):
    """A public benchmark in file order, then the same for another model."""

    __slots__ = ("done", "items")
    cohort = "evaluation"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, items: Sequence[str]) -> None:
        super().__init__(account, times, grammar, rng)
        self.items = items
        self.done = 0

    def ask(self, rng: Random, now: float) -> Ask:
        """The next item."""
        item = self.items[self.done % len(self.items)]
        self.done += 1
        return Ask([("user", item)], "", 0.0, 8)


class Reseller(Honest):
    """Many people behind one account."""

    __slots__ = ("customers",)
    cohort = "resellers"

    def __init__(self, account: str, times: Times, grammar: Grammar, rng: Random, org: str | None = None) -> None:
        super().__init__(account, times, grammar, rng, org)
        self.customers = [Person(account, times, grammar, rng) for _ in range(6 + rng.randrange(10))]

    def ask(self, rng: Random, now: float) -> Ask:
        """What one of them asks."""
        return rng.choice(self.customers).ask(rng, now)


def population(grammar: Grammar, rng: Random, accounts: int, days: float, each: float = 8.0) -> list[Source]:
    """Honest accounts of all kinds.

    Args:
        grammar: What is said.
        rng: Where everything else comes from.
        accounts: How many.
        days: Time that they spread their requests over.
        each: Median requests of a person; scripts send ten times as many.
    """
    names = (f"honest-{number}" for number in count())
    volume = _Volume(rng, days, each)
    template, sheet = grammar.template(rng), [grammar.value(rng, grammar.common) for _ in range(30)]
    systems = [grammar.common.name(rng, 60) for _ in range(3)]
    items = [grammar.template(rng).before for _ in range(150)]
    found: list[Source] = []
    found += [Follower(name, volume(people, 1), grammar, rng, template) for name in _take(names, accounts * 0.04)]
    found += [Pupil(name, volume(people, 1), grammar, rng, "org-campus", sheet) for name in _take(names, min(accounts * 0.04, 400))]
    found += [Agent(name, volume(jobs, 10), grammar, rng, rng.choice(systems)) for name in _take(names, accounts * 0.03)]
    found += [BackEnd(name, volume(served, 10), grammar, rng, grammar.template(rng)) for name in _take(names, accounts * 0.03)]
    found += [Annotation(name, volume(jobs, 10), grammar, rng, grammar.template(rng)) for name in _take(names, accounts * 0.01)]
    found += [Evaluation(name, volume(jobs, 10), grammar, rng, items) for name in _take(names, accounts * 0.01)]
    found += [Reseller(name, volume(served, 10), grammar, rng, f"org-{name}") for name in _take(names, accounts * 0.01)]
    for number in range(max(1, round(accounts * 0.005))):
        shared = grammar.template(rng)
        found += [Colleague(name, volume(served, 10), grammar, rng, shared, f"org-{number}") for name in _take(names, 4)]
    found += [Person(name, volume(people, 1), grammar, rng) for name in _take(names, accounts - len(found))]
    return found


def gateways(grammar: Grammar, rng: Random, days: float, refused: float) -> list[Source]:
    """Honest counterparts of a dispatcher with fail-over: organisations with four keys, people with two, and many who try again."""

    def make(tongue: Tongue) -> Ask:
        return Ask([("user", grammar.question(rng, tongue))])

    found: list[Source] = []
    for name, groups, keys, own in (("organisation", 6, 4, 0.0), ("person with two keys", 20, 2, 0.3), ("person", 300, 1, 1.0)):
        for number in range(groups):
            parts = deal(rng, partial(make, grammar.tongue(rng)), keys, keys * 60, days, refused, own)
            org = f"org-{name}-{number}" if name == "organisation" else None
            found += [Key(f"{name}-{number}-{key}", f"gateway: {name}", None, part, rng, org) for key, part in enumerate(parts)]
    return found


class _Volume:
    """How much accounts send, and when: a few send most."""

    def __init__(self, rng: Random, days: float, each: float) -> None:
        self._rng = rng
        self._days = days
        self._each = each

    def __call__(self, pace: Pace, times: float) -> Times:
        """Moments of one account that sends so many times what a person does."""
        count = 1 + int(self._rng.lognormvariate(0, 0.9) * self._each * times)
        return pace(self._rng, count, self._days)


def _take(names: Iterator[str], count: float) -> list[str]:
    return [next(names) for _ in range(max(1, round(count)))]
