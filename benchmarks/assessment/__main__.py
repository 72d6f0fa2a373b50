"""Runs what the command line names: `LOG`, `ablation LOG`, `ladder`, `pivot`, `cost` or `scale`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

COMMANDS = {
    "compare": "PRADA, SEAT, MMD and antidistill on one log (what LOG alone means)",
    "ablation": "what every signal gains on a log, and for whom",
    "ladder": "what is seen of attackers that evade more and more",
    "pivot": "how soon a known campaign is seen to turn to a new model",
    "cost": "what assessment costs a server: time, stalls and memory",
    "workers": "four workers and `antidistill assess` on a real Redis beside one process",
    "scale": "the assessment loop under millions of exchanges of many thousand accounts",
}
"""Modules with `add(parser)` and `run(args)`."""


def main(argv: list[str]) -> int:
    """Parses the command line and runs."""
    name, rest = (argv[0], argv[1:]) if argv and argv[0] in COMMANDS else ("compare", argv)
    epilog = "commands: " + "; ".join(f"{command}: {text}" for command, text in COMMANDS.items())
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.assessment {name}", description=COMMANDS[name], epilog=epilog)
    module = import_module(f"benchmarks.assessment.{name}")
    module.add(parser)
    module.run(parser.parse_args(rest))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
