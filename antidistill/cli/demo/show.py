"""The demo from start to end."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from antidistill.cli.demo.gateway import guarded
from antidistill.cli.demo.keep import Keepsake
from antidistill.cli.demo.ledger import Ledger, Phase
from antidistill.cli.demo.population import customers
from antidistill.cli.demo.report import report
from antidistill.cli.demo.server import model_server, served
from antidistill.cli.demo.traffic import Traffic
from antidistill.model import Mode
from antidistill.opening import open_guard

POLICY = Path(__file__).with_name("policy.yaml")


def perform(seconds: float, keep: Path | None) -> None:
    """Runs both phases and prints the report.

    Args:
        seconds: Time for both together.
        keep: Folder for what is to be kept, or None.

    Raises:
        OSError: The folder cannot be written, or no port of the loopback interface is free.
    """
    logging.getLogger("antidistill.events").addHandler(logging.NullHandler())  # the report tells it better
    people = customers()
    ledger = Ledger(people)
    keepsake = None if keep is None else Keepsake(keep, POLICY)
    guard = open_guard(POLICY, None, environ={"ANTIDISTILL_MASTER_KEY": secrets.token_hex(32)}, hooks=[ledger.hear])
    watchers = [ledger.watch] if keepsake is None else [ledger.watch, keepsake.watch]
    keys = {customer.key for customer in people}
    with served(guarded(model_server(keys.__contains__), guard, people, watchers)) as (url, loop):
        enforce = guard.policy.with_mode(Mode.ENFORCE)
        phases = asyncio.run(_phases(Traffic(url, people), ledger, seconds / 2, lambda: loop.call_soon_threadsafe(guard.adopt, enforce)))
    events = [event for phase in phases for event in phase.events]
    if keepsake is not None:
        keepsake.write(events)
    Console(width=None if Console().is_terminal else 120).print(report(ledger, *phases, ledger.suspects(events, guard.latest), keep))


async def _phases(traffic: Traffic, ledger: Ledger, seconds: float, enforce: Callable[[], object]) -> tuple[Phase, Phase]:
    """The same clients, before and after the policy is put in force."""
    try:
        shadow = await _phase(traffic, ledger, seconds, "shadow mode")
        enforce()
        return shadow, await _phase(traffic, ledger, seconds, "enforce mode")
    finally:
        await traffic.close()


async def _phase(traffic: Traffic, ledger: Ledger, seconds: float, name: str) -> Phase:
    start = time.perf_counter()
    with _telling(f"{name}: {len(ledger.customers)} accounts call for {seconds:g} s"):
        calls = await traffic.flow(seconds)
    return Phase(time.perf_counter() - start, calls, ledger.cut())


@contextmanager
def _telling(text: str) -> Iterator[None]:
    """Says on stderr what is going on; on a terminal only for as long as it does."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(text):
            yield
    else:
        console.print(text)
        yield
