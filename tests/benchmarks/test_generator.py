"""Traffic of our own making."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from antidistill.admission import read
from antidistill.dialects import BUILT_IN, Routes
from antidistill.replay import Broken, Log
from benchmarks.assessment.attackers import LEVELS, Extractor, Level, campaign
from benchmarks.assessment.generator import exchange, labels, line, lines, stream, written
from benchmarks.assessment.honest import BackEnd, gateways, population
from benchmarks.assessment.source import Sent, Source
from benchmarks.assessment.words import Grammar

DAYS = 2.0
SEED = 1
GRAMMAR = Grammar(SEED)
BY_NAME = {level.name: level for level in LEVELS}


def crowd() -> list[Source]:
    """Honest accounts."""
    return population(GRAMMAR, Random(SEED), 50, DAYS, each=3.0)


def operator(level: Level, scale: float = 0.05) -> list[Sent]:
    """What a campaign sends."""
    victim = next(source for source in crowd() if type(source) is BackEnd)
    return list(stream(campaign(level, GRAMMAR, Random(SEED), DAYS, lambda account: False, victim, scale), SEED))


def log(seed: int) -> bytes:
    """A log of some honest accounts and a campaign, from nothing but the seed."""
    grammar, rng = Grammar(seed), Random(seed)
    sources = population(grammar, rng, 20, DAYS, each=2.0)
    sources += campaign(BY_NAME["L8"], grammar, rng, DAYS, lambda account: False, scale=0.02)
    return b"".join(written(one) for one in lines(stream(sources, seed)))


def test_the_same_seed_makes_the_same_bytes() -> None:
    assert log(1) == log(1)
    assert log(1) != log(2)


def test_exchanges_come_in_the_order_of_time() -> None:
    moments = [sent.ts for sent in stream(crowd(), SEED)]
    assert moments == sorted(moments)


def test_a_log_is_read_without_complaint(tmp_path: Path) -> None:
    sent = list(stream(crowd(), SEED))
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(written(one) for one in lines(sent)))
    complaints: list[Broken] = []
    assert [one.account for one in Log(path, complaints.append)] == [one.account for one in sent]
    assert not complaints


def test_the_loop_is_handed_what_a_guard_would_read() -> None:
    routes = Routes(BUILT_IN)
    for number, sent in enumerate(stream(crowd(), SEED)):
        logged = line(number, sent)
        call = read(logged.request(1 << 20), routes.match(logged.method, logged.path), 1 << 20).call
        made = exchange(sent).call
        assert call is not None
        assert made is not None
        assert (call.prompt, call.turns, call.system, call.temperature) == (made.prompt, made.turns, made.system, made.temperature)


def test_there_is_every_kind_of_honest_account() -> None:
    cohorts = {label.cohort for label in labels(stream(crowd(), SEED))}
    assert cohorts >= {"people", "agents", "evaluation", "annotation", "app back ends", "resellers", "campus", "organisations"}
    assert "popular template" in cohorts


def test_labels_count_requests() -> None:
    sent = [*stream(crowd(), SEED), *operator(BY_NAME["L4"])]
    known = labels(sent)
    assert sum(label.requests for label in known) == len(sent)
    assert {label.cohort for label in known if not label.honest} == {"L4"}


def test_an_organisation_is_known_by_all_its_keys() -> None:
    known = {sent.account: sent.org for sent in stream(crowd(), SEED) if sent.cohort == "organisations"}
    assert len(known) == 4
    assert len(set(known.values()) - {None}) == 1


@pytest.mark.parametrize("name", [level.name for level in LEVELS if level.wording != "question" and level.rho == 1 and not level.aged])
def test_no_seed_is_asked_twice(name: str) -> None:
    asked = Counter(sent.ask.turns[-1][1] for sent in operator(BY_NAME[name]))
    assert asked.most_common(1)[0][1] == 1


@pytest.mark.parametrize(("name", "rho"), [("L8", 1.0), ("L9 5 %", 0.05), ("L9 1 %", 0.01)])
def test_a_level_extracts_its_share(name: str, rho: float) -> None:
    sent = operator(BY_NAME[name], scale=0.3)
    assert sum(one.ask.extraction for one in sent) / len(sent) == pytest.approx(rho, abs=0.01)


def test_what_one_account_is_refused_another_one_asks_within_seconds() -> None:
    level = Level(name="refused", trick="", accounts=6, each=40, refused=0.2)
    sent = operator(level, scale=1.0)
    asked: dict[str, list[Sent]] = {}
    for one in sent:
        asked.setdefault(one.ask.turns[-1][1], []).append(one)
    again = [found for found in asked.values() if len(found) > 1]
    assert len(again) > 20
    assert all([one.ask.status for one in found] == [429] * (len(found) - 1) + [200] for found in again)
    assert all(later.ts - one.ts <= 8 for found in again for one, later in pairwise(found))
    assert {exchange(one).answer.status for one in sent} == {line(1, one).status for one in sent} == {200, 429}


def test_honest_gateways_stay_within_an_organisation_a_person_or_an_account() -> None:
    sent = list(stream(gateways(GRAMMAR, Random(SEED), DAYS, 0.2), SEED))
    assert {one.cohort for one in sent} == {"gateway: organisation", "gateway: person with two keys", "gateway: person"}
    assert all((one.org is not None) == (one.cohort == "gateway: organisation") for one in sent)
    assert not any(one.campaign or one.ask.extraction for one in sent)


def test_aged_accounts_extract_nothing_at_first() -> None:
    level = Level(name="aged", trick="", accounts=10, each=40, aged=1.0)
    sent = operator(level, scale=1.0)
    start = min(one.ts for one in sent)
    assert not any(one.ask.extraction for one in sent if one.ts < start + 0.9 * 86_400)
    assert any(one.ask.extraction for one in sent)


def test_framing_uses_the_wording_of_an_honest_account() -> None:
    victim = next(source for source in crowd() if type(source) is BackEnd)
    assert all(sent.ask.turns[-1][1].startswith(victim.template.before) for sent in operator(BY_NAME["L14"]))


def test_an_operator_that_is_told_replaces_account_and_wording() -> None:
    level = Level(name="told", trick="", accounts=1, each=12, oracle=True)
    flagged: set[str] = set()
    (source,) = campaign(level, GRAMMAR, Random(SEED), DAYS, flagged.__contains__)
    assert isinstance(source, Extractor)
    before = source.templates
    flagged.add(source.account)
    accounts = {sent.account for sent in stream([source], SEED)}
    assert accounts == {"told-bought-1"}
    assert source.templates is not before


def test_people_write_in_several_scripts() -> None:
    text = "".join(sent.ask.turns[-1][1] for sent in stream(crowd(), SEED))
    assert any("\u0400" <= sign < "\u0500" for sign in text)
    assert any("\u4e00" <= sign < "\ua000" for sign in text)
