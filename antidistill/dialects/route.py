"""Finds the dialect of a request by the end of its path, wherever a host mounts its API."""

from __future__ import annotations

import re
from collections.abc import Iterable

from antidistill.dialects.dialect import Dialect
from antidistill.errors import PluginError

_SLASHES = re.compile("//+")


class Routes:
    """Dialects by the paths that they serve.

    Args:
        dialects: The dialects in use.

    Raises:
        PluginError: Two dialects claim the same paths.
    """

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects: dict[tuple[str, ...], Dialect] = {}
        for dialect in dialects:
            for suffix in dialect.suffixes:
                self._add(tuple(suffix.strip("/").split("/")), dialect)
        self._depths = sorted({len(tail) for tail in self._dialects}, reverse=True)

    def match(self, method: str, path: str) -> Dialect | None:
        """Returns the dialect with the longest suffix that fits, or None. Only POST calls a model."""
        if method != "POST":
            return None
        if "//" in path:
            path = _SLASHES.sub("/", path)
        path = path.rstrip("/")
        for depth in self._depths:
            if found := self._dialects.get(tuple(path.rsplit("/", depth)[1:])):
                return found
        return None

    def _add(self, tail: tuple[str, ...], dialect: Dialect) -> None:
        other = self._dialects.setdefault(tail, dialect)
        if other is not dialect:
            path = "/".join(tail)
            raise PluginError(f"dialects {other.name} and {dialect.name} both claim paths that end in /{path}: load only one of them")
