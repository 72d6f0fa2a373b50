"""What is decided, and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from antidistill.model.assessment import Assessment
from antidistill.model.effect import Effect
from antidistill.model.exchange import Call, Request, Subject
from antidistill.model.quota import QuotaState
from antidistill.model.words import Cause, EffectClass


class Facts(Struct, frozen=True, gc=False):
    """All that a condition may read. Parts that are not known are None, which makes conditions on them false.

    Attributes:
        now: Unix seconds.
        request: The request.
        call: What a dialect read of it.
        subject: Who it is counted for.
        assessment: What is known of the account.
        quotas: How quotas stand, by id.
        sub: What is known of the sub-identity that is attested.
        jitter: Raises a threshold on a risk, for the name of an account or campaign and a time; None to leave them.
    """

    now: float
    request: Request | None = None
    call: Call | None = None
    subject: Subject | None = None
    assessment: Assessment | None = None
    quotas: Mapping[str, QuotaState] | None = None
    sub: Assessment | None = None
    jitter: Callable[[float, str, float], float] | None = None


class Match(Struct, frozen=True, gc=False):
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


class Decision(Struct, frozen=True, gc=False):
    """What the policy says about one request: the matches, and nothing where no rule matched."""

    matches: tuple[Match, ...] = ()

    @property
    def enforced(self) -> tuple[Match, ...]:
        """The matches to carry out."""
        return tuple(match for match in self.matches if match.enforced)


class Event(Struct, frozen=True, gc=False):
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
