"""`antidistill audit-model`: was this model trained on our marked answers?"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from antidistill.cli.marking import add_policy, add_since, epochs, load
from antidistill.cli.rows import Row, Rows, watched
from antidistill.cli.trouble import reported
from antidistill.watermark.audit import LIMITS, NULL, Audit, audit
from antidistill.watermark.lexicon import Lexicon
from antidistill.watermark.marker import DEPLOYMENT
from antidistill.watermark.slots import Slot, read

LEVEL = 1e-6
"""P-value from which the finding is called evidence."""


def add(subparsers: Any) -> None:
    """Adds the command to the parser of `antidistill`."""
    parser = subparsers.add_parser(
        "audit-model",
        help="test a model's outputs for training on marked answers",
        description="Test whether a model has the habits that tier 2 of the mark puts into the answers of a deployment or of a campaign.",
        epilog='Rows are JSON objects with "text", and where known "prompt", one a line, plain or gzip.',
    )
    parser.add_argument("outputs", type=Path, metavar="OUTPUTS.jsonl", help="what the model wrote")
    parser.add_argument(
        "--group", action="append", metavar="NAME", help="a campaign, or the deployment; several may be given (default: deployment)"
    )
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="CLEAN.jsonl",
        help="answers that nobody marked, of the kind the model may have learnt from: finds more",
    )
    parser.add_argument("--json", action="store_true", help="print the finding as JSON")
    add_since(parser)
    add_policy(parser)
    parser.set_defaults(run=run)


@reported
def run(args: Namespace) -> int:
    """Audits the outputs and prints the finding; 0 whatever it is."""
    marking = load(args)
    outputs, reference = _outputs(args.outputs, marking.lexicon), _reference(args.reference, marking.lexicon)
    found = audit(outputs, args.group or [DEPLOYMENT], marking.ring, epochs(args.since), reference)
    if args.json:
        print(msgspec.json.encode({**msgspec.structs.asdict(found), "p_value": found.p_value, "null": NULL, "limits": LIMITS}).decode())
    else:
        print(f"{describe(found)}\n\n{NULL}\n\n{LIMITS}")
    return 0


def _outputs(path: Path, lexicon: Lexicon) -> Iterator[tuple[list[Slot], list[Slot]]]:
    for row in _rows(path):
        yield read(row.text("text") or "", lexicon), read(row.text("prompt") or "", lexicon)


def _reference(path: Path | None, lexicon: Lexicon) -> Iterator[list[Slot]]:
    for row in _rows(path) if path else ():
        yield read(row.text("text") or "", lexicon)


def _rows(path: Path) -> Iterator[Row]:
    return (row for row in watched(Rows(path), "reading") if not row.fault)


def describe(found: Audit) -> str:
    """The finding in words."""
    if not found.seeds:
        return "No evidence: these outputs have no place that could show the mark."
    finding = "Evidence" if found.p_value < LEVEL else "No evidence"
    return (
        f"{finding} that the model was trained on answers marked for {found.group}: z = {found.z:.2f} over {found.seeds:,} habits in "
        f"{found.outputs:,} outputs beside {found.reference:,} of the reference, p = {found.p_value:.2g} after {found.tests:,} tests. "
        f"{found.controls:,} keys never issued give z = {found.control_mean:.2f} ± {found.control_deviation:.2f}."
    )
