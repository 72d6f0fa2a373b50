"""The list of hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeAlias

from antidistill.model import Event

Hook: TypeAlias = Callable[[Event], None]
"""Anything that takes an event. It may be called on the event loop and on the assessment thread: be quick and thread-safe."""

_log = logging.getLogger("antidistill")


class Events:
    """Hands every event to every hook.

    Attributes:
        failures: How often a hook raised.
    """

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self._hooks = list(hooks)
        self.failures = 0

    def emit(self, event: Event) -> None:
        """Tells every hook. Never raises: a hook that fails is counted and the others are told all the same."""
        for hook in self._hooks:
            try:
                hook(event)
            except Exception as error:
                self._fail(hook, error)

    def _fail(self, hook: Hook, error: Exception) -> None:
        self.failures += 1
        if self.failures == 1:  # a hook that fails once tends to fail always: do not flood the log
            _log.error("an event hook failed and is skipped (%s in %r); further failures are only counted", type(error).__name__, hook)
