"""What is kept of an exchange: numbers and seeded hashes. The text is read once, here, and dropped."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from antidistill.assessment.subs import sub_of
from antidistill.model import Answer, Call, Exchange, Subject, Usage
from antidistill.text.normalise import normalise
from antidistill.text.seeds import SeedFilters
from antidistill.text.sketch import digest, skeleton

Sampling: TypeAlias = tuple[float | None, float | None, int | None, int, bool, int, bool]
"""Temperature, nucleus, seed, answers asked for, log-probabilities, alternatives per token, logit bias."""

DEFAULT_SAMPLING: Sampling = (None, None, None, 1, False, 0, False)

LABEL = 8
"""Most tokens of an answer that is a label and no text."""


_SHORT = 0xFFFF
_OPENING = 64


class Observation(Struct, frozen=True, gc=False):
    """One exchange without its text. About 5 KiB at most.

    Attributes:
        account: The account.
        tenant: Hash of the organisation that the account is known to belong to, else of the account.
        ts: Unix seconds at which the request arrived.
        duration: Seconds to the end of the answer.
        status: HTTP status; 0 where no answer began.
        streamed: True for a streamed answer.
        dialect: API shape, empty where nothing was read.
        model: Model asked for.
        sampling: Parameters of sampling.
        input_tokens: Tokens in.
        output_tokens: Tokens out.
        turns: Turns of the conversation.
        tools: Tools offered.
        lineage: Hash of system text and first turn: the same for all requests of a conversation.
        prompt: Hash of the text asked, 0 where no person or program asked anything new (a tool's result, say).
        skeleton: Shingles that stand for the text asked.
        seeded: True where the text asked holds wording of a seed corpus that the policy names.
        sub: Hash of the sub-identity that is attested, 0 where there is none.
        habits: Short hashes of client, network, API, model, opening of the system text, parameters and streaming; empty where unknown.
    """

    account: str
    tenant: int
    ts: float
    duration: float = 0.0
    status: int = 0
    streamed: bool = False
    dialect: str = ""
    model: str = ""
    sampling: Sampling = DEFAULT_SAMPLING
    input_tokens: int = 0
    output_tokens: int = 0
    turns: int = 0
    tools: int = 0
    lineage: int = 0
    prompt: int = 0
    skeleton: tuple[int, ...] = ()
    seeded: bool = False
    sub: int = 0
    habits: tuple[int, ...] = ()

    @property
    def label(self) -> bool:
        """True where the answer is known to be no longer than a class, a score or a word."""
        return 0 < self.output_tokens <= LABEL

    @property
    def answered(self) -> bool:
        """True where the host took the request and began to answer."""
        return 200 <= self.status < 300


def observe(exchange: Exchange, seed: int, seeds: SeedFilters | None = None) -> Observation | None:
    """Reads an exchange. Pure.

    Args:
        exchange: An exchange of a proven account.
        seed: Secret of all hashes (`text.sketch.seed_of`).
        seeds: Knows the wording of seed corpora, or None.

    Returns:
        None where no account is named. Without a call the observation has no content.
    """
    request, subject, call, answer = exchange.request, exchange.subject, exchange.call, exchange.answer
    if subject.account is None:
        return None
    usage = answer.usage or Usage(call.input_tokens if call else 0)
    asked = _asked(call) if call is not None and not _textless(answer) else ""
    canonical = normalise(asked) if asked else ""
    return Observation(
        account=subject.account,
        tenant=_tenant(subject, seed),
        ts=request.ts,
        duration=answer.duration,
        status=answer.status,
        streamed=answer.streamed,
        dialect=call.dialect if call else "",
        model=call.model if call else "",
        sampling=_sampling(call) if call else DEFAULT_SAMPLING,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        turns=len(call.turns) if call else 0,
        tools=len(call.tools) if call else 0,
        lineage=digest(_opening(call), seed) if call else 0,
        prompt=digest(asked, seed) if asked else 0,
        skeleton=skeleton(canonical, seed) if asked else (),
        seeded=seeds is not None and bool(asked) and seeds.knows(canonical),
        sub=sub_of(subject, seed),
        habits=_habits(subject, call, seed) if call is not None and subject.fingerprint else (),
    )


def _habits(subject: Subject, call: Call, seed: int) -> tuple[int, ...]:
    """Who asks and in which manner: client, network, API, model, opening of the system text, parameters, streaming."""
    manner = (call.temperature, call.top_p, call.n, call.logprobs, call.biased, call.max_tokens)
    return (
        _short(subject.fingerprint, seed),
        _short(subject.network, seed),
        _short(call.dialect, seed),
        _short(call.model, seed),
        digest(call.system[:_OPENING], seed) & _SHORT,
        _short(manner, seed),
        1 + call.stream,
    )


@lru_cache(maxsize=4096)
def _short(value: object, seed: int) -> int:
    """A short hash, the same in every process. What comes in here is no text of anybody's."""
    return digest(repr(value), seed) & _SHORT


def _tenant(subject: Subject, seed: int) -> int:
    """The organisation counts where the host or a trusted edge tells it: nothing else may make many accounts one."""
    org = subject.attributes.get("org")
    return digest(f"org:{org}" if org else f"account:{subject.account}", seed)


def _textless(answer: Answer) -> bool:
    """An answer without text, such as an embedding, is nothing to train on."""
    return 200 <= answer.status < 300 and answer.usage is not None and answer.usage.output_tokens == 0


def _asked(call: Call) -> str:
    """The last turn, where it is a user's: an agent repeats its task with every tool result, and that asks nothing new."""
    return call.turns[-1].text if call.turns and call.turns[-1].role == "user" else ""


def _opening(call: Call) -> str:
    return f"{call.system}\n{call.turns[0].text if call.turns else ''}"


def _sampling(call: Call) -> Sampling:
    return (call.temperature, call.top_p, call.seed, call.n, call.logprobs, call.top_logprobs, call.biased)
