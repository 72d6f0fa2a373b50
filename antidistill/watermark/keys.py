"""Keys of the mark: which coin an account, or a group of accounts, has at a place in a text.

A place is named by its seed, the class of the variant and the word before; a keyed hash turns the seed into an index, and the key of an
account into one fair coin per index. Seeds that share an index share a coin, so whoever counts coins counts indices.
"""

from __future__ import annotations

import time
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Literal

from antidistill.keyring import Keyring, hkdf
from antidistill.watermark.slots import Slot

EPOCH_DAYS: Final = 183
"""A year touches three epochs at most. Shorter ones would scatter an account's evidence over more keys, each of them tested at a price."""
INDEX_BITS: Final = 16
"""Indices per part, as bits. A text with 40 places loses one to a shared index once in 84 texts; more indices would make tracing dearer."""
BLOCK: Final = 512
"""Coins that one hash gives."""
R_SHARE: Final = 0.4
"""Share of the classes that carry the mark of a group in texts marked at tier 2."""
EVERY, FIRST, SECOND = 0, 1, 2
"""Parts of an account's places: its own at every tier, at tier 1 only (the group has them at tier 2), or at tier 2 only."""

Layer = Literal["A", "R"]
_DAY: Final = 86_400
_CLASSES: Final = 1 << 16
_MARKS: Final = 1 << 12
"""Marks that are remembered, as accounts come back."""


def epoch_of(ts: float) -> int:
    """The number of the epoch at a Unix time, in seconds."""
    return int(ts // (EPOCH_DAYS * _DAY))


def recent_epochs(now: float | None = None, days: float = 365) -> range:
    """Epochs of the days before `now`, a Unix time in seconds (default: the present)."""
    now = time.time() if now is None else now
    return range(epoch_of(now - days * _DAY), epoch_of(now) + 1)


def context(slot: Slot) -> str:
    """What beside the class decides a group's coin: the word before where the class is a habit, which a student often meets; or nothing."""
    return slot.previous if slot.habit else ""


class Coins:
    """The coins of one key: a fair bit for each index, the same whenever asked.

    Over a random key the bits of distinct indices are independent and fair; this is the law that every test of the mark rests on.
    The form is BLAKE2b in counter mode: block `n` holds the bits of the indices from `512 n` on, lowest bit first.
    """

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key)

    def bit(self, index: int) -> int:
        """The coin of an index, 0 or 1."""
        place = index % BLOCK
        return self.block(index // BLOCK)[place >> 3] >> (place & 7) & 1

    def block(self, number: int) -> bytes:
        """64 bytes that hold the coins of 512 indices."""
        keyed = self._keyed.copy()  # cheaper than keying a new hash
        keyed.update(number.to_bytes(4, "little"))
        return keyed.digest()


class MarkKeys:
    """Everything that the mark derives from one master key. Nothing of a key is ever shown.

    Args:
        secret: Secret bytes that belong to the mark alone.
        active: Share of the classes in use. Which they are depends on the secret, so that a reader of the lexicon does not know them.
    """

    def __init__(self, secret: bytes, active: float = 1.0) -> None:
        self._secret = secret
        self._index = blake2b(key=_derive(secret, "index"), digest_size=INDEX_BITS // 8)
        self._active = active
        self._layers: dict[tuple[str, int], Layer | None] = {}
        self._marks = lru_cache(maxsize=_MARKS)(self._mark)

    @classmethod
    def ring(cls, keyring: Keyring, active: float = 1.0) -> tuple[MarkKeys, ...]:
        """Keys of every master key of the ring, newest first: the first marks, all detect."""
        return tuple(cls(keyring.derive("watermark", key=place), active) for place in reversed(range(len(keyring))))

    def account(self, account: str, epoch: int, tenant: str = "") -> Coins:
        """Coins of layer A, by which a text is traced to its account."""
        return Coins(_derive(self._secret, "A", tenant, account, str(epoch)))

    def group(self, name: str, epoch: int) -> Coins:
        """Coins of layer R, which a deployment or a campaign shares, by which a model is traced to its training data."""
        return Coins(_derive(self._secret, "R", name, str(epoch)))

    def coins(self, purpose: str) -> Coins:
        """Coins of the deployment that are neither an account's nor a group's, for a purpose such as a choice between the layers."""
        return Coins(_derive(self._secret, "coins", purpose))

    def mark(self, account: str, epoch: int, tenant: str = "", group: str | None = None) -> Mark:
        """What the embedder asks when it marks an answer to this account, without a group in layer A only."""
        return self._marks(account, epoch, tenant, group)

    def layer(self, cls: str, tier: int) -> Layer | None:
        """The layer that a class serves in texts marked at a tier; None where this deployment leaves it alone."""
        key = (cls, tier)
        if key not in self._layers:
            if len(self._layers) >= _CLASSES:
                self._layers.clear()
            self._layers[key] = self._choose(cls, tier)
        return self._layers[key]

    def part(self, slot: Slot) -> int | None:
        """The part of the account's places that a slot belongs to; None where it is no place of an account."""
        marked = self.layer(slot.cls, 2)
        if slot.tier == 1:
            return None if marked is None else EVERY if marked == "A" else FIRST
        return SECOND if marked == "A" else None

    def index(self, slot: Slot) -> int:
        """The index of a slot's seed for the account: class, word before, and number among those. Parts share no indices."""
        seed = f"{slot.previous}\0{slot.nth}" if slot.nth else slot.previous
        return (self.part(slot) or EVERY) << INDEX_BITS | self._hash(slot.cls, seed)

    def group_index(self, slot: Slot) -> int:
        """The index of a slot's seed for the group: its class and what `context` says. Tiers do not share indices."""
        return (slot.tier - 1) << INDEX_BITS | self._hash(slot.cls, context(slot))

    def _mark(self, account: str, epoch: int, tenant: str, group: str | None) -> Mark:
        return Mark(self, self.account(account, epoch, tenant), None if group is None else self.group(group, epoch))

    def _hash(self, cls: str, previous: str) -> int:
        keyed = self._index.copy()
        keyed.update(f"{cls}\0{previous}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(keyed.digest(), "little")

    def _choose(self, cls: str, tier: int) -> Layer | None:
        drawn = _derive(self._secret, "class", cls)
        if int.from_bytes(drawn[:4], "big") >= self._active * 2**32:
            return None
        return "R" if tier > 1 and int.from_bytes(drawn[4:8], "big") < R_SHARE * 2**32 else "A"


class Mark:
    """Answers which side the mark wants at a slot: the account's coin in layer A, the group's in layer R."""

    __slots__ = ("_account", "_group", "_keys", "_tier")

    def __init__(self, keys: MarkKeys, account: Coins, group: Coins | None) -> None:
        self._keys, self._account, self._group = keys, account, group
        self._tier = 1 if group is None else 2

    def want(self, slot: Slot) -> int | None:
        """0 or 1, or None where the words stay as they are. The same for the same slot, so that repeated answers cannot be averaged."""
        layer = self._keys.layer(slot.cls, self._tier)
        if layer == "A":
            return self._account.bit(self._keys.index(slot))
        return None if layer is None or self._group is None else self._group.bit(self._keys.group_index(slot))


def _derive(secret: bytes, *fields: str) -> bytes:
    return hkdf(secret, info=_join(*fields))


def _join(*fields: str) -> bytes:
    """One byte string for several texts; different lists never give the same."""
    parts = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
