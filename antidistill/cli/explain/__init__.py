"""`antidistill explain`: who is this, what was done about it, and why?"""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from antidistill.cli.explain.case import Case, gather
from antidistill.cli.explain.sources import sort
from antidistill.cli.explain.words import explanation
from antidistill.cli.trouble import reported
from antidistill.errors import AntiDistillError
from antidistill.policy import load_policy

_EXAMPLES = 5


class UnknownName(AntiDistillError):
    """A name that none of the files has."""


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "explain",
        help="explain an account or a decision",
        description="Tell in plain words what is known of an account, what was or would have been done about it, which rule wanted "
        "that and why, what would change it, and what honest use looks like it.",
        epilog="What a file is shows in its first line: traffic logs and records are replayed under the policy; files that replay wrote "
        "(--accounts, --campaigns, --decisions) and the alert file of a running app are taken as they are. Give as many as you have.",
    )
    parser.add_argument("name", metavar="ACCOUNT|DECISION", help="an account, or the id of a decision, as logs, alerts and replay name it")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a log, a record, an alert file, or what replay wrote")
    parser.add_argument("--policy", metavar="POLICY", help="the policy in force; without one, the built-in policy")
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Prints the explanation; 2 where the files do not know the name."""
    policy = load_policy(args.policy, os.environ)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="antidistill-")))
        found = gather(args.name, sort(args.files, policy, folder))
    if not found.known:
        raise UnknownName(_advice(found))
    print(explanation(found, policy))
    return 0


def _advice(found: Case) -> str:
    names = ", ".join(found.others[:_EXAMPLES]) or "nobody"
    return (
        f"{found.name}: none of these files has an account or decision of that name; they know {names} and the like. Names are those that "
        "logs, alerts and replay print; for a decision, give the alert file, what replay wrote as --decisions, or the log itself"
    )
