"""The shape of a policy: what may stand in each section, and what holds where nothing does.

Field docstrings are the descriptions in the JSON Schema, types and bounds are what `shape.py` checks.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field

from antidistill.identity import IdentityConfig
from antidistill.model import Mode
from antidistill.quotas import QuotaConfig

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
        queue: Exchanges that wait for analysis; more are counted, but not analysed.
    """

    body_bytes: Bytes = 1 << 20
    body_bytes_total: Bytes = 64 << 20
    answer_bytes: Bytes = 1 << 20
    held_requests: Annotated[int, Meta(ge=0, le=1_000_000)] = 256
    delay_seconds: Annotated[float, Meta(ge=0, le=300)] = 30.0
    accounts: Count = 200_000
    queue: Count = 10_000


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
        signals: Signals of other distributions, by the names that they publish, beside those that come with antidistill.
    """

    tick: Annotated[float, Meta(ge=1, le=86_400)] = 600.0
    signals: tuple[str, ...] = ()


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


class Sections(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sections that are used as they stand.

    Attributes:
        mode: off does nothing, shadow evaluates and records, enforce acts.
        store: Where counters live.
        identity: Who a request is counted for.
        unmatched: What becomes of routes that no dialect reads: pass them untouched, meter them by quotas, or deny them.
        on_error: What becomes of a request when a stage fails: open lets it pass, closed answers 503.
        dialects: Dialects of other distributions, by the names that they publish, beside those that come with antidistill.
        headers: Rate-limit headers on answers, in the manner of openai or anthropic, native (both to their own routes), or none.
        decision_header: True to tell in a response header what was decided, on every guarded response.
        estimates: What to reserve where a request does not tell.
        bounds: How much memory and time antidistill may take.
        alerts: Where alerts go besides the log.
        assessment: How accounts are assessed.
    """

    mode: Mode = Mode.SHADOW
    store: str = "memory"
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    unmatched: Literal["pass", "meter", "deny"] = "meter"
    on_error: OnError = "open"
    dialects: tuple[str, ...] = ()
    headers: Literal["none", "openai", "anthropic", "native"] = "none"
    decision_header: bool = False
    estimates: Estimates = Estimates()
    bounds: Bounds = Bounds()
    alerts: Alerts = Alerts()
    assessment: AssessmentConfig = AssessmentConfig()


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
