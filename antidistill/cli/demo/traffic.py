"""The demo's clients: every account calls through the real `openai` SDK, retries included."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random
from typing import Any

import openai
from openai import AsyncOpenAI

from antidistill.cli.demo.population import Ask, Customer
from antidistill.cli.demo.server import MODEL

GRACE = 1.5
"""Seconds that questions under way may take at the end of a phase."""


@dataclass(slots=True)
class Calls:
    """What became of the calls of one group.

    Attributes:
        asked: Calls made.
        answered: Answered at the first try.
        slowed: Answered after the SDK had waited and tried again.
        refused: Given up by the SDK after its retries.
        failed: Ended by another error.
    """

    asked: int = 0
    answered: int = 0
    slowed: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def obtained(self) -> int:
        """Answers, sooner or later."""
        return self.answered + self.slowed

    @property
    def waiting(self) -> int:
        """Neither answered nor given up at the end: still told to wait."""
        return self.asked - self.obtained - self.refused - self.failed


class Traffic:
    """All customers at once.

    Args:
        base_url: Where the server is.
        customers: Who calls.
        seed: Of the pauses between calls.
    """

    def __init__(self, base_url: str, customers: list[Customer], seed: int = 1) -> None:
        self._client = AsyncOpenAI(base_url=base_url, api_key="none")
        self._customers = customers
        self._random = Random(seed)

    async def flow(self, seconds: float) -> dict[str, Calls]:
        """Lets everybody call for some seconds; returns what became of it, by group."""
        calls = {customer.group.name: Calls() for customer in self._customers}
        deadline = time.monotonic() + seconds
        lanes = [customer for customer in self._customers for _ in range(customer.group.parallel)]
        tasks = [asyncio.create_task(self._drive(customer, calls[customer.group.name], deadline)) for customer in lanes]
        _, late = await asyncio.wait(tasks, timeout=seconds + GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return calls

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _drive(self, customer: Customer, calls: Calls, deadline: float) -> None:
        """One question after the other."""
        client = self._client.with_options(api_key=customer.key)
        while (pause := self._random.expovariate(1 / customer.group.pause)) < deadline - time.monotonic():
            await asyncio.sleep(pause)
            calls.asked += 1
            await self._ask(client, next(customer.asks), calls)

    async def _ask(self, client: AsyncOpenAI, ask: Ask, calls: Calls) -> None:
        try:
            retries = await _call(client, ask)
        except openai.RateLimitError:
            calls.refused += 1
        except openai.OpenAIError:
            calls.failed += 1
        else:
            calls.answered += not retries
            calls.slowed += bool(retries)


async def _call(client: AsyncOpenAI, ask: Ask) -> int:
    """Gets one answer to its end; returns how often the SDK tried again."""
    options: dict[str, Any] = {} if ask.temperature is None else {"temperature": ask.temperature}
    messages: Any = ask.messages
    raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=messages, stream=ask.stream, **options)
    answer: Any = raw.parse()
    if ask.stream:
        async for _ in answer:
            pass
    return raw.retries_taken
