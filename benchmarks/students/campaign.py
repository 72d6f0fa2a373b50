"""Whose answers the students are trained on: many accounts of one campaign, marked with its key."""

from __future__ import annotations

from antidistill.keyring import Keyring
from antidistill.watermark.keys import EPOCH_DAYS, MarkKeys

NAME, STRANGER = "campaign", "another campaign"
ACCOUNTS = 200
"""Accounts that the training text was asked from, each with coins of its own."""
EPOCH = 113
NOW = EPOCH * EPOCH_DAYS * 86_400.0


class Campaign:
    """A campaign under one master key.

    Args:
        number: Another number is another master key.

    Attributes:
        ring: The master key.
        keys: What the mark derives from it.
        coins: The coins that all accounts of the campaign share.
    """

    def __init__(self, number: int = 0) -> None:
        self.ring = Keyring([bytes(range(number, number + 32))])
        self.keys = MarkKeys.ring(self.ring)
        self.coins = self.keys[0].group(NAME, EPOCH)


def account(number: int) -> str:
    """Who was answered with the text of this number."""
    return f"account {number % ACCOUNTS}"
