"""What is known about accounts."""

from __future__ import annotations

from msgspec import Struct

from antidistill.model.words import Family, Trend

SUB = "\0"
"""Parts the names of an account and of its sub-identity; no name of an account has it."""


class Evidence(Struct, frozen=True, gc=False):
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


class Campaign(Struct, frozen=True, gc=False):
    """Accounts that act as one, as far as an account's assessment needs to know.

    Attributes:
        id: Name of the campaign.
        risk: Its risk, within a hundredth: smaller changes are not told.
        accounts: How many accounts it has, within a quarter.
    """

    id: str
    risk: float
    accounts: int


class Past(Struct, frozen=True, gc=False):
    """A risk as it was once: unix seconds, and the risk."""

    ts: float
    risk: float


class Assessment(Struct, frozen=True, gc=False):
    """What is known about an account.

    Attributes:
        account: The account; with `SUB` and its name, a sub-identity of it.
        ts: Unix seconds of the assessment.
        risk: 0 (nothing) to 1.
        families: Families whose evidence speaks against the account.
        evidence: Evidence of every signal that said anything, weightiest first.
        requests: Requests it rests on.
        first_seen: Unix seconds of the account's first exchange.
        campaign: The campaign it belongs to, or None.
        trend: Whether the odds of the risk have doubled or halved since `past`.
        past: The risk a day ago or two, before which it was unknown; and the one that takes its place tomorrow.
    """

    account: str
    ts: float
    risk: float
    families: tuple[Family, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    requests: int = 0
    first_seen: float = 0.0
    campaign: Campaign | None = None
    trend: Trend = "steady"
    past: tuple[Past, ...] = ()

    @property
    def owner(self) -> str:
        """The account, also of a sub-identity."""
        return self.account.partition(SUB)[0]

    @property
    def sub(self) -> str:
        """Name of the sub-identity, a keyed hash; empty for the account itself."""
        return self.account.partition(SUB)[2]
