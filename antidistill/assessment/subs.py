"""Sub-identities: end users of an account that the host or a trusted edge names. They are assessed apart, and with the account.

What a client claims about its end users is not among them: it could hand out its own work in as many names as it likes.
"""

from __future__ import annotations

from collections import OrderedDict

from antidistill.model import SUB, Subject
from antidistill.text.sketch import digest

ATTRIBUTE = "sub_identity"
"""The attribute of a request's account that names its end user."""

MOST = 64
"""Sub-identities of one account that are assessed apart in a day; what further ones do counts for the account alone."""

_DAY = 86_400.0


def sub_of(subject: Subject, seed: int) -> int:
    """Hash of the sub-identity that is attested, 0 where there is none."""
    value = subject.attributes.get(ATTRIBUTE) if subject.attributes else None
    return digest(f"sub:{subject.account}:{value}", seed) if isinstance(value, str) and value else 0


def name_of(account: str, sub: int) -> str:
    """What a sub-identity is assessed under."""
    return f"{account}{SUB}{sub:016x}"


class Subs:
    """Says which sub-identities are assessed apart, so that no account takes up all the room.

    Args:
        limit: Most accounts with sub-identities that are remembered; whoever is silent longest is forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(1, limit)
        self._seen: OrderedDict[str, tuple[int, set[int]]] = OrderedDict()

    def admit(self, account: str, sub: int, ts: float) -> bool:
        """Says whether a sub-identity is one of the first of its account today (UTC)."""
        day = int(ts // _DAY)
        known, subs = self._seen.get(account, (day, set()))
        if known < day:
            subs = set()
        self._seen[account] = (max(known, day), subs)
        self._seen.move_to_end(account)
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        if len(subs) < MOST:
            subs.add(sub)
        return sub in subs
