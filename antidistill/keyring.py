"""One ring of master keys, from which every other secret and every id is derived."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from antidistill.errors import KeyringError

VARIABLE = "ANTIDISTILL_MASTER_KEY"
FILE_VARIABLE = "ANTIDISTILL_MASTER_KEY_FILE"
MIN_BYTES = 16
"""A key of 128 bits is the least that cannot be guessed; 32 bytes are usual."""

_ADVICE = "Write keys as hex digits, oldest first, separated by commas or line ends; `openssl rand -hex 32` makes one."
_BASE32 = bytes(b"abcdefghijklmnopqrstuvwxyz234567"[byte % 32] for byte in range(256))


class Keyring:
    """Master keys from oldest to newest. New ids and secrets come from the newest; nothing of a key is ever shown.

    Args:
        keys: The keys, at least `MIN_BYTES` bytes each, none twice. Keep old keys in the list: ids count positions in it.
        ephemeral: True for a key that dies with the process, so that ids differ after a restart.

    Raises:
        KeyringError: There is no key, or one is too short or there twice.
    """

    def __init__(self, keys: Sequence[bytes], ephemeral: bool = False) -> None:
        self._keys = tuple(keys)
        self.ephemeral = ephemeral
        self._derived: dict[tuple[str, int], bytes] = {}
        self._namers: dict[str, tuple[str, blake2b]] = {}
        self._check()

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Keyring:
        """Reads the ring that the environment configures, or makes a random key where it configures none.

        Args:
            environ: Environment variables: `ANTIDISTILL_MASTER_KEY` (hex, several separated by commas) or
                `ANTIDISTILL_MASTER_KEY_FILE` (path of a file with one a line). An empty variable counts as absent.

        Raises:
            KeyringError: Both are set, the file cannot be read, or a key is not hexadecimal, too short or there twice.
        """
        text, path = (environ.get(name, "").strip() for name in (VARIABLE, FILE_VARIABLE))
        if text and path:
            raise KeyringError(f"{VARIABLE} and {FILE_VARIABLE} are both set: unset one of them")
        if not text and not path:
            return cls([secrets.token_bytes(32)], ephemeral=True)
        return cls(_parse(text or _read(path)))

    def derive(self, purpose: str, key: int = -1) -> bytes:
        """Returns the 32 secret bytes for a purpose; secrets of different purposes or keys tell nothing about each other.

        Args:
            purpose: What they are for, such as `jitter`.
            key: Position in the ring, the newest by default.
        """
        place = (purpose, key % len(self._keys))
        if place not in self._derived:
            self._derived[place] = hkdf(self._keys[key], info=b"antidistill/" + purpose.encode())
        return self._derived[place]

    def name(self, kind: str, value: bytes) -> str:
        """Returns the id of a value: `acct_1` and 16 letters and digits, where 1 is the position of the newest key.

        The same value has the same id in every process with the same ring, and nobody without the key can tell the value
        from the id. Ids of different kinds do not match: 80 bits of a BLAKE2b hash, keyed for the kind.
        """
        prefix, keyed = self._namers.get(kind) or self._namer(kind)
        digest = keyed.copy()  # half the price of a new keyed hash
        digest.update(value)
        return prefix + digest.digest().translate(_BASE32).decode()

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"Keyring({len(self)} keys, ephemeral={self.ephemeral})"

    def _namer(self, kind: str) -> tuple[str, blake2b]:
        return self._namers.setdefault(kind, (f"{kind}_{len(self)}", blake2b(digest_size=16, key=self.derive(f"name/{kind}"))))

    def _check(self) -> None:
        if not self._keys:
            raise KeyringError(f"there is no master key. {_ADVICE}")
        for position, key in enumerate(self._keys, 1):
            if len(key) < MIN_BYTES:
                raise KeyringError(
                    f"master key {position} is too short: {MIN_BYTES} bytes ({2 * MIN_BYTES} hex digits) at least. {_ADVICE}"
                )
            if key in self._keys[: position - 1]:
                raise KeyringError(f"master key {position} is in the ring twice: leave it out, or put a new one in its place")


def hkdf(key: bytes, info: bytes = b"", salt: bytes = b"", length: int = 32) -> bytes:
    """Derives `length` bytes from a key for the purpose `info`: HKDF with SHA-256 (RFC 5869)."""
    extracted = hmac.digest(salt, key, "sha256")
    block, derived = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        derived += block
    return derived[:length]


def _read(path: str) -> str:
    # The path is not repeated in the message: it may be the key, set in the wrong variable.
    try:
        return Path(path).read_text("ascii")
    except OSError as error:
        raise KeyringError(f"the file that {FILE_VARIABLE} names cannot be read ({error.strerror}): check path and permissions") from None
    except ValueError:
        raise KeyringError(f"the file that {FILE_VARIABLE} names is not text. {_ADVICE}") from None


def _parse(text: str) -> list[bytes]:
    return [_decode(position, part) for position, part in enumerate(filter(None, re.split(r"[\s,]+", text)), 1)]


def _decode(position: int, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise KeyringError(f"master key {position} is not hexadecimal. {_ADVICE}") from None
