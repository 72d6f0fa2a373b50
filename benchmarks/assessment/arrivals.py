"""Requests as the request loop hands them to the assessment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random

from msgspec import Struct

from antidistill.admission import read
from antidistill.dialects import BUILT_IN, AnswerReader, Dialect, Routes
from antidistill.model import Answer, Call, Exchange, Request, Subject
from antidistill.replay import Line
from benchmarks.assessment.attackers import Level, campaign
from benchmarks.assessment.generator import lines, stream
from benchmarks.assessment.honest import population
from benchmarks.assessment.words import Grammar

_BODY = 1 << 20
_routes = Routes(BUILT_IN)


class Arrival(Struct, frozen=True):
    """A request that came in, who sent it, and what it was answered."""

    request: Request
    dialect: Dialect
    subject: Subject
    answer: Answer

    def exchange(self) -> Exchange:
        """What is done on the request loop: the call is read, and everything handed on as one."""
        return Exchange(self.request, self.subject, self.call(), self.answer)

    def call(self) -> Call | None:
        """Reads the call."""
        return read(self.request, self.dialect, _BODY).call


def arrivals(log: Iterable[Line], most: int) -> list[Arrival]:
    """The first requests of a log that a dialect reads."""
    return list(islice(_arrivals(log), most))


def generated() -> Iterator[Line]:
    """Three days of traffic of the generator's own making: 3,000 honest accounts and three operators of 100."""
    grammar, rng, days = Grammar(1), Random(1), 3.0
    sources = population(grammar, rng, 3_000, days)
    for number, rho in enumerate((1.0, 0.3, 1.0)):
        level = Level(name=f"operator {number}", trick="", accounts=100, each=60, rho=rho, hidden=True)
        sources += campaign(level, grammar, rng, days, lambda account: False)
    return lines(stream(sources, 1))


def _arrivals(log: Iterable[Line]) -> Iterator[Arrival]:
    for line in log:
        dialect = _routes.match(line.method, line.path)
        if dialect is not None:
            request = line.request(_BODY)
            subject = Subject(line.account, "", "", True, request.attributes)
            yield Arrival(request, dialect, subject, _answer(line, dialect, read(request, dialect, _BODY).call))


def _answer(line: Line, dialect: Dialect, call: Call | None) -> Answer:
    reader = AnswerReader(dialect, call, b"application/json", b"", _BODY)
    reader.feed(bytes(line.response))
    return Answer(line.status, reader.usage(), call is not None and call.stream, duration=line.duration_s)
