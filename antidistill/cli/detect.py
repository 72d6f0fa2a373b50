"""`antidistill detect`: were these texts marked for this account?"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from antidistill.cli.marking import add_policy, add_since, epochs, load
from antidistill.cli.rows import Rows
from antidistill.cli.trouble import reported
from antidistill.watermark.detect import NULL, detect
from antidistill.watermark.lexicon import Lexicon
from antidistill.watermark.slots import Slot, read

JSON_LINES = (".jsonl", ".jsonl.gz", ".ndjson")


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "detect",
        help="test texts for the mark of one account",
        description="Test whether texts carry the mark of an account: an exact p-value over the randomness of keys.",
        epilog="Files that end in .jsonl or .jsonl.gz have a text in the field `text` of every row; any other file is one text.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the texts, taken together")
    parser.add_argument("--account", required=True, metavar="ID", help="the account, as events name it")
    parser.add_argument("--json", action="store_true", help="print the finding as JSON")
    add_since(parser)
    add_policy(parser)
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Tests the texts and prints the finding; 0 whatever it is."""
    marking = load(args)
    lexicon = marking.lexicon  # read once, whatever the number of files
    texts = (slots for path in args.files for slots in _texts(path, lexicon))
    found = detect(texts, args.account, marking.ring, epochs(args.since), tenant=marking.config.tenant)
    if args.json:
        print(msgspec.json.encode({**msgspec.structs.asdict(found), "p_value": found.p_value, "null": NULL}).decode())
    else:
        print(f"{found.describe()}\n\n{NULL}")
    return 0


def _texts(path: Path, lexicon: Lexicon) -> Iterator[list[Slot]]:
    if path.name.endswith(JSON_LINES):
        for row in Rows(path):
            if not row.fault:
                yield read(row.text("text") or "", lexicon)
    else:
        yield read(path.read_text("utf-8", "replace"), lexicon)
