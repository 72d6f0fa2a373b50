"""Runs the benchmark of the watermark that the command line names."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

COMMANDS = {
    "density": "how many slots real texts have for each hundred words, and how many are read back",
    "calibration": "false positives of detection and tracing, over millions of wrong keys and over unmarked corpora",
    "evidence": "how many words prove an account, and how often one answer names the right one of many",
    "tracing": "how many colluding accounts are found in a pool of their answers, and how many innocent ones",
    "scale": "what tracing a million answers costs",
    "stream": "how much later a marked stream ends, and what a chunk costs through the whole middleware",
    "redteam": "what every attack leaves of the mark",
    "likeness": "how well fingerprints of answers tell a paraphrase from what others wrote, and what they cost",
    "cost": "what marking and reading cost a word and a chunk, and how many words are held back",
}
"""Modules with `add(parser)` and `run(args)`."""


def main(argv: list[str]) -> int:
    """Parses the command line and runs."""
    known = "; ".join(f"{command}: {text}" for command, text in COMMANDS.items())
    if not argv or argv[0] not in COMMANDS:
        print(f"usage: python -m benchmarks.watermark NAME; {known}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.watermark {argv[0]}", description=COMMANDS[argv[0]])
    module = import_module(f"benchmarks.watermark.{argv[0]}")
    module.add(parser)
    module.run(parser.parse_args(argv[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
