"""The values that rooms hand to one another: frozen, made of data, without behaviour of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, field

BodyState: TypeAlias = Literal["none", "whole", "truncated", "unread", "malformed"]
Cause: TypeAlias = Literal["quota", "assessment", "request"]
EffectClass: TypeAlias = Literal["observe", "mark", "restrict"]
Family: TypeAlias = Literal["content", "coordination", "network", "temporal", "distribution"]
Unit: TypeAlias = Literal["requests", "tokens", "input_tokens", "output_tokens", "concurrent"]
Per: TypeAlias = Literal["account", "fingerprint", "network", "org", "model", "campaign"]

RESTRICT: EffectClass = "restrict"


class Mode(StrEnum):
    """How far a policy goes: `off` does nothing, `shadow` evaluates and records, `enforce` acts."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"

    @property
    def rank(self) -> int:
        """Order by caution: off 0, shadow 1, enforce 2."""
        return _MODE_RANK[self]


_MODE_RANK = {Mode.OFF: 0, Mode.SHADOW: 1, Mode.ENFORCE: 2}


# --- what comes in ---------------------------------------------------------------------------------------------------


class Request(Struct, frozen=True):
    """One HTTP request or websocket handshake as it arrived, before anything is made of it.

    Attributes:
        id: Identifier of the exchange, unique in a deployment.
        ts: Unix seconds at which it arrived.
        method: HTTP method; `WEBSOCKET` for a websocket handshake.
        path: Full path, as the server saw it.
        headers: Lower-cased names and values, in the order received.
        peer: Address of the socket peer, or None where the server does not tell.
        principal: The account that the host authenticated before us.
        attributes: Facts about the account that the host itself attests.
        attested: True where a trusted edge vouches for peer and headers (a replayed log).
        body: The body, or as much as was read.
        body_state: How far the body could be read.
    """

    id: str
    ts: float
    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    peer: str | None = None
    principal: str | None = None
    attributes: Mapping[str, str] = {}
    attested: bool = False
    body: bytes = b""
    body_state: BodyState = "none"

    def header(self, name: bytes) -> bytes:
        """Value of the first header of that name (lower case), or nothing."""
        return next((value for key, value in self.headers if key == name), b"")


class Subject(Struct, frozen=True):
    """Who a request is counted for.

    Attributes:
        account: Billing identity, or None where the request names none. Never holds a credential.
        fingerprint: Likeness of the client family (never a person).
        network: `/32` of an IPv4 or `/64` of an IPv6 address, as a keyed id.
        proven: True once the host, a trusted peer or an earlier answer confirmed the account.
        attributes: Facts about the account from trusted sources only.
    """

    account: str | None
    fingerprint: str
    network: str
    proven: bool = False
    attributes: Mapping[str, str] = {}


class Turn(Struct, frozen=True):
    """One message of a conversation: its role and its text."""

    role: str
    text: str


class Call(Struct, frozen=True):
    """What a dialect read from a request: the call to the model, whatever API shape it came in.

    Attributes:
        dialect: Name of the dialect, such as `openai.chat`.
        model: Model asked for, or an empty string.
        system: System text, or an empty string.
        turns: The conversation without system text, oldest first.
        stream: True where the client asked for a stream. The answer's content type decides what it gets.
        max_tokens: Output tokens allowed by the client; None where it set no usable bound.
        n: Answers asked for.
        temperature: Sampling temperature, where given.
        top_p: Nucleus, where given.
        seed: Sampling seed, where given.
        logprobs: True where log-probabilities are asked for.
        top_logprobs: Alternatives per token asked for.
        biased: True where the call carries a logit bias.
        structured: True where a JSON schema or JSON mode is asked for.
        tools: Names of the tools offered.
        sub_identity: End user that the client claims to act for: evidence, never an account.
        input_tokens: Estimate of the input, about four bytes a token.
    """

    dialect: str
    model: str = ""
    system: str = ""
    turns: tuple[Turn, ...] = ()
    stream: bool = False
    max_tokens: int | None = None
    n: int = 1
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    biased: bool = False
    structured: bool = False
    tools: tuple[str, ...] = ()
    sub_identity: str | None = None
    input_tokens: int = 0

    @property
    def prompt(self) -> str:
        """Text of the last user turn: what is asked now."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")


# --- what goes out ---------------------------------------------------------------------------------------------------


class Usage(Struct, frozen=True):
    """Tokens of an exchange; `estimated` where the host did not report them."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


class Answer(Struct, frozen=True):
    """What the host answered, as far as it left the server.

    Attributes:
        status: HTTP status; 0 where no answer began.
        usage: Tokens, or None where the body was not read by a dialect.
        streamed: True for an SSE answer.
        complete: False where client or host broke it off.
        duration: Seconds from the request to the end of the answer.
        ours: True for a refusal of our own, which never reached the host.
    """

    status: int
    usage: Usage | None = None
    streamed: bool = False
    complete: bool = True
    duration: float = 0.0
    ours: bool = False


class Reply(Struct, frozen=True):
    """A complete response of our own: status, headers, body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


# --- effects: what an action wants done, as data ---------------------------------------------------------------------


class Refusal(Struct, frozen=True):
    """The request is answered by us.

    Attributes:
        status: HTTP status; a dialect may use its own for the same meaning (400 and 413 for `too_large`).
        kind: `rate` (wait and retry), `too_large` (can never fit), `forbidden`, or `unavailable`.
        message: Neutral text for the client. Never names a detector.
        unit: Exhausted unit, for `rate`.
        retry_after: Seconds until a retry can succeed, or None.
    """

    status: int
    kind: Literal["rate", "too_large", "forbidden", "unavailable"]
    message: str
    unit: Unit = "requests"
    retry_after: float | None = None


class Delay(Struct, frozen=True):
    """The request is held for some seconds before the host sees it."""

    seconds: float


class Limits(Struct, frozen=True):
    """Quotas are tightened while the effect is in force: scaled, or joined by one more.

    Attributes:
        scale: Factor in (0, 1] on the limits of all quotas whose scopes include `per`; None to leave them.
        per: The scope that is tightened.
        extra: A further quota, or None.
    """

    scale: float | None = None
    per: Per = "account"
    extra: Quota | None = None


class Rewrite(Struct, frozen=True):
    """Upper bounds for parameters of the call, by the dialect-neutral name (`max_tokens`, `n`, `top_logprobs`)."""

    caps: Mapping[str, int]


class TextTransformer(Protocol):
    """Rewrites the text of one answer while it streams. One instance per answer and choice."""

    def feed(self, text: str) -> str:
        """Takes the next piece of text, returns what can be sent now."""

    def flush(self) -> str:
        """Returns what was held back; called once, at the end of the text."""


class Transform(Struct, frozen=True):
    """The answer's text is rewritten on its way out.

    Attributes:
        begin: Makes a transformer for one choice of the answer.
    """

    begin: Callable[[Call, Subject], TextTransformer]


class Notice(Struct, frozen=True):
    """Somebody is told: `alert` the operator, `tag` the app (through request state)."""

    kind: Literal["alert", "tag"]
    data: Mapping[str, Any] = {}


Effect: TypeAlias = Refusal | Delay | Limits | Rewrite | Transform | Notice


# --- quotas ----------------------------------------------------------------------------------------------------------


class Quota(Struct, frozen=True):
    """An allowance: `limit` units per `window` seconds for every value of `per`.

    Attributes:
        id: Stable name; keys the counters, so that a changed limit forgives nobody.
        per: What is counted apart; several names make a combination.
        unit: What is counted.
        limit: Units per window; for `concurrent`, requests in flight.
        window: Seconds; 0 for `concurrent`.
        burst: Units that may be spent at once after a rest.
        advertise: False keeps the quota out of response headers.
    """

    id: str
    per: tuple[Per, ...]
    unit: Unit
    limit: int
    window: float
    burst: int
    advertise: bool = True


class Scope(Struct, frozen=True):
    """One counter that a request draws on: a quota, whose it is, and what the request costs there.

    Attributes:
        quota: The allowance, already tightened by effects in force.
        key: Keyed hash of quota id and of the values of `per`.
        cost: Units reserved.
        enforced: False where a breach is only recorded (shadow mode).
        cause: `assessment` where an effect in force tightened the quota, else `quota`.
        rule: The quota's id, or the id of the rule that tightened it.
    """

    quota: Quota
    key: str
    cost: int
    enforced: bool = True
    cause: Cause = "quota"
    rule: str = ""


class QuotaState(Struct, frozen=True):
    """How a quota stands for a scope after a reservation.

    Attributes:
        scope: The scope asked for.
        breached: True where the cost did not fit.
        remaining: Whole units left to spend at once.
        reset_after: Seconds until the allowance is whole again.
        retry_after: Seconds until this very cost fits: 0 where it did, None where it never can.
    """

    scope: Scope
    breached: bool
    remaining: int
    reset_after: float
    retry_after: float | None = 0.0


class Reservation(Struct, frozen=True):
    """The answer of a store to a request for several scopes, all or nothing.

    Attributes:
        id: Name of the reservation; settle it with `commit(id, …)`.
        states: One state per scope, in the order asked.
        granted: False where an enforced scope was breached; then nothing was written.
    """

    id: str
    states: tuple[QuotaState, ...]
    granted: bool

    @property
    def denied(self) -> QuotaState | None:
        """The enforced breach that takes longest to pass, or None."""
        breaches = [state for state in self.states if state.breached and state.scope.enforced]
        never = float("inf")
        return max(breaches, key=lambda state: never if state.retry_after is None else state.retry_after, default=None)


# --- assessment ------------------------------------------------------------------------------------------------------


class Evidence(Struct, frozen=True):
    """What one signal found about one account.

    Attributes:
        signal: Name of the signal.
        family: Kind of evidence; no family can convict alone.
        weight: Bounded log-likelihood ratio (nats) of extraction against honest use; negative speaks for the account.
        reason: One sentence for a person, with its numbers.
    """

    signal: str
    family: Family
    weight: float
    reason: str


class Campaign(Struct, frozen=True):
    """Accounts that act as one, as far as an account's assessment needs to know."""

    id: str
    risk: float
    accounts: int


class Assessment(Struct, frozen=True):
    """What is known about an account.

    Attributes:
        account: The account.
        ts: Unix seconds of the assessment.
        risk: 0 (nothing) to 1.
        families: Families whose evidence speaks against the account.
        evidence: Evidence of every signal that said anything, weightiest first.
        requests: Requests it rests on.
        first_seen: Unix seconds of the account's first exchange.
        campaign: The campaign it belongs to, or None.
    """

    account: str
    ts: float
    risk: float
    families: tuple[Family, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    requests: int = 0
    first_seen: float = 0.0
    campaign: Campaign | None = None


class Exchange(Struct, frozen=True):
    """One finished exchange on its way to the assessment loop. Holds text: lives in memory only, and briefly."""

    request: Request
    subject: Subject
    call: Call | None
    answer: Answer


# --- decisions -------------------------------------------------------------------------------------------------------


class Facts(Struct, frozen=True):
    """All that a condition may read. Parts that are not known are None, which makes conditions on them false."""

    now: float
    request: Request | None = None
    call: Call | None = None
    subject: Subject | None = None
    assessment: Assessment | None = None
    quotas: Mapping[str, QuotaState] | None = None


class Match(Struct, frozen=True):
    """One effect of one rule (or quota) on one request: done, or in shadow mode what would have been.

    Attributes:
        rule: Id of the rule or quota.
        action: Name of the action.
        kind: Class of the effect, which shadow mode goes by.
        cause: What made the rule match.
        enforced: True where the effect was carried out.
        effect: The effect itself.
    """

    rule: str
    action: str
    kind: EffectClass
    cause: Cause
    enforced: bool
    effect: Effect


class Decision(Struct, frozen=True):
    """What the policy says about one request: the matches, and nothing where no rule matched."""

    matches: tuple[Match, ...] = ()

    @property
    def enforced(self) -> tuple[Match, ...]:
        """The matches to carry out."""
        return tuple(match for match in self.matches if match.enforced)


class Event(Struct, frozen=True):
    """One decision that did something, or in shadow mode would have: what hooks, logs and alerts receive.

    Attributes:
        id: Id of the request, or of the tick for a decision between requests.
        ts: Unix seconds.
        account: The account, or None.
        rule: Rule or quota that matched.
        action: Action taken.
        effect: Class of the action.
        cause: What made it match.
        enforced: False in shadow mode.
        fingerprint: Client likeness.
        network: Client network, as a keyed id.
        path: Path of the request, empty between requests.
        detail: Numbers and reasons, for a person.
    """

    id: str
    ts: float
    account: str | None
    rule: str
    action: str
    effect: EffectClass
    cause: Cause
    enforced: bool
    fingerprint: str = ""
    network: str = ""
    path: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


Clock: TypeAlias = Callable[[], float]
