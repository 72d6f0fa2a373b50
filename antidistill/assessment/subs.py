"""Sub-identities: end users of an account that the host or a trusted edge names. They are assessed apart, and with the account.

What a client claims about its end users is not among them: it could hand out its own work in as many names as it likes.
"""

from __future__ import annotations

from antidistill.model import SUB, Subject
from antidistill.text.sketch import digest

ATTRIBUTE = "sub_identity"
"""The attribute of a request's account that names its end user."""

MOST = 64
"""Sub-identities of one account that are assessed apart in a day; what further ones do counts for the account alone."""


def sub_of(subject: Subject, seed: int) -> int:
    """Hash of the sub-identity that is attested, 0 where there is none."""
    value = subject.attributes.get(ATTRIBUTE) if subject.attributes else None
    return digest(f"sub:{subject.account}:{value}", seed) if isinstance(value, str) and value else 0


def name_of(account: str, sub: int) -> str:
    """What a sub-identity is assessed under."""
    return f"{account}{SUB}{sub:016x}"
