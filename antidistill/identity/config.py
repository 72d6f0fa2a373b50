"""The `identity:` section of a policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Path: TypeAlias = tuple[str | int, ...]

SECRETS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
"""Headers that carry secrets, whatever the policy says."""

_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")


class IdentityConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who a request is counted for.

    Attributes:
        account: Where the account is read, the first that is there: principal (set by the app before us), bearer (the secret in
            Authorization), header:NAME (a secret in a header) or trusted-header:NAME (an account that a trusted proxy asserts).
            A request with two different secrets names nobody.
        trusted_proxies: Networks whose peers may forward addresses and assert accounts and attributes, such as 10.0.0.0/8.
        attributes: Facts about the account, by name, each as header:NAME; read from trusted proxies only.
        confirm: What proves a secret: 2xx (a successful answer of the app), always (secrets are verified before us) or never
            (nobody verifies them, so that they count for nothing).
        max_accounts: Proven accounts that are remembered.
        proof_ttl: Seconds for which an account stays proven after a successful answer.
    """

    account: tuple[str, ...] = ("principal", "bearer", "header:x-api-key")
    trusted_proxies: tuple[str, ...] = ()
    attributes: dict[str, str] = {}
    confirm: Literal["2xx", "always", "never"] = "2xx"
    max_accounts: Annotated[int, Meta(ge=1, le=10_000_000)] = 200_000
    proof_ttl: Annotated[float, Meta(ge=1, le=31_536_000)] = 86_400.0


def validate(config: IdentityConfig) -> list[tuple[Path, str]]:
    """Finds the mistakes that types cannot tell: for each, its path in the section, and what is wrong and to be written."""
    return [*_account_mistakes(config), *_proxy_mistakes(config), *_attribute_mistakes(config)]


def header_of(source: str) -> tuple[str, str]:
    """Splits `header:NAME` or `trusted-header:NAME` into kind and lower-cased name; the name is empty for anything else."""
    kind, _, name = source.lower().partition(":")
    return kind, name if kind in ("header", "trusted-header") and _NAME.fullmatch(name) else ""


def _account_mistakes(config: IdentityConfig) -> Iterator[tuple[Path, str]]:
    if not config.account:
        yield ("account",), "account is empty; write at least one source, such as bearer"
    for index, source in enumerate(config.account):
        _, name = header_of(source)
        if source in config.account[:index]:
            yield ("account", index), f"{source!r} is there twice; write it once"
        elif source not in ("principal", "bearer") and not name:
            yield ("account", index), f"unknown source {source!r}; write principal, bearer, header:NAME or trusted-header:NAME"
        elif name == "authorization":
            yield ("account", index), f"{source!r} would take the scheme for a part of the secret; write bearer"


def _proxy_mistakes(config: IdentityConfig) -> Iterator[tuple[Path, str]]:
    for index, network in enumerate(config.trusted_proxies):
        try:
            ip_network(network, strict=False)
        except ValueError:
            yield ("trusted_proxies", index), f"{network!r} is not a network; write an address or a range, such as 10.0.0.0/8"


def _attribute_mistakes(config: IdentityConfig) -> Iterator[tuple[Path, str]]:
    secrets = SECRETS | {header_of(source)[1] for source in config.account if header_of(source)[0] == "header"}
    for attribute, source in config.attributes.items():
        kind, name = header_of(source)
        if kind != "header" or not name:
            yield ("attributes", attribute), f"{source!r} is not a header; write header:NAME"
        elif name in secrets:
            yield ("attributes", attribute), f"{name} carries a secret, which must not become an attribute; name another header"
