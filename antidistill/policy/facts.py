"""The facts that a condition may read: what they are called, of what type they are, and where they come from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

from antidistill.model import BodyState, Cause, Facts, QuotaState

FactType: TypeAlias = Literal["text", "number", "flag"]
Read: TypeAlias = Callable[[Facts], Any]

DAY = 86_400.0


class Fact(Struct, frozen=True):
    """One thing that a condition can read.

    Attributes:
        name: The word that policies use.
        type: What its values are, and so which operators fit.
        cause: What a rule that reads it goes by.
        read: Returns its value, or None where it is not known.
        description: What it means, with units.
        low: Least value of a number.
        high: Greatest value of a number.
        choices: All values of a text, where they are known.
        attribute: The attribute of the account that it rests on, if any.
        whose: Names whom thresholds on it are jittered for; None where they are exact.
    """

    name: str
    type: FactType
    cause: Cause
    read: Read
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    attribute: str = ""
    whose: Callable[[Facts], str] | None = None


# --- about the request -----------------------------------------------------------------------------------------------


def _request(name: str, type: FactType, part: Callable[[Any], Any], description: str, choices: tuple[str, ...] = ()) -> Fact:
    read: Read = lambda facts: None if facts.request is None else part(facts.request)  # noqa: E731
    return Fact(f"request.{name}", type, "request", read, description, choices=choices)


def _call(name: str, type: FactType, part: Callable[[Any], Any], description: str, low: float | None = 0) -> Fact:
    read: Read = lambda facts: None if facts.call is None else part(facts.call)  # noqa: E731
    return Fact(f"request.{name}", type, "request", read, description, low if type == "number" else None)


def _guarded(facts: Facts) -> bool | None:
    """Bodies are read where a dialect is for them only, so a body that could not be read tells as well."""
    return None if facts.request is None else facts.call is not None or facts.request.body_state != "none"


def _retry(request: Any) -> int | None:
    value = next((value for name, value in request.headers if name == b"x-stainless-retry-count"), b"")
    return int(value) if value.isdigit() and len(value) < 10 else None


_REQUEST = (
    _request("method", "text", lambda request: request.method, "HTTP method; `WEBSOCKET` for a websocket handshake"),
    _request("path", "text", lambda request: request.path, "full path"),
    _request("body", "text", lambda request: request.body_state, "how far the body could be read", get_args(BodyState)),
    _request("retry", "number", _retry, "retries so far, as the SDK counts them in `x-stainless-retry-count`"),
    Fact("request.guarded", "flag", "request", _guarded, "true where a dialect reads the route"),
    _call("dialect", "text", lambda call: call.dialect, "name of the dialect, such as `openai.chat`"),
    _call("model", "text", lambda call: call.model, "model asked for"),
    _call("stream", "flag", lambda call: call.stream, "true where the client asks for a stream"),
    _call("max_tokens", "number", lambda call: call.max_tokens, "output tokens that the client allows"),
    _call("n", "number", lambda call: call.n, "answers asked for"),
    _call("temperature", "number", lambda call: call.temperature, "sampling temperature", None),
    _call("top_p", "number", lambda call: call.top_p, "nucleus", None),
    _call("seed", "flag", lambda call: call.seed is not None, "true where a sampling seed is given"),
    _call("logprobs", "flag", lambda call: call.logprobs, "true where log-probabilities are asked for"),
    _call("top_logprobs", "number", lambda call: call.top_logprobs, "alternatives per token asked for"),
    _call("biased", "flag", lambda call: call.biased, "true where the call carries a logit bias"),
    _call("structured", "flag", lambda call: call.structured, "true where a JSON schema or JSON mode is asked for"),
    _call("tools", "number", lambda call: len(call.tools), "tools offered"),
    _call("turns", "number", lambda call: len(call.turns), "messages in the conversation, without system text"),
    _call("input_tokens", "number", lambda call: call.input_tokens, "estimated tokens of the input"),
)


# --- about who asks --------------------------------------------------------------------------------------------------


def _subject(name: str, type: FactType, part: Callable[[Any], Any], description: str) -> Fact:
    read: Read = lambda facts: None if facts.subject is None else part(facts.subject)  # noqa: E731
    return Fact(name, type, "request", read, description)


def attribute(name: str) -> Fact:
    """The fact that reads an attribute of the account."""
    return Fact(f"attribute.{name}", "text", "request", _attribute(name), f"the account's attribute `{name}`", attribute=name)


def _attribute(name: str) -> Read:
    def read(facts: Facts) -> str | None:
        value = None if facts.subject is None else facts.subject.attributes.get(name)
        return value if isinstance(value, str) else None  # a host may attest anything under any name

    return read


_created = _attribute("created")


def _age(facts: Facts) -> float | None:
    created = _created(facts)
    since = _timestamp(created) if created else None
    return None if since is None else max(0.0, (facts.now - since) / DAY)


@lru_cache(maxsize=4096)
def _timestamp(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


AGE = Fact("account.age_days", "number", "request", _age, "days since its attribute `created` (ISO 8601)", low=0, attribute="created")
"""Age of the account, in days."""

_SUBJECT = (
    _subject("account", "text", lambda subject: subject.account, "id of the account, as events name it; known also before it is proven"),
    _subject("proven", "flag", lambda subject: subject.proven, "true once the host, a trusted peer or an answer confirmed the account"),
    _subject("fingerprint", "text", lambda subject: subject.fingerprint, "likeness of the client family"),
    _subject("network", "text", lambda subject: subject.network, "keyed id of the client's network"),
    Fact("org", "text", "request", _attribute("org"), "the account's organisation: its attribute `org`", attribute="org"),
    AGE,
)


# --- about what was assessed -----------------------------------------------------------------------------------------


def _assessed(name: str, type: FactType, part: Callable[[Any], Any], description: str, high: float | None = None) -> Fact:
    read: Read = lambda facts: None if facts.assessment is None else part(facts.assessment)  # noqa: E731
    whose = _WHOSE.get(name)
    return Fact(name, type, "assessment", read, description, 0 if type == "number" else None, high, whose=whose)


def _account(facts: Facts) -> str:
    return facts.assessment.account if facts.assessment is not None else ""


def _campaign_id(facts: Facts) -> str:
    """Members of a campaign share its thresholds, or they would be met one by one."""
    return facts.assessment.campaign.id if facts.assessment is not None and facts.assessment.campaign is not None else ""


def _sub_identity(facts: Facts) -> str:
    return facts.sub.account if facts.sub is not None else ""


_WHOSE: dict[str, Callable[[Facts], str]] = {"risk": _account, "campaign.risk": _campaign_id, "sub.risk": _sub_identity}


def _campaign(name: str, type: FactType, part: Callable[[Any], Any], description: str, high: float | None = None) -> Fact:
    def read(assessment: Any) -> Any:
        return None if assessment.campaign is None else part(assessment.campaign)

    return _assessed(f"campaign.{name}", type, read, description, high)


def family(name: str) -> Fact:
    """The fact that tells whether a family of evidence speaks against the account."""
    description = f"true where {name} evidence speaks against the account"
    return _assessed(f"family.{name}", "flag", lambda assessment: name in assessment.families, description)


def signal(name: str) -> Fact:
    """The fact that reads what a signal found."""

    def read(assessment: Any) -> float | None:
        return next((evidence.weight for evidence in assessment.evidence if evidence.signal == name), None)

    fact = _assessed(f"signal.{name}", "number", read, f"weight of the evidence of {name}, in nats; negative speaks for the account")
    return Fact(fact.name, fact.type, fact.cause, fact.read, fact.description)


def _sub(name: str, part: Callable[[Any], Any], description: str, high: float | None = None) -> Fact:
    read: Read = lambda facts: None if facts.sub is None else part(facts.sub)  # noqa: E731
    return Fact(
        f"sub.{name}", "number", "assessment", read, description, 0, high, attribute="sub_identity", whose=_WHOSE.get(f"sub.{name}")
    )


_ASSESSMENT = (
    _assessed("risk", "number", lambda assessment: assessment.risk, "risk that the account extracts the model, 0 to 1", 1),
    _assessed("families", "number", lambda assessment: len(assessment.families), "families of evidence against the account, 0 to 5", 5),
    _assessed("requests", "number", lambda assessment: assessment.requests, "requests that the assessment rests on"),
    _sub("risk", lambda assessment: assessment.risk, "risk that the attested sub-identity extracts the model, 0 to 1", 1),
    _sub("families", lambda assessment: len(assessment.families), "families of evidence against the attested sub-identity, 0 to 5", 5),
    _sub("requests", lambda assessment: assessment.requests, "requests that its assessment rests on"),
    _campaign("id", "text", lambda campaign: campaign.id, "the campaign that the account belongs to"),
    _campaign("risk", "number", lambda campaign: campaign.risk, "risk that the campaign extracts the model, 0 to 1", 1),
    _campaign("accounts", "number", lambda campaign: campaign.accounts, "accounts in the campaign"),
)


# --- about quotas ----------------------------------------------------------------------------------------------------


def used(name: str) -> Fact:
    """The fact that reads how far a quota is spent."""
    return Fact(f"quota.{name}.used", "number", "quota", _quota(name, _used), f"spent share of the quota {name}, 0 to 1", 0, 1)


def breached(name: str) -> Fact:
    """The fact that tells whether the request broke a quota."""
    description = f"true where the request did not fit into the quota {name}"
    return Fact(f"quota.{name}.breached", "flag", "quota", _quota(name, lambda state: state.breached), description)


def _quota(name: str, part: Callable[[QuotaState], Any]) -> Read:
    def read(facts: Facts) -> Any:
        state = None if facts.quotas is None else facts.quotas.get(name)
        return None if state is None else part(state)

    return read


def _used(state: QuotaState) -> float:
    return 1.0 - min(1.0, state.remaining / max(1, state.scope.quota.burst))


FACTS: dict[str, Fact] = {fact.name: fact for fact in (*_REQUEST, *_SUBJECT, *_ASSESSMENT)}
"""Facts with fixed names."""
