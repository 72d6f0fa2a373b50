"""`antidistill mark`: mark texts in a file as the middleware would."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from antidistill.cli.marking import add_policy, load
from antidistill.cli.rows import Row, Rows, watched
from antidistill.cli.trouble import reported
from antidistill.watermark.choice import Report
from antidistill.watermark.marker import DEPLOYMENT, Marker


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "mark",
        help="mark texts for their accounts",
        description="Put the mark of its account into the text of every row, as the middleware does to answers while they stream.",
        epilog='Rows are JSON objects with "text" and "account", one a line, plain or gzip; "prompt" tells what a text repeats and must '
        'not change, "campaign" whose mark tier 2 adds. All other fields and the order stay. Broken rows are named and go out as they are.',
    )
    parser.add_argument("input", type=Path, metavar="IN.jsonl", help="the rows")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.jsonl", help="where the marked rows go")
    parser.add_argument(
        "--tier", type=int, choices=(1, 2), default=1, help="1 varies near-ties for the account, 2 all classes, some for the campaign"
    )
    add_policy(parser)
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Marks the rows; 1 where some were broken."""
    marker = load(args).marker()
    rows = Rows(args.input, ("text", "account"))
    if args.out.exists() and args.out.samefile(args.input):
        raise OSError(0, "is read already; write to another file", str(args.out))
    total = Report()
    with args.out.open("wb") as out:
        for row in watched(rows, "marking"):
            out.write((row.raw if row.fault else _marked(row, marker, args.tier, total)) + b"\n")
    print(
        f"{rows.count - rows.broken:,} texts marked, {rows.broken:,} broken rows passed as they are; {total.words:,} words, "
        f"{total.carried:,} of {total.wanted:,} places carry the mark ({100 * total.carried / max(1, total.words):.1f} per 100 words), "
        f"{total.changed:,} changed, {total.protected:,} protected, {total.skipped:,} in no language that the lexicon knows"
    )
    return 1 if rows.broken else 0


def _marked(row: Row, marker: Marker, tier: int, total: Report) -> bytes:
    text, account = row.text("text") or "", row.text("account") or ""
    embedder = marker.begin(account, tier, row.text("campaign") or DEPLOYMENT, row.text("prompt") or "")
    marked = embedder.feed(text) + embedder.flush()
    for name in Report.__struct_fields__:
        setattr(total, name, getattr(total, name) + getattr(embedder.report, name))
    return row.raw if marked == text else row.with_text("text", marked)
