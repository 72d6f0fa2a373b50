"""The values that rooms hand to one another: frozen, made of data, without behaviour of their own."""

from __future__ import annotations

from antidistill.model.assessment import SUB, Assessment, Campaign, Evidence, Past
from antidistill.model.decision import Decision, Event, Facts, Match
from antidistill.model.effect import UNAVAILABLE, Delay, Effect, Limits, Mark, Notice, Redact, Refusal, Rewrite, TextTransformer, Transform
from antidistill.model.exchange import NOBODY, Answer, Call, Exchange, Reply, Request, Subject, Turn, Usage
from antidistill.model.quota import Breaches, Quota, QuotaState, Reservation, Scope
from antidistill.model.words import (
    RESTRICT,
    Algorithm,
    BodyState,
    Cause,
    Clock,
    EffectClass,
    Family,
    Mode,
    OnStoreError,
    Per,
    Trend,
    Unit,
)

__all__ = [
    "NOBODY",
    "RESTRICT",
    "SUB",
    "UNAVAILABLE",
    "Algorithm",
    "Answer",
    "Assessment",
    "BodyState",
    "Breaches",
    "Call",
    "Campaign",
    "Cause",
    "Clock",
    "Decision",
    "Delay",
    "Effect",
    "EffectClass",
    "Event",
    "Evidence",
    "Exchange",
    "Facts",
    "Family",
    "Limits",
    "Mark",
    "Match",
    "Mode",
    "Notice",
    "OnStoreError",
    "Past",
    "Per",
    "Quota",
    "QuotaState",
    "Redact",
    "Refusal",
    "Reply",
    "Request",
    "Reservation",
    "Rewrite",
    "Scope",
    "Subject",
    "TextTransformer",
    "Transform",
    "Trend",
    "Turn",
    "Unit",
    "Usage",
]
