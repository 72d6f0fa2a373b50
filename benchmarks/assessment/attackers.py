"""Attackers, one level of evasion after the other.

L0 to L5 are the steps of a public evasion ladder (one account that slows down, jitters, imitates a person, splits over five keys, words its
queries naturally); L6 to L14 are what campaigns were seen or are expected to do beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal, TypeAlias

from msgspec import Struct

from benchmarks.assessment.failover import Key, deal
from benchmarks.assessment.honest import ADDRESSES, CLIENTS, BackEnd, Person
from benchmarks.assessment.pace import DAY, Times, dealt, people, steady
from benchmarks.assessment.source import Ask, Source
from benchmarks.assessment.words import Grammar, Template

Wording: TypeAlias = Literal["template", "sentence", "question", "reworded"]
Seen: TypeAlias = Callable[[str], bool]

_TEMPLATES = 6
_HOSTING = 1 << 23
"""Addresses from here on are those of one hosting provider."""


class Level(Struct, frozen=True, kw_only=True):
    """What an attacker does.

    Attributes:
        name: Name of the step.
        trick: What it adds.
        accounts: Accounts, before scaling.
        each: Requests of an account.
        pace: When an account asks, from its number of requests and the days there are.
        wording: How prompts are worded.
        rho: Share of an account's requests that extract; the rest are a person's.
        hidden: True for another client and address with every account.
        aged: Days for which accounts behave like people before they begin.
        oracle: True where the operator is told at once which accounts are flagged, and replaces them and its wording.
        framing: True where the wording is that of an honest back end.
        refused: Share of requests that are refused, and that a dispatcher puts on another account at once.
    """

    name: str
    trick: str
    accounts: int
    each: int
    pace: Callable[[Random, int, float], Times] = dealt
    wording: Wording = "template"
    rho: float = 1.0
    hidden: bool = False
    aged: float = 0.0
    oracle: bool = False
    framing: bool = False
    refused: float = 0.0


class Operator:
    """Whoever is behind a campaign's accounts: its wording, its seeds, what it knows.

    Args:
        level: What it does.
        grammar: What is said.
        rng: Where its templates come from.
        seen: Tells whether an account is flagged.
        victim: The honest account whose template it uses to frame it.
    """

    def __init__(self, level: Level, grammar: Grammar, rng: Random, seen: Seen, victim: BackEnd | None = None) -> None:
        self.level = level
        self.grammar = grammar
        self.seen = seen
        self.bought = 0
        self._victim = victim
        self.templates = self.reword(rng)

    def reword(self, rng: Random) -> Sequence[Template]:
        """A fresh set of templates."""
        if self._victim is not None:
            return [self._victim.template]
        return [self.grammar.template(rng) for _ in range(_TEMPLATES)]

    def ask(self, rng: Random, templates: Sequence[Template]) -> Ask:
        """The next request that extracts."""
        return Ask([("user", self.prompt(rng, templates))], "", 0.7, 400 + rng.randrange(800), extraction=True)

    def prompt(self, rng: Random, templates: Sequence[Template]) -> str:
        """The next prompt. No seed comes twice."""
        grammar = self.grammar
        match self.level.wording:
            case "template":
                return rng.choice(templates).fill(grammar.value(rng, grammar.common))
            case "reworded":
                return grammar.reworded(rng).fill(grammar.value(rng, grammar.common))
            case "sentence":
                return f"How does {grammar.common.name(rng, 2)} change {grammar.common.name(rng, 2)}?"
            case "question":
                return grammar.question(rng, grammar.tongue(rng))


class Extractor(Source):
    """One account of an operator."""

    __slots__ = ("campaign", "cohort", "cover", "operator", "templates")

    def __init__(self, account: str, times: Times, operator: Operator, rng: Random) -> None:
        hidden = operator.level.hidden
        client, address = (rng.randrange(CLIENTS), rng.randrange(ADDRESSES)) if hidden else (0, _HOSTING + rng.randrange(256))
        super().__init__(account, times, None, client, address)
        self.cohort, self.campaign = operator.level.name, operator.level.name
        self.operator = operator
        self.templates = operator.templates
        self.cover = Person(account, times, operator.grammar, rng)

    def ask(self, rng: Random, now: float) -> Ask:
        """Extracts, or covers it up."""
        level = self.operator.level
        if level.oracle and self.operator.seen(self.account):
            self._replace(rng)
        if now < level.aged * DAY or rng.random() >= level.rho:
            return self.cover.ask(rng, now)
        return self.operator.ask(rng, self.templates)

    def _replace(self, rng: Random) -> None:
        """Goes on from a new account, with new wording."""
        self.operator.bought += 1
        self.account = f"{self.operator.level.name}-bought-{self.operator.bought}"
        self.templates = self.operator.reword(rng)


def _loud(rng: Random, count: int, days: float) -> Times:
    return steady(rng, count, 0.05, start=rng.random() * days * DAY / 2)


def _slow(rng: Random, count: int, days: float) -> Times:
    return steady(rng, count, 1.0, start=rng.random() * days * DAY / 2)


def _jittered(rng: Random, count: int, days: float) -> Times:
    return steady(rng, count, 1.0, jitter=0.9, start=rng.random() * days * DAY / 2)


def _ramping(rng: Random, count: int, days: float) -> Times:
    """Half of the requests in the first half of the time, and ever more after it."""
    end = days * DAY
    return dealt(rng, count // 2, days / 2) + dealt(rng, count - count // 2, days, start=end / 2)


def _late(rng: Random, count: int, days: float) -> Times:
    return dealt(rng, count, days, start=days * DAY / 4)


LEVELS = (
    Level(name="L0", trick="one account, 20 requests a second", accounts=1, each=600, pace=_loud),
    Level(name="L1", trick="one request a second", accounts=1, each=600, pace=_slow),
    Level(name="L2", trick="random delays", accounts=1, each=600, pace=_jittered),
    Level(name="L3", trick="a person's sessions", accounts=1, each=600, pace=people),
    Level(name="L4", trick="split over five keys", accounts=5, each=120, pace=people),
    Level(name="L5", trick="natural sentences instead of a template", accounts=5, each=120, pace=people, wording="sentence"),
    Level(name="L6", trick="seeds worded like people's own questions", accounts=5, each=120, pace=people, wording="question"),
    Level(name="L7", trick="every prompt reworded, 40 accounts", accounts=40, each=60, wording="reworded"),
    Level(name="L8", trick="templates, disjoint shards, 120 accounts", accounts=120, each=20),
    Level(name="L9 5 %", trick="5 % among a reseller's real traffic", accounts=100, each=100, rho=0.05),
    Level(name="L9 1 %", trick="1 % among a reseller's real traffic", accounts=100, each=100, rho=0.01),
    Level(name="L10", trick="another client and home address each", accounts=100, each=40, hidden=True),
    Level(name="L11", trick="26 requests a day, low and slow", accounts=40, each=26 * 14, hidden=True),
    Level(name="L12", trick="told when flagged: new account, new wording", accounts=40, each=60, hidden=True, oracle=True),
    Level(name="L13", trick="a week of honest use first", accounts=40, each=80, pace=_ramping, hidden=True, aged=7.0),
    Level(name="L14", trick="an honest back end's template, to frame it", accounts=40, each=40, pace=_late, hidden=True, framing=True),
    Level(
        name="L15", trick="free questions, a dispatcher with fail-over, 2 % refused", accounts=40, each=60, wording="question", refused=0.02
    ),
    Level(name="L15 few", trick="the same over eight accounts", accounts=8, each=120, wording="question", refused=0.02),
)


def campaign(
    level: Level, grammar: Grammar, rng: Random, days: float, seen: Seen, victim: BackEnd | None = None, scale: float = 1.0
) -> list[Source]:
    """The accounts of one operator.

    Args:
        level: What it does.
        grammar: What is said.
        rng: Where everything else comes from.
        days: Time that they have.
        seen: Tells whether an account is flagged, for an operator that is told.
        victim: Whom it frames, where it does.
        scale: Multiple of the level's accounts.
    """
    operator = Operator(level, grammar, rng, seen, victim if level.framing else None)
    accounts = max(1, round(level.accounts * scale))
    if level.refused:
        parts = deal(rng, lambda: operator.ask(rng, operator.templates), accounts, accounts * level.each, days, level.refused)
        return [Key(f"{level.name}-{number}", level.name, level.name, part, rng) for number, part in enumerate(parts)]
    times = (level.pace(rng, _volume(level, rng), days) for _ in range(accounts))
    return [Extractor(f"{level.name}-{number}", moments, operator, rng) for number, moments in enumerate(times)]


def _volume(level: Level, rng: Random) -> int:
    """Requests of one account: a pool of accounts is loaded about evenly."""
    return level.each if level.accounts == 1 else max(1, round(level.each * rng.lognormvariate(-0.08, 0.4)))
