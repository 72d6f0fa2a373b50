"""`antidistill demo`: a guarded model server, honest customers and some who copy the model, and what comes of it."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SECONDS = 36.0
SHORTEST = 4.0

_NEEDED = ("openai", "uvicorn")


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "demo",
        help="watch it work",
        description="Serve a small model on the loopback interface behind antidistill, let honest and copying clients call it, first in "
        "shadow mode and then in enforce mode, and report what was seen and done. Nothing leaves this machine.",
    )
    parser.add_argument("--seconds", type=_seconds, default=SECONDS, metavar="N", help=f"time for both phases together ({SECONDS:g})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the traffic log, the policy and the events in this folder")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Runs the demo; 1 where something that it needs is missing, 2 where it cannot write what it is to keep."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(f"antidistill demo needs {' and '.join(missing)}: pip install 'antidistill[demo]'", file=sys.stderr)
        return 1
    from antidistill.cli.demo.show import perform

    try:
        perform(args.seconds, args.keep)
    except OSError as error:
        print(f"antidistill demo: {error.filename or 'the loopback interface'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not SHORTEST <= seconds <= 3600:
        raise ArgumentTypeError(f"must be a number of seconds from {SHORTEST:g} to 3600, not {text!r}")
    return seconds
