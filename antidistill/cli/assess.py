"""`antidistill assess`: assesses accounts for all workers that share a Redis or Valkey."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from antidistill.cli.trouble import reported
from antidistill.guard import Guard
from antidistill.model import Assessment
from antidistill.opening import open_guard, open_leader

_REFRESH = 2.0


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser: ArgumentParser = subparsers.add_parser(
        "assess",
        help="assess accounts for all workers that share a store",
        description="Read what workers observed from the Redis or Valkey of the policy, assess accounts, let rules fire, and publish "
        "assessments to the workers. Start a second one anywhere, and it stands by and takes over. SIGTERM ends it in good order.",
    )
    parser.add_argument("--policy", metavar="POLICY", help="the policy of the workers; without one, the built-in policy")
    parser.add_argument("--name", default="", help="a name that stays: a process with the name of one that died takes over at once")
    parser.add_argument("--every", type=float, default=60.0, metavar="SECONDS", help="seconds between two snapshots (default 60)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append every assessment that is published, as JSON Lines")
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Assesses until it is told to stop; 2 where the policy, the key or the store cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    guard = open_guard(args.policy, None, environ=os.environ)
    with args.log.open("ab") if args.log else nullcontext() as log:
        asyncio.run(_assess(args, guard, log))
    return 0


async def _assess(args: Namespace, guard: Guard, log: BinaryIO | None) -> None:
    def tell(assessments: Sequence[Assessment]) -> None:
        if log is not None:
            log.writelines(msgspec.json.encode(assessment) + b"\n" for assessment in assessments)
            log.flush()
        guard.publish(assessments)

    leader = open_leader(guard, os.environ, tell, name=args.name, every=args.every)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    refreshing = asyncio.create_task(_refresh(guard))
    await leader.run(stop)
    refreshing.cancel()
    with suppress(asyncio.CancelledError):
        await refreshing
    await guard.meter.close()


async def _refresh(guard: Guard) -> None:
    """Takes up a changed policy."""
    while True:
        await asyncio.sleep(_REFRESH)
        guard.refresh()
