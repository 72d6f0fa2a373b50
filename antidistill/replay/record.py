"""Records as logs: an observation goes through the guard as a line whose body is the observation itself."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from antidistill.assessment.observation import Observation
from antidistill.assessment.record import VERSION, Header
from antidistill.dialects.dialect import Piece
from antidistill.dialects.openai import OpenAI
from antidistill.errors import AntiDistillError
from antidistill.model import Call, Exchange, Turn, Usage
from antidistill.replay.line import RECORDED, Line

LACKING = "path, headers, network, organisation and attributes of requests, max_tokens, and routes without a dialect"
"""What quotas and rules cannot know of recorded traffic."""

_HELD = 4096
_MOST_TURNS = 1000
_DAY = 86_400.0
_LATEST = 1e11

_decode = msgspec.json.Decoder(Observation).decode
_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


class RecordError(AntiDistillError):
    """A record that cannot be read together with what it was given with, or not by this version."""


class Entry(Struct, frozen=True):
    """A recorded observation and its text.

    Attributes:
        observation: The observation.
        text: The line.
        number: The line's number in the file.
    """

    observation: Observation
    text: bytes
    number: int


def header_of(text: bytes) -> Header | None:
    """Reads the header of a record; None where a line is none.

    Raises:
        RecordError: It is one of another version.
    """
    if not text.startswith(b'{"antidistill"'):
        return None
    try:
        header = msgspec.json.decode(text, type=Header)
    except msgspec.DecodeError as error:
        raise RecordError(f"its header cannot be read ({error}); is it cut short?") from None
    if header.version != VERSION:
        raise RecordError(
            f"it is a record of version {header.version}, and this antidistill reads {VERSION}; replay it with the one that wrote it"
        )
    return header


def read_entry(text: bytes, number: int) -> Entry:
    """Reads one line.

    Raises:
        ValueError: It is no observation.
    """
    observation = _decode(text)
    if not 0 <= observation.ts <= _LATEST:
        raise ValueError(f"its ts {observation.ts} is no unix time")
    return Entry(observation, text, number)


def in_order(entries: Iterable[Entry], held: int = _HELD) -> Iterator[Entry]:
    """Entries by when their requests began. They are written when their exchanges end; at most `held` of them wait here.

    One that ends later than so many that began after it comes too late, and is taken as it comes.
    """
    waiting: list[tuple[float, int, Entry]] = []
    for entry in entries:
        heapq.heappush(waiting, (entry.observation.ts, entry.number, entry))
        if len(waiting) > held:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def line_of(entry: Entry, name: str) -> Line:
    """The entry as a line of a log.

    Args:
        entry: The entry.
        name: What the file is called: with the line's number it names the exchange.
    """
    observation, text = entry.observation, Raw(entry.text)
    return Line(
        id=f"{name}:{entry.number}",
        ts=observation.ts,
        account=observation.account,
        method=RECORDED,
        path=observation.dialect,
        status=observation.status,
        body=text,
        response=text,
        duration_s=min(max(0.0, observation.duration), _DAY),
    )


def recalled(exchange: Exchange) -> Observation:
    """The observation of a recorded exchange, as it went this time.

    Raises:
        ValueError: Its body is no observation.
    """
    observation, answer = _decode(exchange.request.body), exchange.answer
    if answer.ours:
        return replace(observation, status=answer.status, duration=0.0, streamed=False, output_tokens=0)
    return replace(observation, duration=answer.duration)


class RecordedCalls(OpenAI):
    """Reads calls and usage from observations."""

    name = "recorded"
    suffixes: tuple[str, ...] = ()
    textual = False

    def read(self, body: Mapping[str, Any]) -> Call:
        """The call as far as an observation tells; its turns and tools have no content."""
        seen = msgspec.convert(body, Observation)
        temperature, top_p, seed, n, logprobs, top_logprobs, biased = seen.sampling
        return Call(
            dialect=seen.dialect,
            model=seen.model,
            turns=(Turn("user", ""),) * min(seen.turns, _MOST_TURNS),
            stream=seen.streamed,
            n=n,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            logprobs=logprobs,
            top_logprobs=top_logprobs,
            biased=biased,
            tools=("",) * min(seen.tools, _MOST_TURNS),
            input_tokens=seen.input_tokens,
        )

    def usage(self, body: Mapping[str, Any]) -> Usage | None:
        """Tokens as they were observed."""
        if "account" not in body:
            return None
        seen = msgspec.convert(body, Observation)
        return Usage(seen.input_tokens, seen.output_tokens)

    def text(self, body: Mapping[str, Any]) -> int:
        """None."""
        return 0

    def piece(self, data: bytes) -> Piece:
        """Observations are no streams."""
        return 0, self.usage(_decode_fields(data))


RECORDED_CALLS = RecordedCalls()
