"""Who is told of what."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from antidistill.events.flags import Flags
from antidistill.events.report import flag, report
from antidistill.model import NOBODY, Assessment, Event, Facts, Limits, Match, Notice, Request, Subject

Hook: TypeAlias = Callable[[Event], None]
"""Anything that takes an event. It may be called on the event loop and on the assessment thread: be quick and thread-safe."""

_log = logging.getLogger("antidistill")


class Events:
    """Hands every event to every hook.

    Args:
        hooks: Who is told.
        flags: What was told already of accounts that match rules.
        elsewhere: Rules whose alerts another process tells.

    Attributes:
        failures: How often a hook raised.
    """

    def __init__(self, hooks: Iterable[Hook], flags: Flags, elsewhere: Collection[str] = frozenset()) -> None:
        self._hooks = list(hooks)
        self._flags = flags
        self._elsewhere = elsewhere
        self.failures = 0

    def tell(self, request: Request, subject: Subject, matches: Sequence[Match], assessment: Assessment | None) -> None:
        """Tells of each match that did something. A tightened quota has done nothing until it is breached."""
        for match in matches:
            if not isinstance(match.effect, Limits) and not (match.action == "alert" and match.rule in self._elsewhere):
                self.emit(report(request, subject, match, assessment))

    def flag(self, facts: Facts, matches: Sequence[Match]) -> None:
        """Tells once a day of each rule that reads an assessment and matches; between requests, also its alerts."""
        subject = facts.subject or NOBODY
        for match in matches:
            if match.cause != "assessment":
                continue
            assessment = facts.assessment if facts.request is not None else facts.sub or facts.assessment
            request = facts.request or Request(id=f"tick_{facts.now:.0f}", ts=facts.now, method="", path="")
            if self._flags.raised(subject.account, match.rule):
                self.emit(flag(request.id, facts.now, subject.account, match.rule, assessment))
            if facts.request is None and isinstance(match.effect, Notice):
                self.emit(report(request, subject, match, assessment))

    def know(self, facts: Facts, matches: Sequence[Match]) -> None:
        """Notes what another process has told."""
        for match in matches:
            if facts.subject is not None and match.cause == "assessment":
                self._flags.raised(facts.subject.account, match.rule)

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
