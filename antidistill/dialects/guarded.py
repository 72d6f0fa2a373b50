"""A transformer that cannot fail: what happens to an answer when a transformer does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from antidistill.model import TextTransformer

Begin: TypeAlias = Callable[[], TextTransformer]
"""Makes a transformer for one text."""


class Fault:
    """Shared by the texts of one answer: once one of them failed, none is transformed any more."""

    def __init__(self) -> None:
        self.raised = False


class GuardedText:
    """One text of an answer. If its transformer fails, what it held back is let go, and the rest passes as it is.

    Args:
        begin: Makes the transformer.
        fault: Where failure is noted, and seen.
    """

    def __init__(self, begin: Begin, fault: Fault) -> None:
        self._fault = fault
        self._transformer = None if fault.raised else self._begin(begin)

    def feed(self, text: str) -> str:
        """Takes the next piece of text, returns what can be sent now."""
        if self._transformer is None:
            return text
        if not self._fault.raised:
            try:
                return _checked(self._transformer.feed(text))
            except Exception:
                self._fault.raised = True
                # It may have failed before or after it took the piece in.
                return self.flush().removesuffix(text) + text
        return self.flush() + text

    def flush(self) -> str:
        """Returns what was held back; from here on, text passes as it is."""
        transformer, self._transformer = self._transformer, None
        if transformer is None:
            return ""
        try:
            return _checked(transformer.flush())
        except Exception:
            self._fault.raised = True
            return ""

    def _begin(self, begin: Begin) -> TextTransformer | None:
        try:
            return begin()
        except Exception:
            self._fault.raised = True
            return None


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a transformer returned {type(text).__name__} in place of text")
    return text
