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
_Source: TypeAlias = Callable[[Request, Found, bool], str | None]

_AUTHORIZATION = b"authorization"
_PRINCIPAL, _SECRET = b"principal\0", b"secret\0"  # as no such byte is in them, no two spaces of names meet


class Accounts:
    """Reads the account of a request from the sources that the policy names, in their order.

    Accounts are keyed ids; only a replayed log's principal is used as it stands. Names that the app or a proxy gives and
    secrets that a client gives are hashed apart, so that nobody can present a secret that collides with a name. A request
    with two different secrets has no account: which of them the app goes by is unknown, and the other could be made up.

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

    def read(self, request: Request, found: Found, trusted: bool) -> tuple[str | None, bool]:
        """Returns the account, if there is one, and whether it is known without proof from an answer.

        Args:
            request: The request.
            found: Values of the headers named in `headers`.
            trusted: True where the peer is a trusted proxy.
        """
        if request.attested and request.principal:
            return request.principal, True
        for source, known in self._sources:
            account = source(request, found, trusted)
            if account:
                return account, known
        return None, False

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

    def _identified(self, request: Request, found: Found, trusted: bool) -> str | None:
        account = self._identify(request) if self._identify else None
        return self._name(_PRINCIPAL, account.encode("utf-8", "surrogatepass")) if account else None

    def _principal(self, request: Request, found: Found, trusted: bool) -> str | None:
        return self._name(_PRINCIPAL, request.principal.encode("utf-8", "surrogatepass")) if request.principal else None

    def _asserted(self, header: bytes, request: Request, found: Found, trusted: bool) -> str | None:
        # The last value is the one that the nearest proxy added.
        value = found[header][-1].strip() if trusted and header in found else b""
        return self._name(b"header %s\0" % header, value) if value else None

    def _secret(self, request: Request, found: Found, trusted: bool) -> str | None:
        secret = b""
        for header in self._secrets:
            for value in found.get(header, ()):
                other = _read_secret(header, value)
                if other and secret and other != secret:
                    return None
                secret = other or secret
        return self._name(_SECRET, secret) if secret else None

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
