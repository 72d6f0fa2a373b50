"""Traffic of our own making: the same seed makes the same bytes. No third-party text.

`stream` gives exchanges in the order of time; `line` writes one as a traffic log has it, `exchange` as the assessment loop takes it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from random import Random

import msgspec
from msgspec import Raw

from antidistill.model import Answer, Call, Exchange, Request, Subject, Turn, Usage
from antidistill.replay import Line
from benchmarks.assessment.labels import Label
from benchmarks.assessment.source import Ask, Sent, Source

START = 1_767_225_600.0
"""2026-01-01, in Unix seconds."""

PATH = "/v1/chat/completions"
MODEL = "model-1"

_encode = msgspec.json.Encoder().encode
_AGENTS = ("OpenAI/Python {}", "OpenAI/JS {}", "AsyncOpenAI/Python {}", "python-httpx/{}")


def stream(sources: Sequence[Source], seed: int) -> Iterator[Sent]:
    """Everything that the accounts send, in the order of time."""
    rng = Random(f"asks {seed}")
    moments = heapq.merge(*[zip(source.times, repeat(place)) for place, source in enumerate(sources)])
    for moment, place in moments:
        source = sources[place]
        ask = source.ask(rng, moment)
        yield Sent(START + moment, source.account, source.cohort, source.campaign, source.org, source.client, source.address, ask)


def line(number: int, sent: Sent) -> Line:
    """An exchange as a traffic log has it."""
    ask = sent.ask
    usage = {"prompt_tokens": _tokens(ask), "completion_tokens": ask.tokens, "total_tokens": _tokens(ask) + ask.tokens}
    response: dict[str, object] = {"error": {"message": "…"}}
    if ask.status == 200:
        response = {"model": MODEL, "choices": [{"message": {"role": "assistant", "content": "…"}}], "usage": usage}
    return Line(
        f"r{number}",
        sent.ts,
        sent.account,
        "POST",
        PATH,
        ask.status,
        sent.org,
        _address(sent.address),
        _headers(sent.client),
        Raw(_encode(_body(ask))),
        Raw(_encode(response)),
        _seconds(ask),
    )


def lines(sent: Iterable[Sent]) -> Iterator[Line]:
    """Exchanges as a traffic log has them."""
    return (line(number, one) for number, one in enumerate(sent, 1))


def written(line: Line) -> bytes:
    """A line of a traffic log."""
    return _encode(line) + b"\n"


def exchange(sent: Sent) -> Exchange:
    """An exchange as the guard hands it to the assessment loop."""
    ask = sent.ask
    turns = tuple([Turn(role, text) for role, text in ask.turns])
    tools = ("tool",) * ask.tools
    call = Call("openai.chat", MODEL, ask.system, turns, temperature=ask.temperature, tools=tools, input_tokens=_tokens(ask))
    request = Request("r", sent.ts, "POST", PATH, principal=sent.account, attested=True)
    subject = Subject(sent.account, f"client-{sent.client}", f"net-{sent.address}", True, {"org": sent.org} if sent.org else {})
    return Exchange(request, subject, call, Answer(ask.status, Usage(_tokens(ask), ask.tokens), duration=_seconds(ask)))


def labels(traffic: Iterable[Sent]) -> list[Label]:
    """Who is who in the traffic."""
    requests = Counter((sent.account, sent.cohort, sent.campaign) for sent in traffic)
    return [
        Label(account, "attack" if campaign else "benign", cohort, campaign, count)
        for (account, cohort, campaign), count in requests.items()
    ]


def _body(ask: Ask) -> dict[str, object]:
    system = [("system", ask.system)] if ask.system else []
    body: dict[str, object] = {"model": MODEL, "messages": [{"role": role, "content": text} for role, text in (*system, *ask.turns)]}
    if ask.temperature is not None:
        body["temperature"] = ask.temperature
    if ask.tools:
        body["tools"] = [{"type": "function", "function": {"name": "tool"}}] * ask.tools
    return body


def _headers(client: int) -> tuple[tuple[str, str], ...]:
    kind, version = _AGENTS[client % len(_AGENTS)], f"2.{client}.0"
    return (
        ("Host", "api.example"),
        ("User-Agent", kind.format(version)),
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
        ("X-Stainless-Package-Version", version),
        ("cf-ja4", f"t13d{client:04d}h2_8daaf6152771_{client:012x}"),
    )


def _address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _tokens(ask: Ask) -> int:
    return (len(ask.system) + sum([len(text) for _, text in ask.turns])) // 4


def _seconds(ask: Ask) -> float:
    return 0.4 + ask.tokens / 80
