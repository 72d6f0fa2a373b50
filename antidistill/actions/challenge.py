"""`challenge`: ask the client to prove anew who it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Literal

from msgspec import Struct

from antidistill.model import EffectClass, Facts, Refusal

STEP_UP = 'Bearer error="insufficient_user_authentication", error_description="Sign in again to go on"'
"""A challenge as OAuth clients know it (RFC 9470)."""

_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Challenge(Struct, frozen=True, forbid_unknown_fields=True):
    """Refuses until whoever holds the account has signed in again: for keys that seem to have changed hands.

    The rule has to read something that the host changes then, such as an attribute of the account; else it refuses for good.

    Attributes:
        status: 401 (sign in again) or 403 (signing in here does not help).
        message: What the client reads. It should say where to go, and not what was detected.
        authenticate: Value of the header www-authenticate, which a 401 must have.
    """

    name: ClassVar[str] = "challenge"
    kind: ClassVar[EffectClass] = "restrict"

    status: Literal[401, 403] = 401
    message: str = "Please sign in again to go on: this key is in use in an unusual way. Contact the operator and quote the request id."
    authenticate: str = STEP_UP

    def problems(self) -> Iterable[str]:
        """Wants a message, and a header that can be sent."""
        if not self.message.strip():
            yield "challenge.message must not be empty; leave it out for the built-in text"
        if not _VALUE.fullmatch(self.authenticate):
            yield "challenge.authenticate must be one line of ASCII, for example Bearer; leave it out for a step-up challenge (RFC 9470)"

    def effect(self, facts: Facts, rule: str) -> Refusal:
        """The refusal; the dialect words it."""
        return Refusal(self.status, "challenge", self.message, headers=(("www-authenticate", self.authenticate),))
