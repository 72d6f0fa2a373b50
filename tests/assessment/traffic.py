"""Made-up traffic: words of no language, prompts of every kind that assessment has to tell apart."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from antidistill.assessment import Assessor
from antidistill.model import Answer, Assessment, Call, Exchange, Request, Subject, Turn, Usage

START = 1_700_000_000.0
SEED = b"a secret of the tests"
HOUR = 3600.0

ODD_TEXTS = (
    "",
    " ",
    "hi",
    "\ud800",
    "\x00" * 50,
    "写一首关于秋天的诗，要押韵，不要超过一百个字",
    "اكتب قصيدة عن الخريف من فضلك الآن",
    "x" * (1 << 20),
    "w " * (1 << 19),
)

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def words(rng: random.Random, count: int) -> str:
    """Words that hardly ever come twice."""
    return " ".join("".join(rng.choices(_SYLLABLES, k=4)) for _ in range(count))


def exchange(account: str | None = "acct", text: str = "", ts: float = START, **more: Any) -> Exchange:
    """A chat completion of one turn, unless told otherwise."""
    call = Call("openai.chat", "m", turns=(Turn("user", text),), **more.pop("call", {}))
    answer = Answer(more.pop("status", 200), Usage(10, more.pop("tokens", 100)), duration=more.pop("duration", 2.0))
    org = more.pop("org", None)
    subject = Subject(account, more.pop("client", "fp"), more.pop("network", "net"), True, {"org": org} if org else {})
    request = Request(f"{account}-{ts}", ts, "POST", "/v1/chat/completions", body=text.encode("utf-8", "replace"))
    return Exchange(request, subject, more.pop("as_call", call), answer)


def fill(frame: str, rng: random.Random) -> str:
    """A frame with a new value of eight words."""
    return f"{frame} {words(rng, 8)}"


def campaign(
    rng: random.Random, accounts: int = 12, frames: int = 3, each: int = 12, prefix: str = "bot", start: float = START, gap: float = 60.0
) -> list[Exchange]:
    """A dispatcher that deals out seeds in wraps to a pool of accounts."""
    wraps = [words(rng, 16) for _ in range(frames)]
    names = [f"{prefix}-{number}" for number in range(accounts)]
    rows = []
    for turn in range(accounts * each):
        if turn % accounts == 0:
            rng.shuffle(names)
        rows.append(exchange(names[turn % accounts], fill(rng.choice(wraps), rng), start + turn * gap))
    return rows


def pool(rng: random.Random, accounts: int = 8, each: int = 40, refused: float = 0.2, wait: float = 2.0, **more: Any) -> list[Exchange]:
    """A dispatcher that puts prompts of every kind on one account after the other, and on the next one where one is refused."""
    rows = []
    for turn in range(accounts * each):
        text, ts, account = words(rng, rng.randint(12, 40)), START + turn * 20.0, turn % accounts
        if rng.random() < refused:
            rows.append(exchange(f"pool-{account}", text, ts, status=429, **more))
            account, ts = rng.randrange(accounts), ts + wait
        rows.append(exchange(f"pool-{account}", text, ts, **more))
    return rows


def people(rng: random.Random, accounts: int = 12, each: int = 20) -> list[Exchange]:
    """People who ask this and that."""
    rows = []
    for number in range(accounts):
        ts = START + rng.random() * HOUR
        for _ in range(each):
            ts += rng.lognormvariate(5, 1.5)
            rows.append(exchange(f"person-{number}", words(rng, rng.randint(1, 40)), ts))
    return in_order(rows)


def in_order(*parts: Iterable[Exchange]) -> list[Exchange]:
    """Traffic merged by time."""
    return sorted(chain(*parts), key=lambda one: one.request.ts)


def replay(rows: Iterable[Exchange], **options: Any) -> tuple[Assessor, dict[str, Assessment]]:
    """Feeds traffic in; returns the assessor and the assessment of every account with one."""
    published: dict[str, Assessment] = {}

    def publish(assessments: Sequence[Assessment]) -> None:
        published.update((assessment.account, assessment) for assessment in assessments)

    return learnt(rows, publish, **options), published


def learnt(rows: Iterable[Exchange], publish: Callable[[Sequence[Assessment]], None], **options: Any) -> Assessor:
    """Feeds traffic in, with three hours of silence after it, so that all that sent something are assessed."""
    assessor = Assessor(options.pop("seed", SEED), publish=publish, **options)
    now = START
    for row in rows:
        now = max(now, row.request.ts)
        assessor.advance(now)
        assessor.learn(row)
    assessor.advance(now + 3 * HOUR)
    return assessor


def flagged(published: dict[str, Assessment]) -> set[str]:
    """Accounts that the shipped policy would throttle."""
    return {account for account, found in published.items() if found.risk >= 0.8 and len(found.families) >= 2}


def evidence(published: dict[str, Assessment], account: str) -> dict[str, float]:
    """Weights by signal."""
    found = published.get(account)
    return {} if found is None else {piece.signal: piece.weight for piece in found.evidence}


def names(rows: Iterable[Exchange]) -> Iterator[str]:
    """Accounts of some traffic."""
    return (row.subject.account for row in rows if row.subject.account is not None)
