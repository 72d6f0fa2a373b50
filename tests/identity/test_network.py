from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.identity.network import UNKNOWN, Networks, read_address
from antidistill.keyring import Keyring

KEYRING = Keyring([bytes(range(32))])
PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48")


def networks(trusted=PROXIES):
    return Networks(trusted, KEYRING)


def of(address):
    return Networks((), KEYRING).name(address)


WRITTEN = {
    "198.51.100.7": "198.51.100.7",
    " 198.51.100.7 ": "198.51.100.7",
    "198.51.100.7:51234": "198.51.100.7",
    "2001:db8::7": "2001:db8::7",
    "[2001:db8::7]": "2001:db8::7",
    "[2001:db8::7]:443": "2001:db8::7",
    '"[2001:db8::7]:443"': "2001:db8::7",
    "fe80::1%eth0": "fe80::1",
    "::ffff:198.51.100.7": "198.51.100.7",
    "[::ffff:198.51.100.7]:80": "198.51.100.7",
    "": "None",
    "unknown": "None",
    "_hidden": "None",
    "999.1.1.1": "None",
    "for=198.51.100.7": "None",
    "[2001:db8::7": "2001:db8::7",
    "198.51.100.7, 10.0.0.1": "None",
}


@pytest.mark.parametrize(("text", "address"), WRITTEN.items(), ids=repr)
def test_an_address_is_read_as_servers_and_proxies_write_it(text, address):
    assert str(read_address(text)) == address


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_addresses(text):
    read_address(text)
    networks().name("10.0.0.1", text.encode("utf-8"))
    networks().name(text)


WALKS = {
    "no header": ("10.0.0.1", b"", "10.0.0.1"),
    "one proxy": ("10.0.0.1", b"198.51.100.7", "198.51.100.7"),
    "two proxies": ("10.0.0.1", b"198.51.100.7, 10.0.0.2", "198.51.100.7"),
    "spoofed left-most hop": ("10.0.0.1", b"203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
    "spoofed trusted hop behind the client": ("10.0.0.1", b"203.0.113.9, 10.9.9.9, 198.51.100.7", "198.51.100.7"),
    "client within the trusted network": ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
    "garbage ends the walk": ("10.0.0.1", b"198.51.100.7, banana, 10.0.0.2", "10.0.0.2"),
    "nothing but garbage": ("10.0.0.1", b"banana", "10.0.0.1"),
    "ports and brackets": ("10.0.0.1", b"[2001:db8::7]:443, 10.0.0.2:8080", "2001:db8::7"),
    "mapped proxy": ("::ffff:10.0.0.1", b"198.51.100.7", "198.51.100.7"),
    "proxy with an IPv6 address": ("2001:db8:ffff::1", b"198.51.100.7", "198.51.100.7"),
    "untrusted peer": ("203.0.113.9", b"198.51.100.7", "203.0.113.9"),
}


@pytest.mark.parametrize(("peer", "forwarded", "client"), WALKS.values(), ids=WALKS)
def test_the_client_is_the_right_most_hop_that_is_no_trusted_proxy(peer, forwarded, client):
    assert networks().name(peer, forwarded) == of(client)


def test_addresses_of_one_ipv6_network_are_one():
    assert of("2001:db8:1:2::1") == of("2001:db8:1:2:ffff::9") != of("2001:db8:1:3::1")


def test_every_ipv4_address_is_its_own_network():
    assert of("198.51.100.7") != of("198.51.100.8")


def test_an_id_does_not_show_the_address():
    assert of("198.51.100.7").startswith("net_1")
    assert of("198.51.100.7") != Networks((), Keyring([bytes(32)])).name("198.51.100.7")


def test_a_server_that_does_not_tell_the_peer_has_an_unknown_network():
    assert networks().name(None) == UNKNOWN


def test_a_peer_that_is_no_address_still_has_a_network():
    assert networks().name("testclient") == of("testclient") != of("other")


def test_a_very_long_chain_of_hops_is_read_from_the_right():
    assert networks().name("10.0.0.1", b"1.1.1.1, " * 10_000 + b"198.51.100.7") == of("198.51.100.7")


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("testclient", False), (None, False)],
)
def test_a_peer_is_trusted_by_its_network(peer, trusted):
    assert networks().trusts(peer) is trusted
    assert not networks(trusted=()).trusts(peer)
