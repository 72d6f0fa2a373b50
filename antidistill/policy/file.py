"""A policy file that is read again when it changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeAlias

from antidistill.errors import PolicyError
from antidistill.policy.load import load_policy
from antidistill.policy.policy import Policy

Stamp: TypeAlias = tuple[int, int, int, int]


class PolicyFile:
    """Watches a policy file, without a thread: whoever has a clock calls `poll` now and then.

    Links are followed, so that a file which is swapped by moving a link, as Kubernetes does, counts as changed.

    Args:
        path: The file.
        environ: Values for `${NAME}` in it.
        report: Called with every policy that cannot be used; the last good one stays in force.

    Attributes:
        policy: The last good policy, in its own mode.

    Raises:
        PolicyError: At construction, where the policy cannot be used.
    """

    def __init__(
        self, path: str | os.PathLike[str], environ: Mapping[str, str], now: float, report: Callable[[PolicyError], object]
    ) -> None:
        self._path = path
        self._environ = environ
        self._report = report
        self._stamp = self._look()
        self.policy = self._load(now)

    def poll(self, now: float) -> Policy | None:
        """Reads the file if it changed since it was last read.

        Args:
            now: Unix seconds; tells what has expired.

        Returns:
            The new policy, or None where there is none to take up: nothing changed, or what came cannot be used.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return None
        self._stamp = stamp  # first: what cannot be used is reported once, not at every poll
        try:
            self.policy = self._load(now)
        except PolicyError as error:
            self._report(error)
            return None
        return self.policy

    def _load(self, now: float) -> Policy:
        return load_policy(self._path, self._environ, lambda: now)

    def _look(self) -> Stamp | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
