"""Notices that other worker processes of one server guard the same app."""

from __future__ import annotations

import os
import sys
import tempfile
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

_held: list[int] = []


def noticed(policy: str) -> bool:
    """Says whether a process of the same parent, command and policy guards already; from then on, this one counts as one that does.

    One byte of a file stands for them all, and the first process has a lock on it, which ends with the process. Where there are no such
    locks or the file cannot be used, nothing is noticed.

    Args:
        policy: What tells policies apart.
    """
    who = repr((os.getppid(), os.getcwd(), sys.argv, policy))
    place = int.from_bytes(blake2b(who.encode("utf-8", "surrogateescape"), digest_size=7).digest())
    try:
        fcntl = import_module("fcntl")
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False


def _file() -> int:
    """The file, open for as long as the process lives: closing it would give up the locks."""
    if not _held:
        path = Path(tempfile.gettempdir()) / f"antidistill-{os.getuid()}.lock"
        _held.append(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    return _held[0]
