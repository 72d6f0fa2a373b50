"""Keeps what the loop of one process knows over restarts."""

from __future__ import annotations

import logging
from collections.abc import Callable

from antidistill.assessment import snapshot
from antidistill.assessment.loop import Assessor
from antidistill.assessment.vault import FileVault
from antidistill.errors import SnapshotError

_log = logging.getLogger("antidistill")


class Keeper:
    """Puts snapshots of a loop into a file, and makes loops that go on from it.

    Args:
        vault: The file.
        key: Secret of snapshots.

    Attributes:
        failures: Snapshots that could not be put away.
    """

    def __init__(self, vault: FileVault, key: bytes) -> None:
        self._vault = vault
        self._key = key
        self.failures = 0

    def open(self, make: Callable[[], Assessor]) -> Assessor:
        """Makes a loop that knows what was put away. A snapshot that cannot be used is set aside, and the loop begins anew.

        Raises:
            OSError: The file or its folder cannot be used.
        """
        data = self._vault.load()
        assessor = make()
        if data is not None:
            try:
                snapshot.read(data, assessor, self._key)
            except SnapshotError as error:
                assessor = make()
                _log.error("%s: %s, and assessment begins anew", error, self._vault.refuse())
        self._vault.check()
        assessor.keep = self.save
        return assessor

    def save(self, assessor: Assessor) -> None:
        """Puts away what a loop knows; what fails is counted, and said once."""
        try:
            self._vault.save(snapshot.write(assessor, self._key))
        except (OSError, SnapshotError) as error:
            self.failures += 1
            if self.failures == 1:
                _log.error("what is known of accounts could not be put away (%s): check assessment.snapshot and its disk", error)
