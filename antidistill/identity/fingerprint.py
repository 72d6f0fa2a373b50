"""What the headers of a request say about the software that sent it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

from antidistill.identity.config import SECRETS
from antidistill.keyring import Keyring

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
Found: TypeAlias = Mapping[bytes, list[bytes]]

# What a header is good for: its name tells the client, its value does, it is collected, or it is passed over.
_NAME, _VALUE, _READ, _SKIP = range(4)

_TELLING = """user-agent accept-encoding x-stainless-lang x-stainless-os x-stainless-arch x-stainless-runtime x-stainless-async
x-stainless-package-version"""

# Of one account, one request, one attempt or one body; or added on the way. A retry and another edge must change nothing.
_PASSING = """host content-length content-type content-encoding transfer-encoding expect
openai-organization openai-project openai-beta anthropic-beta
idempotency-key x-idempotency-key x-stainless-retry-count
x-stainless-helper-method x-stainless-stream-helper x-stainless-poll-helper
x-request-id request-id x-correlation-id x-client-request-id traceparent tracestate baggage b3 sentry-trace x-cloud-trace-context
forwarded via x-real-ip true-client-ip x-client-ip x-asn x-country"""

_EDGE = (
    *(b"x-forwarded-", b"x-original-", b"x-envoy-", b"x-amzn-", b"x-amz-cf-", b"cf-", b"cloudfront-", b"fastly-", b"fly-", b"cdn-"),
    *(b"x-azure-", b"x-vercel-", b"x-b3-", b"x-datadog-", b"x-appengine-", b"x-akamai-", b"akamai-"),
)

_VERSION = re.compile(rb"(\d+)(?:\.\d+)+[\w.+-]*")
_REMEMBERED = 4_096
_LONGEST_NAME = 64
_LONGEST_MATERIAL = 2_048


class Fingerprints:
    """Names client families: by the order of header names, and by what the user agent, the SDK and its encodings are.

    It names software, never a person, and anybody can imitate it: evidence for links, no ground for a refusal.

    Args:
        keyring: Where ids come from.
        read: Names of headers to collect, which do not count towards the fingerprint.
    """

    def __init__(self, keyring: Keyring, read: Iterable[bytes]) -> None:
        self._keyring = keyring
        skipped = dict.fromkeys([*_PASSING.split(), *SECRETS], _SKIP)
        uses = skipped | dict.fromkeys(_TELLING.split(), _VALUE)
        self._uses = {name.encode(): use for name, use in uses.items()} | dict.fromkeys(read, _READ)
        self._named = lru_cache(_REMEMBERED)(self._name)

    def scan(self, headers: Headers) -> tuple[bytes, Found]:
        """Goes over the headers once.

        Returns:
            What `name` makes a fingerprint of, and the values of the headers to collect, in order.
        """
        material: list[bytes] = []
        found: dict[bytes, list[bytes]] = {}
        uses = self._uses
        for name, value in headers:
            try:
                use = uses[name]
            except KeyError:
                use = self._learn(name)
            if use == _VALUE:
                material.append(value)
            elif use == _NAME:
                material.append(name)
            elif use == _READ:
                found.setdefault(name, []).append(value)
        return b"\n".join(material), found

    def name(self, material: bytes) -> str:
        """Returns the id of a client family. Versions that differ after the first number make no difference."""
        return self._named(material[:_LONGEST_MATERIAL])

    def _name(self, material: bytes) -> str:
        return self._keyring.name("fp", _VERSION.sub(rb"\1", material))

    def _learn(self, name: bytes) -> int:
        use = _SKIP if name.startswith(_EDGE) else _NAME
        if len(self._uses) < _REMEMBERED and len(name) <= _LONGEST_NAME:
            self._uses[name] = use
        return use
