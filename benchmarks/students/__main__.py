"""Trains small students on marked and unmarked text, and tests them for the mark: `python -m benchmarks.students`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import msgspec

from benchmarks.students import runs, tables
from benchmarks.students.finding import Finding
from benchmarks.students.runs import MARKS, SHARES, STUDENTS, Plan

WRITTEN = {"ngrams": 1_000_000, "network": 100_000}


def main() -> int:
    """Parses the command line and runs what is not in the file of results yet."""
    args = _parser().parse_args()
    path, plan = Path(args.results), _plan(args)
    found = msgspec.json.decode(path.read_bytes(), type=list[Finding]) if path.exists() else []
    if not args.show:
        path.parent.mkdir(parents=True, exist_ok=True)
        for finding in _run(args, plan, found):
            found.append(finding)
            path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
            print(tables.measured([finding]), flush=True)
    print(tables.report(found))
    return 0


def _run(args: argparse.Namespace, plan: Plan, found: list[Finding]) -> Iterator[Finding]:
    done = {(one.setting, one.mark, one.key, one.student, one.share) for one in found}
    for name, key in product(args.mark, range(args.keys)):
        cells = [cell for cell in product(args.student, args.share) if (plan.setting, name, key, *cell) not in done]
        if cells:
            mark = runs.mark(plan, name, key)
            print(
                f"{name}, key {key}: {mark.density:.2f} places in 100 words; in the marked text itself: {tables.learnt(mark)}", flush=True
            )
            yield from (runs.finding(plan, mark, *cell, key) for cell in cells)


def _plan(args: argparse.Namespace) -> Plan:
    scale = 50 if args.quick else 1
    written = {student: (args.written or words) // scale for student, words in WRITTEN.items()}
    return Plan(tuple(args.text), args.words // scale, args.vocabulary, 1 if args.quick else args.epochs, written)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.students", description=__doc__)
    parser.add_argument(
        "--text", nargs="+", default=[], metavar="FILE.jsonl", help="training texts: rows with text, and prompt if there is one"
    )
    parser.add_argument("--student", nargs="+", choices=STUDENTS, default=STUDENTS, help="a network needs torch")
    parser.add_argument("--mark", nargs="+", choices=MARKS, default=MARKS)
    parser.add_argument("--share", nargs="+", type=float, default=SHARES, help="shares of the training texts that are marked")
    parser.add_argument("--keys", type=int, default=1, help="master keys, each with students of its own")
    parser.add_argument("--words", type=int, default=1_000_000, help="words of training text at most; as many are read to compare with")
    parser.add_argument("--vocabulary", type=int, default=12_000, help="words that students know")
    parser.add_argument("--epochs", type=int, default=2, help="how often a network reads its training text")
    parser.add_argument("--written", type=int, help="words that each student writes")
    parser.add_argument(
        "--results", default="build/students.json", metavar="FILE", help="where findings are kept; those in it are not made again"
    )
    parser.add_argument("--show", action="store_true", help="print the findings of the file, make none")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of everything, to see that it runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
