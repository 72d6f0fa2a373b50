"""What is known and wanted of one request, between the guard and whoever carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from antidistill.dialects import AnthropicMessages, Dialect, Headers, OpenAIChat, decode, encode, plain, standard
from antidistill.dialects.redact import unasked
from antidistill.model import (
    NOBODY,
    Call,
    Delay,
    Mark,
    Match,
    Mode,
    Notice,
    QuotaState,
    Redact,
    Refusal,
    Reply,
    Request,
    Reservation,
    Rewrite,
    Subject,
    Transform,
)
from antidistill.policy import Policy
from antidistill.policy.sections import Bounds
from antidistill.watermark.fingerprints import Copy
from antidistill.watermark.marker import DEPLOYMENT, Marker
from antidistill.watermark.orders import Order, addressed

MOST_JITTER = 0.25
BUSY = "Too many requests wait already. Please try again shortly."
MANNERS: Mapping[str, Callable[[Sequence[QuotaState], float], Headers]] = {
    "openai": OpenAIChat().limit_headers,
    "anthropic": AnthropicMessages().limit_headers,
    "ietf": standard.ietf_headers,
    "legacy": standard.legacy_headers,
}
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
        redacted: True where answers are sent without log-probabilities.
        transforms: In the order of the rules.
        mark: The mark of the highest tier, or None.
        tags: For the app.
    """

    refusal: Refusal | None = None
    delay: float = 0.0
    caps: Mapping[str, int] = {}
    redacted: bool = False
    transforms: tuple[Transform, ...] = ()
    mark: Mark | None = None
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
        redacted: True where the answer is sent without log-probabilities.
        transforms: Rewriters of the answer's text.
        mark: The mark of the answer's text, or None.
        order: What whoever samples the answer is asked to mark, or None.
        tags: For the app, through request state.
        headers: To add to the app's answer.
        copies: Takes copies of the answer's texts as they leave; None for no copies.
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
    redacted: bool = False
    transforms: tuple[Transform, ...] = ()
    mark: Mark | None = None
    order: Order | None = None
    tags: Mapping[str, Any] = {}
    headers: tuple[tuple[bytes, bytes], ...] = ()
    copies: list[Copy] | None = None

    @property
    def rewritten(self) -> bool:
        """True where the answer may change on its way out."""
        return bool(self.transforms) or self.mark is not None or self.redacted


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
        redacted=any(isinstance(effect, Redact) for effect in effects),
        transforms=tuple(effect for effect in effects if isinstance(effect, Transform)),
        mark=max((effect for effect in effects if isinstance(effect, Mark)), key=lambda mark: mark.tier, default=None),
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
        return replace(wishes, refusal=wishes.refusal or Refusal(503, "overloaded", BUSY, retry_after=delay))
    return replace(wishes, delay=delay)


def conclude(policy: Policy, admission: Admission, wishes: Wishes, body: bytes | None = None, order: Order | None = None) -> Admission:
    """Completes an admission by what is to be carried out."""
    headers = _headers(policy, admission)
    if wishes.refusal is not None:
        reply = answer(wishes.refusal, admission.dialect, admission.request)
        if policy.errors == "problem":
            reply = standard.as_problem(reply, wishes.refusal)
        return replace(admission, reply=replace(reply, headers=reply.headers + headers))
    if wishes is NO_WISHES and not headers and body is None:
        return admission
    return replace(
        admission,
        headers=headers,
        delay=wishes.delay,
        body=body,
        redacted=wishes.redacted,
        transforms=wishes.transforms,
        mark=wishes.mark,
        order=order,
        tags=wishes.tags,
    )


def answer(refusal: Refusal, dialect: Dialect | None, request: Request) -> Reply:
    """Words a refusal in the dialect of the route."""
    return dialect.refuse(refusal, request.id) if dialect is not None else plain.refuse(refusal, request.id)


def order_of(admission: Admission, mark: Mark | None, marker: Marker | None) -> Order | None:
    """What whoever samples the answer is asked to mark; None where it must stay exact, or its caller would see the mark."""
    call, account = admission.call, admission.subject.account
    if mark is None or marker is None or account is None or call is None or call.logprobs or call.structured:
        return None
    return marker.order(account, mark.tier, mark.group or DEPLOYMENT)


def inward(reading: Reading, dialect: Dialect | None, wishes: Wishes, ours: bool, sealed: str | None) -> bytes | None:
    """Writes the body as the app is to see it, with its parameters bounded; None where it stays as it came.

    Args:
        reading: The request.
        dialect: The dialect of its route.
        wishes: Upper bounds of parameters, and what is not to be asked for.
        ours: True where callers have no say in how answers are marked.
        sealed: The sealed order that goes with it, or None.

    Raises:
        ValueError: The body could not be read, so nothing in it can be bounded.
    """
    if dialect is None:
        return None
    if reading.value is None:
        if wishes.caps:
            raise ValueError(f"a {reading.request.body_state} body cannot be capped")
        return None
    body = reading.value
    if wishes.redacted:
        body = unasked(body) or body
    if wishes.caps:
        body = dialect.cap(body, wishes.caps) or body
    if ours:
        body = addressed(body, sealed) or body
    return None if body is reading.value else encode(body)


def _headers(policy: Policy, admission: Admission) -> Headers:
    decision: Headers = ((b"x-antidistill-decision", admission.request.id.encode()),) if policy.decision_header else ()
    if policy.headers == "none" or admission.reservation is None or policy.mode is not Mode.ENFORCE:
        return decision
    if policy.headers != "native":
        write = MANNERS[policy.headers]
    elif admission.dialect is not None:
        write = admission.dialect.limit_headers
    else:
        return decision
    return decision + write(admission.reservation.states, admission.request.ts)


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
