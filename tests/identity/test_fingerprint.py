from __future__ import annotations

import pytest

from antidistill.identity.fingerprint import Fingerprints
from antidistill.keyring import Keyring

SDK = {
    "host": "api.example",
    "accept-encoding": "gzip, deflate",
    "authorization": "Bearer secret-1",
    "accept": "application/json",
    "content-type": "application/json",
    "user-agent": "OpenAI/Python 2.54.0",
    "x-stainless-lang": "python",
    "x-stainless-package-version": "2.54.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "CPython",
    "x-stainless-async": "false",
    "x-stainless-retry-count": "0",
    "content-length": "60",
}


def encode(headers):
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


def fingerprint(headers):
    fingerprints = Fingerprints(Keyring([bytes(range(32))]), {b"authorization", b"x-forwarded-for"})
    material, _ = fingerprints.scan(encode(headers))
    return fingerprints.name(material)


SAME = {
    "a retry": {"x-stainless-retry-count": "2"},
    "an idempotency key": {"idempotency-key": "stainless-python-retry-1"},
    "another account": {"authorization": "Bearer secret-2"},
    "another way of giving the secret": {"x-api-key": "secret-1"},
    "another host": {"host": "other.example"},
    "another body": {"content-length": "6000", "content-type": "application/json; charset=utf-8"},
    "a minor version": {"user-agent": "OpenAI/Python 2.60.1", "x-stainless-package-version": "2.60.1"},
    "a stream helper": {"x-stainless-helper-method": "stream", "x-stainless-stream-helper": "messages"},
    "hops on the way": {
        "x-forwarded-for": "198.51.100.7",
        "x-forwarded-proto": "https",
        "via": "1.1 edge",
        "cf-ray": "8f",
        "x-real-ip": "1",
    },
    "tracing": {"traceparent": "00-1-2-01", "x-request-id": "r1", "x-amzn-trace-id": "Root=1"},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_is_of_one_request_or_added_on_the_way_changes_nothing(change):
    assert fingerprint(SDK | change) == fingerprint(SDK)


OTHER = {
    "a major version": {"user-agent": "OpenAI/Python 3.0.0", "x-stainless-package-version": "3.0.0"},
    "another client": {"user-agent": "python-httpx/0.28.1"},
    "another operating system": {"x-stainless-os": "MacOS"},
    "another architecture": {"x-stainless-arch": "arm64"},
    "another runtime": {"x-stainless-runtime": "PyPy"},
    "another loop": {"x-stainless-async": "async:asyncio"},
    "another encoding": {"accept-encoding": "gzip, deflate, zstd"},
    "a header of its own": {"x-app": "bench"},
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_is_of_the_client_makes_another_family(change):
    assert fingerprint(SDK | change) != fingerprint(SDK)


def test_the_order_of_header_names_makes_another_family():
    assert fingerprint(dict(reversed(SDK.items()))) != fingerprint(SDK)


def test_versions_of_browsers_count_by_their_first_number():
    old = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.6099.109 Safari/537.36"

    assert fingerprint(SDK | {"user-agent": old}) == fingerprint(SDK | {"user-agent": old.replace("6099.109", "6100.1")})
    assert fingerprint(SDK | {"user-agent": old}) != fingerprint(SDK | {"user-agent": old.replace("120", "121")})


def test_the_headers_to_collect_are_collected_in_order():
    fingerprints = Fingerprints(Keyring([bytes(32)]), {b"x-forwarded-for"})

    _, found = fingerprints.scan(((b"x-forwarded-for", b"1.1.1.1"), (b"accept", b"*/*"), (b"x-forwarded-for", b"2.2.2.2")))

    assert found == {b"x-forwarded-for": [b"1.1.1.1", b"2.2.2.2"]}


def test_a_request_without_headers_has_a_fingerprint():
    assert fingerprint({}).startswith("fp_1")


def test_made_up_header_names_do_not_fill_the_memory():
    fingerprints = Fingerprints(Keyring([bytes(32)]), ())
    for number in range(10_000):
        fingerprints.scan(((b"x-%d" % number, b""), (b"y" * 1_000 + b"%d" % number, b"")))

    assert len(fingerprints._uses) <= 4_096
    assert max(map(len, fingerprints._uses)) <= 64
