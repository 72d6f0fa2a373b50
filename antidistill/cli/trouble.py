"""What a command says when it cannot go on."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from functools import wraps

from antidistill.errors import AntiDistillError

Run = Callable[[Namespace], int]


def reported(run: Run) -> Run:
    """Turns what a user can put right into a message on stderr and exit status 2."""
    command = f"antidistill {run.__module__.rpartition('.')[2].replace('_', '-')}"

    @wraps(run)
    def wrapped(args: Namespace) -> int:
        try:
            return run(args)
        except AntiDistillError as error:
            print(error, file=sys.stderr)
        except OSError as error:
            print(f"{command}: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        except KeyboardInterrupt:
            print(f"{command}: interrupted; what was written is incomplete", file=sys.stderr)
            return 130
        return 2

    return wrapped
