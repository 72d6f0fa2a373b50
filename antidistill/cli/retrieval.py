"""`antidistill trace --retrieval`: which texts of the corpus resemble answers that were served?"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Group
from rich.table import Table

from antidistill.cli.rows import Rows, watched
from antidistill.keyring import Keyring
from antidistill.watermark.fingerprints import segments
from antidistill.watermark.likeness import LEAST
from antidistill.watermark.retrieval import Likeness, Retrieval, by_account

SHOWN = 20
"""Accounts that the report shows; the file has every text."""
CAUTION = (
    "Likeness says that wording is shared, not why. Of pairs of answers that different models gave to one prompt, 1.5 in 100 are as like "
    "as what is listed here (they share a quarter of their runs of three words); of answers to different prompts, fewer than one pair in a "
    "million. A text that is as like answers to several accounts counts for none of them. This is a lead, not a proof: read the texts "
    "before you accuse."
)


def add_retrieval(parser: Any) -> None:
    """Adds the option that names the store."""
    parser.add_argument(
        "--retrieval",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="fingerprints of served answers (watermark.fingerprints.file of the policy, or its segments): list texts that resemble one",
    )


def retrieve(args: Namespace, keyring: Keyring, accounts: Sequence[str]) -> Group:
    """Looks the corpus up in the store, writes a row for every text that resembles an answer, and reports.

    Raises:
        OSError: There is no store, or it cannot be read.
    """
    files = list(chain.from_iterable(_segments(path) for path in args.retrieval))
    retrieval, rows = Retrieval(keyring), Rows(args.corpus, quiet=True)
    for row in watched(rows, "fingerprinting"):
        retrieval.add(row.text("text") or "", row.number)
    found = list(retrieval.find(files, accounts))
    out = args.out.with_name(f"{args.out.stem}.likeness.jsonl")
    out.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in found))
    return Group(_summary(retrieval.texts, found, out), "", _accounts(found), "", CAUTION)


def _segments(path: Path) -> list[Path]:
    if not (found := segments(path)):
        raise OSError(0, "is no store of fingerprints; name the file as the policy does, or its segments", str(path))
    return found


def _summary(texts: int, found: Sequence[Likeness], out: Path) -> str:
    alone = sum(not each.rivals for each in found)
    return (
        f"{len(found):,} of {texts:,} texts of {LEAST} words or more resemble an answer that was served, {alone:,} of them that of one "
        f"account alone: {out}"
    )


def _accounts(found: Sequence[Likeness]) -> Table | str:
    ranked = by_account(found)
    if not ranked:
        return "No text resembles an answer to one account alone."
    table = Table("account", box=None, pad_edge=False)
    table.add_column("texts most like its answers", justify="right")
    table.add_column("greatest likeness", justify="right")
    for account, texts, likeness in ranked[:SHOWN]:
        table.add_row(account, f"{texts:,}", f"{likeness:.2f}")
    return table
