"""Whose request it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from antidistill.identity.config import IdentityConfig, header_of
from antidistill.identity.fingerprint import Found
from antidistill.keyring import Keyring
from antidistill.model import Request

Identify: TypeAlias = Callable[[Request], str | None]
Names: TypeAlias = tuple[str, ...]
_Source: TypeAlias = Callable[[Request, Found, bool], Names]

_MOST_SECRETS = 4
_AUTHORIZATION = b"authorization"
_PRINCIPAL, _SECRET = b"principal\0", b"secret\0"  # as no such byte is in them, no two spaces of names meet


class Accounts:
    """Reads the account of a request from the sources that the policy names, in their order.

    Accounts are keyed ids; only a replayed log's principal is used as it stands. Names that the app or a proxy gives and
    secrets that a client gives are hashed apart, so that nobody can present a secret that collides with a name. A request
    with several different secrets has several accounts, in the order of the sources: which of them the app goes by is unknown, and
    the others could be made up.

    Args:
        config: The sources.
        keyring: Where ids come from.
        identify: Names the account as the app would; asked first.
    """

    def __init__(self, config: IdentityConfig, keyring: Keyring, identify: Identify | None) -> None:
        self._keyring = keyring
        self._identify = identify
        self._secrets = tuple(_secret_headers(config))
        self._sources = tuple(self._compile(config))
        self.headers = {*self._secrets, *(header_of(source)[1].encode() for source in config.account)} - {b""}

    def read(self, request: Request, found: Found, trusted: bool) -> tuple[Names, bool]:
        """Returns the accounts, nearly always one or none, and whether they are known without proof from an answer.

        Args:
            request: The request.
            found: Values of the headers named in `headers`.
            trusted: True where the peer is a trusted proxy.
        """
        if request.attested and request.principal:
            return (request.principal,), True
        for source, known in self._sources:
            if accounts := source(request, found, trusted):
                return accounts, known
        return (), False

    def _compile(self, config: IdentityConfig) -> Iterator[tuple[_Source, bool]]:
        if self._identify:
            yield self._identified, True
        for source in config.account:
            kind, name = header_of(source)
            if source == "principal":
                yield self._principal, True
            elif kind == "trusted-header":
                yield partial(self._asserted, name.encode()), True
            elif config.confirm != "never":
                yield self._secret, config.confirm == "always"

    def _identified(self, request: Request, found: Found, trusted: bool) -> Names:
        return self._named(self._identify(request) if self._identify else None)

    def _principal(self, request: Request, found: Found, trusted: bool) -> Names:
        return self._named(request.principal)

    def _named(self, account: str | None) -> Names:
        return (self._name(_PRINCIPAL, account.encode("utf-8", "surrogatepass")),) if account else ()

    def _asserted(self, header: bytes, request: Request, found: Found, trusted: bool) -> Names:
        # The last value is the one that the nearest proxy added.
        value = found[header][-1].strip() if trusted and header in found else b""
        return (self._name(b"header %s\0" % header, value),) if value else ()

    def _secret(self, request: Request, found: Found, trusted: bool) -> Names:
        secrets = [_read_secret(header, value) for header in self._secrets if header in found for value in found[header]]
        if len(secrets) != 1:
            secrets = list(dict.fromkeys(filter(None, secrets)))[:_MOST_SECRETS]
        return tuple([self._name(_SECRET, secret) for secret in secrets if secret])

    def _name(self, space: bytes, value: bytes) -> str:
        return self._keyring.name("acct", space + value)


def _secret_headers(config: IdentityConfig) -> Iterator[bytes]:
    for source in config.account:
        kind, name = header_of(source)
        if source == "bearer":
            yield _AUTHORIZATION
        elif kind == "header":
            yield name.encode()


def _read_secret(header: bytes, value: bytes) -> bytes:
    """Takes the secret out of a header; the scheme may be missing everywhere but in Authorization."""
    if value.startswith(b"Bearer ") or value[:7].lower() == b"bearer ":
        return value[7:].strip()
    return b"" if header == _AUTHORIZATION else value.strip()
