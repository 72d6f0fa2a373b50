"""What is known and wanted of one request, between the guard and whoever carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from antidistill.dialects import AnswerRewriter, AnthropicMessages, Dialect, Headers, OpenAIChat, decode, encode, plain
from antidistill.model import (
    NOBODY,
    Call,
    Delay,
    Match,
    Mode,
    Notice,
    Refusal,
    Reply,
    Request,
    Reservation,
    Rewrite,
    Subject,
    TextTransformer,
    Transform,
)
from antidistill.policy import Policy
from antidistill.policy.sections import Bounds

MOST_JITTER = 0.25
BUSY = "Too many requests wait already. Please try again shortly."
SPEAKERS: Mapping[str, Dialect] = {"openai": OpenAIChat(), "anthropic": AnthropicMessages()}
"""Who words rate-limit headers, where the policy wants one manner on all routes."""


class Reading(Struct, frozen=True):
    """A request as far as a dialect could read it.

    Attributes:
        request: The request, its `body_state` brought up to date.
        call: The call, or None.
        value: The decoded body, or None.
    """

    request: Request
    call: Call | None = None
    value: dict[str, Any] | None = None


class Wishes(Struct, frozen=True):
    """The effects to carry out on one request, merged by kind.

    Attributes:
        refusal: The first refusal, or None.
        delay: Seconds of all delays together.
        caps: The lowest bound for each parameter.
        transforms: In the order of the rules.
        tags: For the app.
    """

    refusal: Refusal | None = None
    delay: float = 0.0
    caps: Mapping[str, int] = {}
    transforms: tuple[Transform, ...] = ()
    tags: Mapping[str, Any] = {}


class Admission(Struct, frozen=True):
    """The outcome of `Guard.admit`; `Guard.settle` needs it back.

    Attributes:
        request: The request.
        dialect: The dialect of its route, or None.
        call: What the dialect read, or None.
        subject: Who it is counted for.
        matches: Everything that was or would have been done.
        reservation: What was reserved, or None.
        reply: Our own answer in place of the app's, or None.
        delay: Seconds to hold the request first.
        body: The body that the app is to see, or None for the one that came.
        transforms: Rewriters of the answer's text.
        tags: For the app, through request state.
        headers: To add to the app's answer.
    """

    request: Request
    dialect: Dialect | None
    call: Call | None = None
    subject: Subject = NOBODY
    matches: tuple[Match, ...] = ()
    reservation: Reservation | None = None
    reply: Reply | None = None
    delay: float = 0.0
    body: bytes | None = None
    transforms: tuple[Transform, ...] = ()
    tags: Mapping[str, Any] = {}
    headers: tuple[tuple[bytes, bytes], ...] = ()


NO_WISHES = Wishes()


def read(request: Request, dialect: Dialect | None, limit: int) -> Reading:
    """Reads the body of a request, up to `limit` bytes once it is decompressed."""
    if dialect is None or request.body_state != "whole":
        return Reading(request)
    decoded = decode(request.body, request.header(b"content-encoding"), limit)
    if decoded.value is None:
        return Reading(replace(request, body_state=decoded.state))
    return Reading(request, dialect.read(decoded.value), decoded.value)


def merge(matches: Sequence[Match], request: Request) -> Wishes:
    """Merges the effects of the matches that are enforced."""
    enforced = [match for match in matches if match.enforced]
    if not enforced:
        return NO_WISHES
    effects = [match.effect for match in enforced]
    return Wishes(
        refusal=next((_vague(match, match.effect, request) for match in enforced if isinstance(match.effect, Refusal)), None),
        delay=sum(effect.seconds for effect in effects if isinstance(effect, Delay)),
        caps=_lowest(effect.caps for effect in effects if isinstance(effect, Rewrite)),
        transforms=tuple(effect for effect in effects if isinstance(effect, Transform)),
        tags={
            key: value for effect in effects if isinstance(effect, Notice) and effect.kind == "tag" for key, value in effect.data.items()
        },
    )


def bound(wishes: Wishes, bounds: Bounds, held: int) -> Wishes:
    """Bounds a wait; where too many requests wait already, the client is told to wait instead."""
    if not wishes.delay:
        return wishes
    delay = min(wishes.delay, bounds.delay_seconds)
    if held >= bounds.held_requests:
        return replace(wishes, refusal=wishes.refusal or Refusal(429, "rate", BUSY, retry_after=delay))
    return replace(wishes, delay=delay)


def conclude(policy: Policy, admission: Admission, wishes: Wishes, body: bytes | None) -> Admission:
    """Completes an admission by what is to be carried out."""
    headers = _headers(policy, admission)
    if wishes.refusal is not None:
        reply = answer(wishes.refusal, admission.dialect, admission.request)
        return replace(admission, reply=replace(reply, headers=reply.headers + headers))
    if wishes is NO_WISHES and not headers:
        return admission
    return replace(admission, headers=headers, delay=wishes.delay, body=body, transforms=wishes.transforms, tags=wishes.tags)


def answer(refusal: Refusal, dialect: Dialect | None, request: Request) -> Reply:
    """Words a refusal in the dialect of the route."""
    return dialect.refuse(refusal, request.id) if dialect is not None else plain.refuse(refusal, request.id)


def capped(reading: Reading, dialect: Dialect | None, caps: Mapping[str, int]) -> bytes | None:
    """Writes the body with its parameters bounded; None where it asks for no more than that.

    Raises:
        ValueError: The body could not be read, so nothing in it can be bounded.
    """
    if dialect is None:
        return None
    if reading.value is None:
        raise ValueError(f"a {reading.request.body_state} body cannot be capped")
    changed = dialect.cap(reading.value, caps)
    return None if changed is None else encode(changed)


class Chain:
    """Several transformers, one after the other, as one."""

    def __init__(self, parts: Sequence[TextTransformer]) -> None:
        self._parts = parts

    def feed(self, text: str) -> str:
        """Passes a piece of text through all."""
        for part in self._parts:
            text = part.feed(text)
        return text

    def flush(self) -> str:
        """Passes on what each one held back."""
        text = ""
        for part in self._parts:
            text = part.feed(text) + part.flush()
        return text


def rewriter(admission: Admission, content_type: bytes, encoding: bytes) -> AnswerRewriter | None:
    """Makes what carries out the transforms of an admission."""
    if admission.dialect is None or admission.call is None:
        return None
    call, subject, transforms = admission.call, admission.subject, admission.transforms
    return AnswerRewriter(
        admission.dialect,
        content_type,
        lambda: Chain([transform.begin(call, subject) for transform in transforms]),
        content_encoding=encoding,
        structured=call.structured,
    )


def _headers(policy: Policy, admission: Admission) -> Headers:
    decision: Headers = ((b"x-antidistill-decision", admission.request.id.encode()),) if policy.decision_header else ()
    if policy.headers == "none" or admission.reservation is None or policy.mode is not Mode.ENFORCE:
        return decision
    speaker = admission.dialect if policy.headers == "native" else SPEAKERS[policy.headers]
    return decision if speaker is None else decision + speaker.limit_headers(admission.reservation.states, admission.request.ts)


def _vague(match: Match, refusal: Refusal, request: Request) -> Refusal:
    """Lengthens the wait of a refusal that an assessment caused, so that it does not tell the exact limit. Never shortens it."""
    if match.cause != "assessment" or not refusal.retry_after:
        return refusal
    return replace(refusal, retry_after=refusal.retry_after * (1 + MOST_JITTER * crc32(request.id.encode()) / 0xFFFFFFFF))


def _lowest(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    lowest: dict[str, int] = {}
    for caps in several:
        lowest.update({name: min(cap, lowest.get(name, cap)) for name, cap in caps.items()})
    return lowest
