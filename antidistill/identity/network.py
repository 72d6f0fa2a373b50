"""Where a request comes from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from antidistill.keyring import Keyring

Address: TypeAlias = IPv4Address | IPv6Address

UNKNOWN = "unknown"
"""The network of requests whose server does not tell the peer."""

_REMEMBERED = 32_768
_MOST_FORWARDED = 512  # bytes from the right: more than any chain of trusted proxies needs


class Networks:
    """Names the network of a client: its IPv4 address, or the /64 around its IPv6 address, as a keyed id.

    Args:
        trusted: Networks of proxies that are believed about where a request came from.
        keyring: Where ids come from.
    """

    def __init__(self, trusted: Sequence[str], keyring: Keyring) -> None:
        self._trusted = tuple(ip_network(network, strict=False) for network in trusted)
        self._keyring = keyring
        self._trusts = lru_cache(_REMEMBERED)(self._look_up)
        self._named = lru_cache(_REMEMBERED)(self._name)

    def trusts(self, peer: str | None) -> bool:
        """Says whether a peer is a trusted proxy."""
        return bool(self._trusted) and peer is not None and self._trusts(peer)

    def name(self, peer: str | None, forwarded: bytes = b"") -> str:
        """Returns the id of the client's network.

        Args:
            peer: Address of the socket peer.
            forwarded: All values of X-Forwarded-For, joined by commas. Read from the right while hops are trusted proxies,
                so that what a client wrote itself never counts.
        """
        return UNKNOWN if peer is None else self._named(peer, forwarded[-_MOST_FORWARDED:])

    def _name(self, peer: str, forwarded: bytes) -> str:
        address = self._client(peer, forwarded.decode("latin-1"))
        if address is None:  # a name or a socket path
            return self._keyring.name("net", b"other" + peer.encode("utf-8", "surrogatepass"))
        return self._keyring.name("net", address.packed if isinstance(address, IPv4Address) else address.packed[:8])

    def _client(self, peer: str, forwarded: str) -> Address | None:
        client = read_address(peer)
        hops = reversed(forwarded.split(","))
        while client is not None and self._is_proxy(client):
            nearer = read_address(next(hops, ""))
            if nearer is None:
                break
            client = nearer
        return client

    def _look_up(self, peer: str) -> bool:
        address = read_address(peer)
        return address is not None and self._is_proxy(address)

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def read_address(hop: str) -> Address | None:
    """Reads an address as servers and proxies write it: perhaps with a port, brackets, quotes or a zone, or IPv4 within IPv6.

    Returns:
        The address, or None for anything else.
    """
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
