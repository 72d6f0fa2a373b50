"""From matches to events."""

from __future__ import annotations

from typing import Any

from antidistill.model import Assessment, Delay, Effect, Event, Match, Notice, Redact, Refusal, Request, Rewrite, Subject


def report(request: Request, subject: Subject, match: Match, assessment: Assessment | None) -> Event:
    """Tells of one match on one request."""
    return Event(
        id=request.id,
        ts=request.ts,
        account=subject.account,
        rule=match.rule,
        action=match.action,
        effect=match.kind,
        cause=match.cause,
        enforced=match.enforced,
        fingerprint=subject.fingerprint,
        network=subject.network,
        path=request.path,
        detail=_facts(match.effect) | (_why(assessment) if match.cause == "assessment" else {}),
    )


def flag(tick: str, ts: float, account: str | None, rule: str, assessment: Assessment | None) -> Event:
    """Tells that a rule which reads an assessment newly matches for an account."""
    return Event(tick, ts, account, rule, "flag", "observe", "assessment", True, detail=_why(assessment))


def _facts(effect: Effect) -> dict[str, Any]:
    match effect:
        case Refusal():
            return {"status": effect.status, "retry_after": effect.retry_after, "unit": effect.unit}
        case Delay():
            return {"seconds": effect.seconds}
        case Rewrite():
            return {"caps": dict(effect.caps)}
        case Redact():
            return {"fields": sorted(effect.fields)}
        case Notice():
            return dict(effect.data)
        case _:
            return {}


def _why(assessment: Assessment | None) -> dict[str, Any]:
    if assessment is None:
        return {}
    against = [evidence for evidence in assessment.evidence if evidence.weight > 0]
    return {
        "risk": round(assessment.risk, 4),
        "trend": assessment.trend,
        **({"sub_identity": assessment.sub} if assessment.sub else {}),
        "families": list(assessment.families),
        "signals": [evidence.signal for evidence in against],
        "reasons": [evidence.reason for evidence in against],
        "campaign": assessment.campaign.id if assessment.campaign is not None else None,
        "campaign_accounts": assessment.campaign.accounts if assessment.campaign is not None else None,
    }
