"""Accounts of the generator, and what they send."""

from __future__ import annotations

from random import Random
from typing import TypeAlias

from msgspec import Struct

from benchmarks.assessment.pace import Times

Turns: TypeAlias = list[tuple[str, str]]


class Ask(Struct, array_like=True, gc=False):
    """One call to the model.

    Attributes:
        turns: The conversation: role and text, oldest first.
        system: System text.
        temperature: Sampling temperature, or None to leave it to the server.
        tokens: Tokens of the answer.
        tools: Tools offered.
        extraction: True where the answer is to train another model.
        status: HTTP status of the answer.
    """

    turns: Turns
    system: str = ""
    temperature: float | None = None
    tokens: int = 200
    tools: int = 0
    extraction: bool = False
    status: int = 200


class Sent(Struct, array_like=True, gc=False):
    """An exchange.

    Attributes:
        ts: Unix seconds at which it begins.
        account: Who sends it.
        cohort: Kind of account.
        campaign: Whom it extracts for, or None.
        org: Organisation that the provider knows, or None.
        client: Number of the client software.
        address: Number of the client address.
        ask: What it asks.
    """

    ts: float
    account: str
    cohort: str
    campaign: str | None
    org: str | None
    client: int
    address: int
    ask: Ask


class Source:
    """One account.

    Args:
        account: Its name.
        times: When it asks.
        org: Organisation that the provider knows it by.
        client: Number of the client software.
        address: Number of the client address.
    """

    __slots__ = ("account", "address", "client", "org", "times")
    cohort = ""
    campaign: str | None = None

    def __init__(self, account: str, times: Times, org: str | None = None, client: int = 0, address: int = 0) -> None:
        self.account = account
        self.times = times
        self.org = org
        self.client = client
        self.address = address

    def ask(self, rng: Random, now: float) -> Ask:
        """What it asks now, in seconds from the start. Called once for each of `times`."""
        raise NotImplementedError
