"""`antidistill trace`: which accounts did this corpus come from?"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from rich.console import Console, Group
from rich.table import Table

from antidistill.cli.marking import add_policy, add_since, epochs, load
from antidistill.cli.retrieval import add_retrieval, retrieve
from antidistill.cli.rows import Row, Rows, progress
from antidistill.cli.trouble import reported
from antidistill.watermark.lexicon import Lexicon
from antidistill.watermark.slots import Slot, read
from antidistill.watermark.trace import FDR, Suspect, Trace, trace

WIDTH = 120
SHOWN = 20
"""Accounts that the report shows; the file has all."""


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "trace",
        help="trace a leaked corpus to accounts",
        description="Weigh a corpus against the mark of every account: which of them did its texts come from, and how surely?",
        epilog='Rows of the corpus are JSON objects with "text", and where texts belong together "thread", one a line, plain or gzip; '
        "broken ones are named and left out. The account file has one account a line.",
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS.jsonl", help="the texts")
    parser.add_argument("--accounts", type=Path, required=True, metavar="accounts.txt", help="every account that was issued a mark")
    parser.add_argument("--out", type=Path, required=True, metavar="suspects.jsonl", help="a row for each account with any evidence")
    parser.add_argument(
        "--fdr", type=float, default=FDR, help="share of innocents among the accused, in expectation and at most (default: %(default)s)"
    )
    add_retrieval(parser)
    add_since(parser)
    add_policy(parser)
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Traces the corpus."""
    if not 0 < args.fdr < 1:
        print(f"antidistill trace: --fdr must be above 0 and below 1, such as 0.01, not {args.fdr:g}", file=sys.stderr)
        return 2
    marking, accounts, rows = load(args), _accounts(args.accounts), Rows(args.corpus)
    with args.out.open("wb") as out:
        with progress("reading") as (bar, task):
            texts = _texts(rows, marking.lexicon, lambda count: bar.update(task, total=rows.size, completed=rows.position, count=count))
            found = trace(
                texts,
                accounts,
                marking.ring,
                epochs(args.since),
                tenant=marking.config.tenant,
                fdr=args.fdr,
                progress=lambda share: bar.update(task, description="tracing", total=1.0, completed=share),
            )
        _write(found, out)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(report(found, rows.broken))
    if args.retrieval:
        console.print("", retrieve(args, marking.keyring, accounts))
    return 0


def _accounts(path: Path) -> list[str]:
    """The accounts listed, each once."""
    lines = path.read_text("utf-8-sig", "surrogateescape").splitlines()
    names = [line.strip() for line in lines if line.strip()]
    unique = list(dict.fromkeys(names))
    if not unique:
        raise OSError(0, "lists no account: write one a line", str(path))
    if len(unique) < len(names):
        print(f"{path}: {len(names) - len(unique):,} lines repeat an account and count once", file=sys.stderr)
    return unique


def _texts(rows: Rows, lexicon: Lexicon, tell: Any) -> Iterator[tuple[list[Slot], str]]:
    for row in rows:
        if not row.fault:
            yield read(row.text("text") or "", lexicon), thread(row)
        if rows.count % 64 == 0:
            tell(rows.count)


def thread(row: Row) -> str:
    """The thread of a text, or nothing; a number will do as well as a word."""
    text = row.text("thread")
    raw = bytes(row.fields.get("thread", b"null"))
    return text if text is not None else "" if raw == b"null" else raw.decode("utf-8", "replace")


def _write(found: Trace, out: BinaryIO) -> None:
    for suspect in found.suspects:
        out.write(msgspec.json.encode(suspect) + b"\n")


# --- the report ------------------------------------------------------------------------------------------------------


def report(found: Trace, broken: int) -> Group:
    """What an investigator wants to know."""
    return Group(_summary(found, broken), "", _suspects(found, found.suspects[:SHOWN]), "", _meaning(found))


def _summary(found: Trace, broken: int) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("texts", f"{found.texts:,}, {broken:,} broken rows left out")
    table.add_row("places that can carry a mark", f"{found.slots:,}")
    table.add_row("accounts tried", f"{found.accounts:,}, each under {found.keys:,} keys")
    table.add_row("accused", f"{len(found.accused):,}, of whom at most {found.false_accusations:.2f} are innocent, in expectation")
    table.add_row("keys never issued", f"{found.controls:,} tried; the most evidence against one is 10^{found.control:.1f}")
    return table


def _suspects(found: Trace, suspects: Iterable[Suspect]) -> Table | str:
    if not found.suspects:
        return "No evidence against any account."
    table = Table("account", "accused", box=None, pad_edge=False)
    for column in ("evidence", "p-value", "texts", "texts still wanting"):
        table.add_column(column, justify="right")
    for suspect in suspects:
        missing = found.missing(suspect)
        wanting = "" if suspect.accused else "cannot be told" if missing is None else f"{missing:,}"
        row = (f"10^{suspect.log10_e:.1f}", f"{suspect.p_value:.1e}", f"{suspect.texts:,}", wanting)
        table.add_row(suspect.account, "yes" if suspect.accused else "no", *row)
    return table


def _meaning(found: Trace) -> str:
    return (
        "Evidence is how many times likelier the corpus is if answers to the account are in it. Who is accused follows from the evidence "
        f"of all accounts together, so that at most a share of {found.fdr:g} of the accused is innocent. No evidence does not mean that "
        "nothing was taken: a paraphrase removes the mark."
    )
