"""Evidence to risk: bounded log-likelihood ratios, added up. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec.structs import replace

from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import BOUND
from antidistill.model import Assessment, Campaign, Evidence, Family, Past, Trend

PRIOR = math.log(1 / 999)
"""Log-odds before any evidence: one account in a thousand, about the base rate of card fraud."""

FAMILY_BOUND = 5.0
"""Most that a family weighs, in nats either way. One family alone reaches a risk of 0.13."""

FAMILY_FLOOR = 0.5
"""Weight from which a family speaks against an account."""

NOTICEABLE = 0.01
"""Change of risk that is worth telling."""

TELLING = 0.25
"""Change of log-odds that is worth telling: small risks are told apart, too."""

KNOWN = 10
"""Requests from which on an account is assessed, whatever there is to say."""


DAY = 86_400.0
"""Age of the risk, in seconds, that the trend is told from."""

TURNING = math.log(2)
"""Change of log-odds in a day that is a trend: the odds double or halve."""


def assess(profile: Profile, evidence: Iterable[Evidence], ts: float, campaign: Campaign | None = None) -> Assessment:
    """Assesses an account.

    Args:
        profile: The account.
        evidence: What the signals said; what is not finite is left out, what is out of bounds is cut.
        ts: Unix seconds of the assessment.
        campaign: The campaign it belongs to.
    """
    usable = bounded(evidence)
    weights = weigh(usable)
    return Assessment(
        account=profile.account,
        ts=ts,
        risk=risk(weights),
        families=tuple(
            sorted((family for family, weight in weights.items() if weight >= FAMILY_FLOOR), key=lambda family: -weights[family])
        ),
        evidence=usable,
        requests=profile.requests,
        first_seen=profile.first_seen,
        campaign=campaign,
    )


def follow(before: Assessment | None, after: Assessment) -> Assessment:
    """Tells where an assessment comes from and tends to. Pure.

    An account of which nothing was known had the risk of anybody.

    Args:
        before: The assessment of the account that was told last, or None.
        after: The assessment as it stands by itself.
    """
    past = _past(before, after.ts)
    return replace(after, past=past, trend=_trend(past[0].risk, after.risk))


def noticeable(before: Assessment | None, after: Assessment) -> bool:
    """Says whether an assessment is worth telling after the one before."""
    if before is None:
        return after.risk >= NOTICEABLE or after.campaign is not None or after.requests >= KNOWN
    if after.families != before.families or after.campaign != before.campaign or after.trend != before.trend:
        return True
    if abs(after.risk - before.risk) >= NOTICEABLE or abs(math.log(after.risk / before.risk)) >= TELLING:
        return True
    # A family that is full hides what else speaks: new evidence is news even where it adds nothing to the risk.
    return len(after.evidence) > len(before.evidence)


def bounded(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Evidence within what one signal may weigh, weightiest first."""
    usable = (_cut(piece) for piece in evidence if math.isfinite(piece.weight))
    return tuple(sorted(usable, key=lambda piece: (-piece.weight, piece.signal)))


def weigh(evidence: Iterable[Evidence]) -> dict[Family, float]:
    """What each family weighs, within `FAMILY_BOUND`."""
    weights: dict[Family, float] = {}
    for piece in evidence:
        weights[piece.family] = weights.get(piece.family, 0.0) + piece.weight
    return {family: _clip(weight, FAMILY_BOUND) for family, weight in weights.items()}


def risk(weights: dict[Family, float]) -> float:
    """Probability of extraction, 0 to 1: logistic of the prior and the weights of all families."""
    return 1 / (1 + math.exp(-PRIOR - math.fsum(weights.values())))


def _past(before: Assessment | None, now: float) -> tuple[Past, ...]:
    if before is None:
        return (Past(now, risk({})),)
    latest, past = Past(before.ts, before.risk), before.past
    if not past or latest.ts <= now - DAY:
        return (latest,)
    if len(past) == 1:
        return (past[0], latest)
    return (past[1], latest) if past[1].ts <= now - DAY else past


def _trend(before: float, after: float) -> Trend:
    change = _log_odds(after) - _log_odds(before)
    return "steady" if abs(change) < TURNING else "rising" if change > 0 else "falling"


def _log_odds(risk: float) -> float:
    return math.log(risk / (1 - risk))


def _cut(piece: Evidence) -> Evidence:
    weight = _clip(piece.weight, BOUND)
    return piece if weight == piece.weight else Evidence(piece.signal, piece.family, weight, piece.reason)


def _clip(weight: float, bound: float) -> float:
    return min(bound, max(-bound, weight))
