from __future__ import annotations

import msgspec
import pytest

from antidistill.identity import Identity, IdentityConfig, validate
from antidistill.keyring import Keyring

BAD = {
    "no source": ({"account": []}, ("account",), "at least one source"),
    "unknown source": ({"account": ["principal", "barer"]}, ("account", 1), "unknown source 'barer'"),
    "header without a name": ({"account": ["header:"]}, ("account", 0), "header:NAME"),
    "header with a space": ({"account": ["header:x api key"]}, ("account", 0), "header:NAME"),
    "bearer written as a header": ({"account": ["header:Authorization"]}, ("account", 0), "write bearer"),
    "source twice": ({"account": ["bearer", "bearer"]}, ("account", 1), "twice"),
    "bad network": ({"trusted_proxies": ["10.0.0.0/8", "10.0.0.0/33"]}, ("trusted_proxies", 1), "not a network"),
    "host name as network": ({"trusted_proxies": ["proxy.internal"]}, ("trusted_proxies", 0), "not a network"),
    "attribute from nowhere": ({"attributes": {"org": "x-org-id"}}, ("attributes", "org"), "write header:NAME"),
    "attribute from a secret": ({"attributes": {"key": "header:Cookie"}}, ("attributes", "key"), "secret"),
    "attribute from the account's secret": (
        {"account": ["header:x-litellm-api-key"], "attributes": {"key": "header:x-litellm-api-key"}},
        ("attributes", "key"),
        "secret",
    ),
}


@pytest.mark.parametrize(("section", "path", "message"), BAD.values(), ids=BAD)
def test_a_mistake_is_found_at_its_place(section, path, message):
    ((found, text),) = validate(msgspec.convert(section, IdentityConfig))

    assert found == path
    assert message in text


def test_all_mistakes_are_found_at_once():
    config = IdentityConfig(account=("bear",), trusted_proxies=("x",), attributes={"org": "y"})

    assert [path for path, _ in validate(config)] == [("account", 0), ("trusted_proxies", 0), ("attributes", "org")]


def test_the_defaults_have_no_mistake():
    assert validate(IdentityConfig()) == []


def test_a_whole_section_is_read():
    section = {
        "account": ["trusted-header:X-User", "bearer"],
        "trusted_proxies": ["10.0.0.1", "2001:db8::/32", "192.168.1.7/16"],
        "attributes": {"org": "header:x-org-id"},
        "confirm": "always",
    }

    assert validate(msgspec.convert(section, IdentityConfig)) == []


@pytest.mark.parametrize("section", [{"acount": []}, {"confirm": "maybe"}, {"max_accounts": 0}, {"proof_ttl": 0}], ids=str)
def test_what_has_the_wrong_shape_is_refused(section):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(section, IdentityConfig)


def test_a_mistake_cannot_be_put_in_force():
    with pytest.raises(ValueError, match="unknown source 'bear'"):
        Identity(IdentityConfig(account=("bear",)), Keyring([bytes(32)]), clock=lambda: 0.0)
