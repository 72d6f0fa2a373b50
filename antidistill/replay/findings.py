"""What a replay found: one row per account, one per campaign, one per decision, and the counts of every rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import msgspec

from antidistill.model import Assessment, Event, Evidence, Limits, Match
from antidistill.replay.line import Line

FLAG = "flag"
"""Action of the event that tells that a rule which reads an assessment matched."""

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Account:
    """What is remembered of an account.

    Attributes:
        name: The account as the log has it.
        first_seen: Unix seconds of its first request.
        requests: Requests so far.
        worst: The assessment with the highest risk.
        flagged: Unix seconds of the first flag, or None.
        before: Requests before it.
        latest: The latest assessment.
        campaign: The campaign that the latest assessment names, or None.
    """

    name: str
    first_seen: float
    requests: int = 0
    worst: Assessment | None = None
    latest: Assessment | None = None
    flagged: float | None = None
    before: int | None = None
    campaign: str | None = None

    def row(self) -> dict[str, Any]:
        """The account as a line of the accounts file."""
        worst = self.worst or Assessment(self.name, 0.0, 0.0)
        return {
            "account": self.name,
            "score": worst.risk,
            "flagged": self.flagged is not None,
            "first_flagged_ts": self.flagged,
            "requests_before_flag": self.before,
            "requests": self.requests,
            "first_seen_ts": self.first_seen,
            "trend": self.latest.trend if self.latest is not None else "steady",
            "campaign": self.campaign,
            "families": worst.families,
            "evidence": worst.evidence,
        }


@dataclass(slots=True)
class Group:
    """What is remembered of a campaign.

    Attributes:
        id: Its id.
        detected: Unix seconds of the first assessment that named it.
        risk: The highest risk.
        evidence: By signal, when it first linked a member, and the weightiest evidence since.
    """

    id: str
    detected: float
    risk: float = 0.0
    evidence: dict[str, tuple[float, Evidence]] = field(default_factory=dict)

    def learn(self, assessment: Assessment, risk: float) -> None:
        """Takes in the assessment of a member."""
        self.risk = max(self.risk, risk)
        for item in assessment.evidence:
            if item.family == "coordination" and item.weight > 0:
                since, known = self.evidence.get(item.signal, (assessment.ts, item))
                self.evidence[item.signal] = (since, max(known, item, key=lambda found: found.weight))

    def row(self, accounts: Sequence[str]) -> dict[str, Any]:
        """The campaign as a line of the campaigns file."""
        evidence = [{"kind": kind, "ts": ts, "detail": item.reason} for kind, (ts, item) in self.evidence.items()]
        return {"campaign": self.id, "accounts": accounts, "score": self.risk, "first_detected_ts": self.detected, "evidence": evidence}


@dataclass(slots=True)
class Tally:
    """How often a rule or quota did, or would have done, one thing.

    Attributes:
        requests: Requests that it matched.
        accounts: Accounts that it matched.
        did: How often it was carried out.
        would: How often it would have been.
    """

    requests: int = 0
    accounts: set[str] = field(default_factory=set)
    did: int = 0
    would: int = 0


class Findings:
    """Collects while the log goes by. Memory grows with accounts and campaigns, not with requests.

    Args:
        decisions: Where decisions are written as they are made, or None.

    Attributes:
        accounts: By the name that assessments use.
        tallies: By rule and action.
        flags: Accounts flagged, by rule.
        requests: Requests so far.
        first: Unix seconds of the first request.
        last: Unix seconds of the last one.
    """

    def __init__(self, decisions: BinaryIO | None = None) -> None:
        self.accounts: dict[str, Account] = {}
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.flags: dict[str, set[str]] = {}
        self.requests = 0
        self.first = 0.0
        self.last = 0.0
        self._groups: dict[str, Group] = {}
        self._decisions = decisions

    def see(self, line: Line) -> Account:
        """Finds the account of a line, or makes it."""
        if not self.requests:
            self.first = line.ts
        self.requests += 1
        self.last = line.ts
        return self.accounts.setdefault(line.account, Account(line.account, line.ts))

    def decide(self, line: Line, matches: Sequence[Match]) -> None:
        """Notes what a request met."""
        matched = dict.fromkeys((match.rule, match.action) for match in matches)
        for key in matched:
            tally = self.tallies.setdefault(key, Tally())
            tally.requests += 1
            tally.accounts.add(line.account)
        for match in matches:
            if not isinstance(match.effect, Limits):  # a tightened quota does something when it is breached, and says so apart
                self._act(line, match, self.tallies[match.rule, match.action])

    def assess(self, assessments: Sequence[Assessment]) -> None:
        """Notes a round of assessments."""
        for assessment in assessments:
            account = self.accounts.get(assessment.account)
            if account is None:
                continue
            if account.worst is None or assessment.risk > account.worst.risk:
                account.worst = assessment
            account.latest = assessment
            account.campaign = self._join(assessment)

    def hear(self, event: Event) -> None:
        """Takes the guard's events, and notes who was flagged."""
        if event.action != FLAG or event.account is None:
            return
        self.flags.setdefault(event.rule, set()).add(event.account)
        account = self.accounts.get(event.account)
        if account is not None and account.flagged is None:
            account.flagged, account.before = event.ts, account.requests

    def flagged(self) -> list[Account]:
        """Accounts that were flagged, the first one first."""
        found = (account for account in self.accounts.values() if account.flagged is not None)
        return sorted(found, key=lambda account: account.flagged or 0.0)

    def campaigns(self) -> list[dict[str, Any]]:
        """Rows of the campaigns that have members now, the first one found first."""
        members: dict[str, list[str]] = {}
        for account in self.accounts.values():
            if account.campaign is not None:
                members.setdefault(account.campaign, []).append(account.name)
        groups = sorted((self._groups[id] for id in members), key=lambda group: (group.detected, group.id))
        return [group.row(members[group.id]) for group in groups]

    def write_accounts(self, file: BinaryIO) -> None:
        """Writes a line for every account, in the order in which they came."""
        file.writelines(_encode(account.row()) + b"\n" for account in self.accounts.values())

    def write_campaigns(self, file: BinaryIO) -> None:
        """Writes a line for every campaign."""
        file.writelines(_encode(row) + b"\n" for row in self.campaigns())

    def _act(self, line: Line, match: Match, tally: Tally) -> None:
        if match.enforced:
            tally.did += 1
        else:
            tally.would += 1
        if self._decisions is not None:
            row = {"id": line.id, "ts": line.ts, "account": line.account, "rule": match.rule, "action": match.action}
            self._decisions.write(_encode({**row, "effect": match.kind, "cause": match.cause, "enforced": match.enforced}) + b"\n")

    def _join(self, assessment: Assessment) -> str | None:
        campaign = assessment.campaign
        if campaign is None:
            return None
        group = self._groups.setdefault(campaign.id, Group(campaign.id, assessment.ts))
        group.learn(assessment, campaign.risk)
        return campaign.id
