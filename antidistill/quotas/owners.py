"""Whose counters a request draws on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from antidistill.identity.sub_identities import SubIdentities
from antidistill.model import Call, Per, Subject
from antidistill.quotas.keys import Key
from antidistill.quotas.memberships import Memberships

Values: TypeAlias = dict[Per, str | None]

REST = "rest"
"""The name that all further sub-identities of an account share."""

_HOME, _SUB_IDENTITY = "\0home", "\0sub_identity"  # no id of a quota has such a character


class Owner(Struct, frozen=True):
    """Values of everything that quotas count by.

    Attributes:
        values: By the word that policies use; None where one is not known.
        home: Where the counters of the account are kept together.
        only: Counts for those quotas alone that count by it; None for whom the request itself is of.
        age: Seconds since the request would have been the owner's own.
    """

    values: Values
    home: str = ""
    only: Per | None = None
    age: float = 0.0


class Owners:
    """Names the owners of the counters of a request. Remembers sub-identities and campaigns of accounts, within bounds.

    Args:
        key: Hash that names counters.
        bound: Accounts that are remembered.
    """

    def __init__(self, key: Key, bound: int) -> None:
        self._key = key
        self._sub_identities = SubIdentities(bound)
        self._memberships = Memberships(bound)

    def of(self, subject: Subject, call: Call | None, campaign: str | None, now: float, sub_identities: int) -> tuple[Owner, ...]:
        """Lists the owners: first those that the request is charged to besides, and last the one that it is of.

        Other accounts whose secrets a request presents are charged for what counts by account. Where an account came to another
        campaign, as it does when campaigns merge, the campaign that it was in is charged as well: nobody is forgiven.

        Args:
            subject: Who it is counted for.
            call: The call, where a dialect read one.
            campaign: The campaign that the account belongs to.
            now: Unix seconds.
            sub_identities: Those of one account that are counted apart in a day; 0 to count none.
        """
        account, org = subject.account, subject.attributes.get("org")
        claimed = _named(subject, call) if sub_identities else None
        values: Values = {
            "account": account,
            "fingerprint": subject.fingerprint,
            "network": subject.network,
            "org": org if isinstance(org, str) else None,  # a host may attest anything under any name
            "model": call.model if call is not None else None,
            "campaign": campaign,
            "sub_identity": self._sub_identity(account, claimed, now, sub_identities) if claimed and account else None,
        }
        own = Owner(values, self._key(_HOME, account) if account else "")
        if not subject.others and campaign is None:
            return (own,)
        others = (self._other(values, other, claimed, now, sub_identities) for other in subject.others)
        return (*others, *self._former(own, now), own)

    def _sub_identity(self, account: str, claimed: str, now: float, most: int) -> str:
        name = self._key(_SUB_IDENTITY, claimed)
        return name if self._sub_identities.admit(account, name, now, most) else REST

    def _other(self, values: Values, account: str, claimed: str | None, now: float, most: int) -> Owner:
        sub_identity = self._sub_identity(account, claimed, now, most) if claimed else None
        return Owner({**values, "account": account, "sub_identity": sub_identity}, self._key(_HOME, account), "account")

    def _former(self, own: Owner, now: float) -> Iterator[Owner]:
        account, campaign = own.values["account"], own.values["campaign"]
        if account is not None and campaign is not None:
            for former, age in self._memberships.former(account, campaign, now):
                yield Owner({**own.values, "campaign": former}, own.home, "campaign", age)


def _named(subject: Subject, call: Call | None) -> str | None:
    """The sub-identity: what the host or a trusted edge says goes before what the client claims."""
    attested = subject.attributes.get("sub_identity")
    if isinstance(attested, str) and attested:
        return attested
    return call.sub_identity if call is not None else None
