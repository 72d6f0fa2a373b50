"""The command `antidistill`: one module per sub-command, each with `add(subparsers)` and `run(args) -> int`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from antidistill import __version__
from antidistill.cli import assess, audit_model, check, demo, detect, explain, mark, replay, schema, seeds, trace

__all__ = ["main"]

_COMMANDS = (check, schema, replay, assess, explain, seeds, mark, detect, trace, audit_model, demo)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: Its arguments; by default those of the process.

    Returns:
        The exit status: 0 where all is well, 1 where the command found something wrong, 2 where it was called wrongly.
    """
    parser = ArgumentParser(prog="antidistill", description="Meter, recognise and answer model distillation through your own API.")
    parser.add_argument("--version", action="version", version=f"antidistill {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(subparsers)
    args = parser.parse_args(argv)
    status: int = args.run(args)
    return status
