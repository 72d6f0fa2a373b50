"""`antidistill schema`: the JSON Schema of policies, for editors."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from antidistill.policy import schema


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of policies",
        description="Print the JSON Schema of policies. An editor checks a policy that begins with "
        "'# yaml-language-server: $schema=FILE', where FILE holds the output of this command.",
    )
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Prints the schema."""
    print(json.dumps(schema(), indent=2))
    return 0
