from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.errors import KeyringError
from antidistill.keyring import FILE_VARIABLE, VARIABLE, Keyring, hkdf

OLD, NEW = bytes(range(32)), bytes(range(32, 64))

# RFC 5869, appendix A: key, salt, info, length, output.
RFC_5869 = {
    "basic": (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    "long": (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    "without salt and info": (
        "0b" * 22,
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
}


@pytest.mark.parametrize(("key", "salt", "info", "output"), RFC_5869.values(), ids=RFC_5869)
def test_derivation_matches_the_vectors_of_rfc_5869(key, salt, info, output):
    derived = hkdf(bytes.fromhex(key), bytes.fromhex(info), bytes.fromhex(salt), len(output) // 2)

    assert derived.hex() == output


def test_an_id_is_the_same_in_every_process_with_the_key():
    script = f"from antidistill.keyring import Keyring; print(Keyring([{OLD!r}]).name('acct', b'value'))"
    elsewhere = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()

    assert elsewhere == Keyring([OLD]).name("acct", b"value") == "acct_13cjpfsa5vi6blrx6"


def test_a_derived_secret_never_changes_between_versions():
    assert Keyring([OLD]).derive("jitter").hex() == "af15b4097f1fa54b93a2ad6f347d2f9624522a7ac4efce76658e240b82b086b1"


def test_an_id_shows_that_the_key_was_rotated():
    before, after = Keyring([OLD]).name("acct", b"value"), Keyring([OLD, NEW]).name("acct", b"value")

    assert (before[:6], after[:6]) == ("acct_1", "acct_2")
    assert before[6:] != after[6:]


def test_ids_of_different_kinds_do_not_match():
    ring = Keyring([OLD])

    assert ring.name("acct", b"value").split("_")[1] != ring.name("net", b"value").split("_")[1]


@given(st.lists(st.binary(max_size=80), min_size=2, max_size=20, unique=True))
def test_different_values_have_different_ids_of_one_shape(values):
    ids = {Keyring([OLD]).name("acct", value) for value in values}

    assert len(ids) == len(values)
    assert all(len(name) == 22 and set(name[6:]) <= set("abcdefghijklmnopqrstuvwxyz234567") for name in ids)


def test_secrets_differ_by_purpose_and_by_key():
    ring = Keyring([OLD, NEW])

    assert len({ring.derive("sketch"), ring.derive("jitter"), ring.derive("sketch", 0)}) == 3
    assert ring.derive("sketch", 0) == Keyring([OLD]).derive("sketch")
    assert ring.derive("sketch", 1) == ring.derive("sketch")


def test_without_configuration_the_key_is_random_and_ephemeral():
    one, other = Keyring.load({}), Keyring.load({VARIABLE: " "})

    assert one.ephemeral
    assert one.name("acct", b"value") != other.name("acct", b"value")


def test_keys_are_read_from_the_environment_oldest_first():
    ring = Keyring.load({VARIABLE: f"{OLD.hex()}, {NEW.hex().upper()}"})

    assert len(ring) == 2
    assert not ring.ephemeral
    assert ring.name("acct", b"value") == Keyring([OLD, NEW]).name("acct", b"value")


def test_keys_are_read_from_a_file_one_a_line(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"{OLD.hex()}\n{NEW.hex()}\n")

    assert Keyring.load({FILE_VARIABLE: str(file)}).derive("sketch") == Keyring([OLD, NEW]).derive("sketch")


BAD_KEYS = {
    "not hexadecimal": ("c0ffee" * 10 + "zz", "not hexadecimal"),
    "odd number of digits": ("c0ffee" * 10 + "c", "not hexadecimal"),
    "too short": ("c0ffee" * 5, "too short: 16 bytes"),
    "second key bad": (OLD.hex() + ",c0ffee", "master key 2 is too short"),
    "same key twice": (OLD.hex() + "," + OLD.hex(), "twice"),
    "only commas": (",,", "no master key"),
}


@pytest.mark.parametrize(("text", "message"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_bad_key_is_refused_without_showing_it(text, message):
    with pytest.raises(KeyringError, match=message) as caught:
        Keyring.load({VARIABLE: text})

    assert "c0ffee" not in str(caught.value)
    assert OLD.hex()[:6] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_in_the_variable_for_files_is_not_shown():
    with pytest.raises(KeyringError, match="cannot be read") as caught:
        Keyring.load({FILE_VARIABLE: OLD.hex()})

    assert OLD.hex()[:6] not in str(caught.value)


def test_a_file_that_is_not_text_is_refused_without_showing_it(tmp_path):
    file = tmp_path / "keys"
    file.write_bytes(b"\xff\xfe" + OLD)

    with pytest.raises(KeyringError, match="not text"):
        Keyring.load({FILE_VARIABLE: str(file)})


def test_an_empty_file_is_refused(tmp_path):
    file = tmp_path / "keys"
    file.touch()

    with pytest.raises(KeyringError, match="no master key"):
        Keyring.load({FILE_VARIABLE: str(file)})


def test_both_variables_at_once_are_refused():
    with pytest.raises(KeyringError, match="unset one"):
        Keyring.load({VARIABLE: OLD.hex(), FILE_VARIABLE: "/run/keys"})


def test_nothing_of_a_key_is_in_the_representation():
    assert repr(Keyring([OLD, NEW])) == "Keyring(2 keys, ephemeral=False)"
