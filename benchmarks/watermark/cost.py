"""What marking costs: microseconds a word and a chunk, beside letting the same chunks pass, and the words that are held back.

Chunks are of the size that models send, one word or less. Every answer counts with its fastest round, for a busy machine adds time and
never takes any away. `BaseHTTPMiddleware` is Starlette's own, doing nothing: what a stream costs more with it than without.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from statistics import mean, quantiles
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from antidistill.watermark.choice import Report
from antidistill.watermark.echo import Echo
from antidistill.watermark.embed import Embedder, mark
from antidistill.watermark.slots import read
from benchmarks.watermark.prose import EPOCH, KEYS, answers, lexicon

_CHUNK = re.compile(r"\s*\S{1,6}|\s+")
_PROMPT = "Please tell me what I should know about this, and how it can be used in practice. " * 4


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--texts", type=int, default=60, help="answers (60)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each measure (20)")


def run(args: argparse.Namespace) -> None:
    """Measures, and prints."""
    texts = random.Random(1).sample(answers(), args.texts)
    chunks = [_CHUNK.findall(text) for text in texts]
    words, pieces = sum(len(text.split()) for text in texts), sum(map(len, chunks))
    print(f"{len(lexicon().classes)} classes, {args.texts} answers, {words} words, {pieces} chunks, {args.rounds} rounds")

    def show(name: str, count: int, unit: str, work: Callable[[Any], object], items: Sequence[Any]) -> None:
        print(f"{name:<44} {_least(work, items, args.rounds) / count * 1e6:7.2f} µs a {unit}")

    show("mark, tier 1", words, "word", lambda text: _mark(text, 1), texts)
    show("mark, tier 2", words, "word", lambda text: _mark(text, 2), texts)
    show("read", words, "word", lambda text: read(text, lexicon()), texts)
    show("pass the chunks through", pieces, "chunk", _pass, chunks)
    show("mark the chunks, tier 1", pieces, "chunk", _stream, chunks)
    plain, wrapped = _app(wrapped=False), _app(wrapped=True)
    around, within = (_least(lambda app: asyncio.run(_serve(app)), [app], args.rounds) for app in (wrapped, plain))
    print(f"{'BaseHTTPMiddleware that does nothing':<44} {(around - within) / 200 * 1e6:7.2f} µs a chunk")
    _print_held(chunks)
    _print_report(texts)


def _least(work: Callable[[Any], object], items: Sequence[Any], rounds: int) -> float:
    """Seconds for all items, each in its fastest round."""
    return sum(min(_seconds(work, item) for _ in range(rounds)) for item in items)


def _seconds(work: Callable[[Any], object], item: object) -> float:
    start = time.perf_counter()
    work(item)
    return time.perf_counter() - start


def _mark(text: str, tier: int) -> str:
    return mark(text, lexicon(), KEYS.mark("acct", EPOCH, group="g"), tier, Echo(_PROMPT))


def _embedder(tier: int = 1) -> Embedder:
    return Embedder(lexicon(), KEYS.mark("acct", EPOCH, group="g"), tier, Echo(_PROMPT))


def _pass(chunks: Iterable[str]) -> str:
    sent = []
    for chunk in chunks:
        sent.append(chunk)
    return "".join(sent)


def _stream(chunks: Iterable[str]) -> str:
    embedder = _embedder()
    return "".join([embedder.feed(chunk) for chunk in chunks]) + embedder.flush()


def _app(wrapped: bool) -> ASGIApp:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"word "

    async def endpoint(request: Request) -> Response:
        return StreamingResponse(chunks())

    async def nothing(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    app = Starlette(routes=[Route("/", endpoint)])
    return BaseHTTPMiddleware(app, nothing) if wrapped else app


async def _serve(app: ASGIApp) -> None:
    gone = asyncio.Event()
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "http_version": "1.1"}
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        if message := next(asked, None):
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            gone.set()

    await app(scope, receive, send)


def _print_held(chunks: Iterable[Iterable[str]]) -> None:
    """How many words wait after each chunk, the one that is arriving included."""
    held = []
    for text in chunks:
        embedder = _embedder(2)
        for chunk in text:
            embedder.feed(chunk)
            held.append(embedder.held)
    cuts = quantiles(held, n=100)
    p50, p90, p99 = cuts[49], cuts[89], cuts[98]
    print(f"words held back, the arriving one too: mean {mean(held):.2f}, p50 {p50:.0f}, p90 {p90:.0f}, p99 {p99:.0f}, most {max(held)}")


def _print_report(texts: Iterable[str]) -> None:
    total = Report()
    for text in texts:
        embedder = _embedder(2)
        embedder.feed(text)
        embedder.flush()
        total = Report(*(getattr(total, name) + getattr(embedder.report, name) for name in Report.__struct_fields__))
    print(total)
