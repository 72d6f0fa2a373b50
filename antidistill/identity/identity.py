"""From a request to its subject."""

from __future__ import annotations

from collections.abc import Mapping

from antidistill.identity.account import Accounts, Identify
from antidistill.identity.config import IdentityConfig, header_of, validate
from antidistill.identity.fingerprint import Fingerprints, Found
from antidistill.identity.network import Networks
from antidistill.identity.proof import Proofs
from antidistill.keyring import Keyring
from antidistill.model import Clock, Request, Subject

_FORWARDED_FOR = b"x-forwarded-for"
_LONGEST_ATTRIBUTE = 256


class Identity:
    """Names the subjects of requests, and remembers which accounts an answer has proven.

    Args:
        config: Where to look.
        keyring: Where ids come from.
        clock: Unix seconds.
        identify: Names the account of a request as the app would, asked before the configured sources; what it says needs no
            proof. `name` raises what it raises.

    Raises:
        ValueError: The configuration has a mistake that `validate` finds.
    """

    def __init__(self, config: IdentityConfig, keyring: Keyring, clock: Clock, identify: Identify | None = None) -> None:
        mistakes = validate(config)
        if mistakes:
            raise ValueError("; ".join(message for _, message in mistakes))
        self._attributes = [(name, header_of(source)[1].encode()) for name, source in config.attributes.items()]
        self._accounts = Accounts(config, keyring, identify)
        self._networks = Networks(config.trusted_proxies, keyring)
        read = {_FORWARDED_FOR, *self._accounts.headers, *(header for _, header in self._attributes)}
        self._fingerprints = Fingerprints(keyring, read)
        self._proofs = Proofs(config.max_accounts, config.proof_ttl, clock)

    def name(self, request: Request) -> Subject:
        """Names the subject of a request."""
        trusted = request.attested or self._networks.trusts(request.peer)
        material, found = self._fingerprints.scan(request.headers)
        attributes = self._attest(request, found) if trusted else request.attributes
        accounts, known = self._accounts.read(request, found, trusted)
        account = accounts[0] if accounts else None
        return Subject(
            account,
            self._fingerprint(material, attributes),
            self._network(request, found, trusted),
            known or (account is not None and account in self._proofs),
            attributes,
            accounts[1:],
        )

    def confirm(self, subject: Subject, status: int) -> bool:
        """Learns from the status of the app's own answer whether an account's secret was good.

        2xx proves the account from now on, 401 and 403 take the proof away, any other status changes nothing. Must not be
        called for answers of ours, nor for routes that the app answers without looking at the secret.

        Returns:
            True where the exchange counts as one of the proven account.
        """
        account = subject.account
        if account is None:
            return False
        proven = account in self._proofs
        if subject.proven and not proven:
            return True  # known without proof
        if 200 <= status < 300:
            self._proofs.add(account)
            return True
        if status in (401, 403):
            self._proofs.revoke(account)
            return False
        return proven

    def _fingerprint(self, material: bytes, attributes: Mapping[str, str]) -> str:
        ja4 = attributes.get("ja4") if attributes else None
        return self._fingerprints.name(b"%s\nja4 %s" % (material, ja4.encode("utf-8", "replace")) if ja4 else material)

    def _network(self, request: Request, found: Found, trusted: bool) -> str:
        if not trusted or request.attested or _FORWARDED_FOR not in found:
            return self._networks.name(request.peer)
        return self._networks.name(request.peer, b",".join(found[_FORWARDED_FOR]))

    def _attest(self, request: Request, found: Found) -> Mapping[str, str]:
        """Facts that the edge asserts, and over them those that the app itself attests."""
        values = {name: _decode(found[header][-1]) for name, header in self._attributes if header in found}
        return {name: value for name, value in values.items() if value} | dict(request.attributes)


def _decode(value: bytes) -> str:
    return value[:_LONGEST_ATTRIBUTE].decode("utf-8", "backslashreplace").strip()
