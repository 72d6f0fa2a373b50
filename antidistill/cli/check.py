"""`antidistill check`: is a policy fine, and what of an app does it cover?"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import Any

from antidistill import plugins
from antidistill.cli.routes import AppError, load_app, routes
from antidistill.dialects import Routes
from antidistill.errors import PolicyError, describe
from antidistill.model import Mode
from antidistill.policy import Policy, load_policy

_EFFECT = {
    Mode.OFF: "Off: nothing is evaluated",
    Mode.SHADOW: "Shadow mode records what would be done and changes nothing",
    Mode.ENFORCE: "What breaks a quota or matches a rule is acted upon",
}
_UNMATCHED = {
    "pass": "they pass untouched",
    "meter": "quotas on requests count them, but nothing in them is read",
    "deny": "they are denied",
}


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "check",
        help="check a policy",
        description="List every mistake in a policy as FILE:LINE:COLUMN CODE MESSAGE; docs/policy.md explains the codes.",
    )
    parser.add_argument("policy", nargs="?", metavar="POLICY", help="the policy file; without one, the built-in policy is checked")
    parser.add_argument("--app", metavar="MODULE:APP", help="also list the routes of this ASGI app that no dialect reads")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Checks the policy, then the app."""
    try:
        policy = load_policy(args.policy, os.environ)
    except PolicyError as error:
        print(error)
        return 1
    name = args.policy or "default.yaml"
    for problem in policy.warnings:
        print(describe(name, problem))
    print(_summary(name, policy))
    return 0 if args.app is None else _check_app(args.app, policy)


def _summary(name: str, policy: Policy) -> str:
    parts = [_count(len(policy.quotas), "quota"), _count(len(policy.rules), "rule"), _count(len(policy.warnings), "warning")]
    modes = [part.mode for part in policy.quotas] + [part.mode for part in policy.rules]
    enforced = f"{modes.count(Mode.ENFORCE)} of {len(modes)} quotas and rules enforce"
    return f"{name} is fine: mode {policy.mode}, {', '.join(parts)}. {_EFFECT[policy.mode]}; {enforced}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _check_app(target: str, policy: Policy) -> int:
    try:
        app = load_app(target)
    except AppError as error:
        print(error, file=sys.stderr)
        return 1
    dialects = Routes(plugins.dialects_of(policy.dialects))
    unread = [(method, path) for method, path in routes(app) if dialects.match(method, path) is None]
    for method, path in unread:
        print(f"{method} {path} is read by no dialect")
    if unread:
        fate = f"with unmatched: {policy.unmatched}, {_UNMATCHED[policy.unmatched]}"
        print(f"{_count(len(unread), 'route')} without a dialect; {fate}.")
    else:
        print(f"Every POST and websocket route of {target} is read by a dialect.")
    return 0
