"""Thresholds that nobody can measure: each account finds its own, another one every day."""

from __future__ import annotations

from hashlib import blake2b

DAY = 86_400.0

_RANGE = 1 << 64


class Jitter:
    """Raises thresholds a little, by account and day (UTC).

    Enforcement is an oracle: who has many accounts could learn from which of them are restricted how far to go. Thresholds are raised
    and never lowered, so that no account is flagged by chance.

    Args:
        secret: Key material.
        share: Most that a threshold is raised, as a share of itself.
    """

    def __init__(self, secret: bytes, share: float) -> None:
        self._keyed = blake2b(digest_size=8, key=secret)
        self._share = share

    def __call__(self, threshold: float, name: str, now: float) -> float:
        """Returns the threshold that holds today.

        Args:
            threshold: What the policy says, between 0 and 1. It never comes nearer to 1 than half of the way.
            name: The account or campaign.
            now: Unix seconds.
        """
        digest = self._keyed.copy()
        digest.update(f"{int(now // DAY)} {name}".encode("utf-8", "surrogatepass"))
        part = int.from_bytes(digest.digest()) / _RANGE
        return min(threshold * (1 + self._share * part), (threshold + 1) / 2)
