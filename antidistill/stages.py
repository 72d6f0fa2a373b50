"""Containment: a stage of the request loop that fails costs only itself."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Args = TypeVarTuple("Args")

_log = logging.getLogger("antidistill")


class Closed(Exception):
    """A stage failed where the policy says `on_error: closed`."""


class Stages:
    """Runs stages. One that raises is counted and skipped, or closes the door.

    Args:
        failures: Failures by stage; may be shared.
        closed: True to raise `Closed` instead of going on.
    """

    def __init__(self, failures: Counter[str], closed: bool = False) -> None:
        self._failures = failures
        self._closed = closed

    def run(self, stage: str, otherwise: T, work: Callable[[*Args], T], *args: *Args) -> T:
        """Runs one stage.

        Args:
            stage: Its name, for counts and log.
            otherwise: The result where it fails.
            work: What to do.
            *args: Its arguments.

        Raises:
            Closed: The stage failed and failures close the door.
        """
        try:
            return work(*args)
        except Exception as error:
            self.fail(stage, error)
            return otherwise

    def fail(self, stage: str, error: Exception) -> None:
        """Counts a failure. The first of a stage is logged with its place, but without the message: it may quote a prompt.

        Raises:
            Closed: Failures close the door.
        """
        self._failures[stage] += 1
        if self._failures[stage] == 1:
            _log.error("stage %s failed (%s); further failures are only counted", stage, _where(error))
        if self._closed:
            raise Closed(stage) from error


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{place}"
