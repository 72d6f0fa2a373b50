"""The shape of a policy: what may stand in each section, and what holds where nothing does.

Field docstrings are the descriptions in the JSON Schema, types and bounds are what `shape.py` checks.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field

from antidistill.assessment.record import RecordConfig
from antidistill.identity import IdentityConfig
from antidistill.model import Mode
from antidistill.quotas import Price, QuotaConfig
from antidistill.watermark.marker import WatermarkConfig

OnError: TypeAlias = Literal["open", "closed"]
Bytes: TypeAlias = Annotated[int, Meta(ge=1024, le=1 << 34)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=10_000_000)]


class Estimates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to reserve where a request does not tell.

    Attributes:
        output_tokens: Output tokens of a call that sets no `max_tokens`; the real number is charged in the end.
    """

    output_tokens: Annotated[int, Meta(ge=0, le=10_000_000)] = 1024


class Bounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much memory and time antidistill may take. What is above a bound is still counted by quotas, but not analysed.

    Attributes:
        body_bytes: Bytes of one request body that are read.
        body_bytes_total: Bytes of request bodies that are held at once.
        answer_bytes: Bytes of one answer that are read for its usage.
        held_requests: Requests that wait at once because of `delay`; one more is refused.
        delay_seconds: Longest wait that `delay` can cause.
        accounts: Accounts that are remembered.
        sub_identities: Sub-identities of one account that are counted apart in a day; further ones are counted together.
        queue: Exchanges that wait for analysis; more are counted, but not analysed.
        stream: Observations, of about a KB each, that wait in Redis or Valkey for `antidistill assess`; beyond, the oldest are lost.
    """

    body_bytes: Bytes = 1 << 20
    body_bytes_total: Bytes = 64 << 20
    answer_bytes: Bytes = 1 << 20
    held_requests: Annotated[int, Meta(ge=0, le=1_000_000)] = 256
    delay_seconds: Annotated[float, Meta(ge=0, le=300)] = 30.0
    accounts: Count = 200_000
    sub_identities: Count = 1_000
    queue: Count = 10_000
    stream: Count = 200_000


class Alerts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where alerts go besides the log.

    Attributes:
        file: JSON Lines file to append alerts to.
        every: Seconds for which the same alert about the same account is not repeated.
    """

    file: str | None = None
    every: Annotated[float, Meta(ge=0, le=31_536_000)] = 3600.0


class AssessmentConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How accounts are assessed.

    Attributes:
        tick: Seconds between two rounds of assessment.
        snapshot: File that keeps what is known of accounts over restarts; without one, only `antidistill assess` keeps it, in the store.
        signals: Signals of other distributions, by the names that they publish, beside those that come with antidistill.
        seeds: Filters of seed corpora, made by `antidistill seeds build`.
        jitter: Most that thresholds on risks are raised, by account and day, as a share of themselves; 0 to leave them.
    """

    tick: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    snapshot: str | None = None
    signals: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    jitter: Annotated[float, Meta(ge=0, le=0.5)] = 0.05


class RuleConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When what is to be done.

    Attributes:
        id: Name of the rule in events, alerts and counters.
        when: Conditions on facts, all of which must hold; {} holds for every request.
        then: Actions, in order.
        mode: Mode of this rule instead of the policy's.
        on_error: What becomes of the request when an action of this rule fails: open lets it pass, closed answers 503.
        until: Last day on which the rule holds, in UTC.
    """

    id: str
    when: dict[str, Any]
    then: list[Any]
    mode: Mode | None = None
    on_error: OnError | None = None
    until: date | None = None


class ExemptionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account that no quota and no rule restricts for some time. Rules that only observe go on.

    Attributes:
        account: The account, as events and alerts name it.
        until: Last day of the exemption, in UTC.
        because: Why, for whoever reads the policy next year.
    """

    account: str
    until: date
    because: str


class StoreConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where counters live, and how to deal with it.

    Attributes:
        url: memory, or the URL of a Redis or Valkey, such as redis://host:6379/0.
        timeout: Seconds that the store may take for an operation; beyond, each quota's on_store_error says what becomes of requests.
        replicas: Processes that share the quotas. While the store does not answer, each counts this share of them by itself.
        lease: Seconds after which what a process that died had reserved comes back.
    """

    url: str
    timeout: Annotated[float, Meta(ge=0.01, le=10)] = 0.25
    replicas: Annotated[int, Meta(ge=1, le=100_000)] = 1
    lease: Annotated[float, Meta(ge=3, le=3600)] = 60.0


class Sections(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sections that are used as they stand.

    Attributes:
        mode: off does nothing, shadow evaluates and records, enforce acts.
        store: Where counters live: memory, the URL of a Redis or Valkey, or a mapping with that URL and more.
        identity: Who a request is counted for.
        unmatched: What becomes of routes that no dialect reads: pass them untouched, meter them by quotas, or deny them.
        on_error: What becomes of a request when a stage fails: open lets it pass, closed answers 503.
        dialects: Dialects of other distributions, by the names that they publish, beside those that come with antidistill.
        headers: Rate-limit headers on answers, in the manner of openai or anthropic, native (both to their own routes), of the IETF
            draft, in the legacy form of its early versions, or none.
        errors: Bodies of refusals: as the API of the route writes them, or problem, which adds the members of RFC 9457.
        decision_header: True to tell in a response header what was decided, on every guarded response.
        estimates: What to reserve where a request does not tell.
        prices: What models cost, by name or pattern; for quotas of unit cost.
        bounds: How much memory and time antidistill may take.
        alerts: Where alerts go besides the log.
        assessment: How accounts are assessed.
        record: Whether observations, which hold no text, are kept on disk for replays.
        watermark: How answers are marked, where a rule wants it.
    """

    mode: Mode = Mode.SHADOW
    store: str | StoreConfig = "memory"
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    unmatched: Literal["pass", "meter", "deny"] = "meter"
    on_error: OnError = "open"
    dialects: tuple[str, ...] = ()
    headers: Literal["none", "openai", "anthropic", "native", "ietf", "legacy"] = "none"
    errors: Literal["native", "problem"] = "native"
    decision_header: bool = False
    estimates: Estimates = Estimates()
    prices: dict[str, Price] = {}
    bounds: Bounds = Bounds()
    alerts: Alerts = Alerts()
    assessment: AssessmentConfig = AssessmentConfig()
    record: RecordConfig = RecordConfig()
    watermark: WatermarkConfig = WatermarkConfig()


class PolicyConfig(Sections, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole policy file.

    Attributes:
        version: Version of the format: 1.
        quotas: Allowances.
        rules: Rules, evaluated in order; all that match count.
        exempt: Accounts that nothing restricts for some time.
    """

    version: Literal[1]
    quotas: list[QuotaConfig] = []
    rules: list[RuleConfig] = []
    exempt: list[ExemptionConfig] = []
