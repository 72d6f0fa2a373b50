"""The routes of an ASGI app, found by what starlette's and FastAPI's routes have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from antidistill.errors import AntiDistillError


class AppError(AntiDistillError):
    """An app that cannot be loaded; the message says what to write."""


def load_app(target: str) -> Any:
    """Imports an app by `MODULE:APP`, with the working directory on the import path, as servers do.

    Raises:
        AppError: There is no such module or app.
    """
    module_name, _, attribute = target.partition(":")
    if not (module_name and attribute):
        raise AppError(f"--app {target}: write MODULE:APP, such as --app main:app")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
        for name in attribute.split("."):
            found = getattr(found, name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise AppError(f"--app {target}: cannot be imported ({reason}); write MODULE:APP and run from the app's folder") from error
    return found


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Yields method and path of every route that takes POST, and of every websocket as `WEBSOCKET`, mounted apps included."""
    yield from dict.fromkeys(_routes(app, "", frozenset()))


def _routes(app: Any, prefix: str, seen: frozenset[int]) -> Iterator[tuple[str, str]]:
    while not hasattr(app, "routes") and hasattr(app, "app"):
        app = app.app  # a middleware around it
    if id(app) in seen:
        return
    for route in getattr(app, "routes", None) or ():
        inner, path = _inner(route)
        if inner is not None:
            yield from _routes(inner, prefix + path, seen | {id(app)})
        elif hasattr(route, "endpoint"):
            yield from _methods(route, prefix + path)


def _inner(route: Any) -> tuple[Any, str]:
    """What a route leads to, if that has routes of its own, and the path so far: a mounted app, or a router of FastAPI."""
    if hasattr(route, "original_router"):
        return route.original_router, route.include_context.prefix
    return route if getattr(route, "routes", None) else None, getattr(route, "path", "")


def _methods(route: Any, path: str) -> Iterator[tuple[str, str]]:
    if not hasattr(route, "methods"):
        yield "WEBSOCKET", path
    elif "POST" in route.methods if route.methods else hasattr(route.endpoint, "post"):
        yield "POST", path
