"""`antidistill seeds`: filters of corpora that models are trained on."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from antidistill.cli.rows import Rows, watched
from antidistill.cli.trouble import reported
from antidistill.text.seeds import RATE, build

JSON_LINES = (".jsonl", ".jsonl.gz", ".ndjson")


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser("seeds", help="make a filter of known seed corpora", description="Filters of known seed corpora.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    maker = commands.add_parser(
        "build",
        help="make a filter",
        description="Make a filter of the wording of corpora, which the policy names in assessment.seeds: the signal `seeds` counts the "
        "prompts that hold some of it. The corpora cannot be read back from it; whether a text is in them can.",
        epilog="Files that end in .jsonl or .jsonl.gz have their texts in fields of every row; any other file has one text a line.",
    )
    maker.add_argument("corpora", nargs="+", type=Path, metavar="CORPUS", help="the corpora")
    maker.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the filter goes")
    maker.add_argument("--field", action="append", metavar="NAME", help="field with texts, may be given again (default: text)")
    maker.add_argument("--rate", type=_rate, default=RATE, help="share of unknown wording that may pass for known (default: %(default)s)")
    maker.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Makes the filter and tells its size."""
    fields = tuple(args.field or ("text",))

    def texts() -> Iterator[str]:
        for path in args.corpora:
            yield from _texts(path, fields)

    header = build(texts, args.out, args.rate, tuple(path.name for path in args.corpora))
    size = args.out.stat().st_size
    print(f"{args.out}: {header.texts:,} texts, {header.runs:,} runs of words, {size / 1e6:,.1f} MB.")
    print(f"At most {header.rate:g} of other wording passes for known. Name it in the policy: assessment: {{seeds: [{args.out}]}}")
    return 0


def _texts(path: Path, fields: tuple[str, ...]) -> Iterator[str]:
    if path.name.endswith(JSON_LINES):
        for row in watched(Rows(path, wants=()), path.name):
            yield from (text for field in fields if (text := row.text(field)))
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file


def _rate(text: str) -> float:
    rate = float(text)
    if not 1e-12 <= rate <= 0.1:
        raise ArgumentTypeError("it must be between 1e-12 and 0.1, for example 1e-6")
    return rate
