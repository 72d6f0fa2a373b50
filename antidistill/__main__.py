"""`python -m antidistill`: the same as the command `antidistill`."""

from __future__ import annotations

import sys

from antidistill.cli import main

if __name__ == "__main__":
    sys.exit(main())
