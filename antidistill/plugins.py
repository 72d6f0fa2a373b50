"""Names to classes: what is built in, and what other distributions publish as entry points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from antidistill.actions import ACTIONS, Action
from antidistill.assessment.signals import SIGNALS, Signal
from antidistill.dialects import BUILT_IN, Dialect
from antidistill.errors import PluginError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """The plugins of one kind by name. A plugin's module is imported when its name is looked up, not before.

    Raises:
        PluginError: On look-up, where a name is published twice, is that of a built-in, or cannot be imported.
    """

    def __init__(self, group: str, builtins: Mapping[str, T], published: tuple[EntryPoint, ...]) -> None:
        self._group = group
        self._builtins = dict(builtins)
        self._published = published

    def __getitem__(self, name: str) -> T:
        """Finds a plugin, importing it where needed."""
        points = [point for point in self._published if point.name == name]
        if len(points) + (name in self._builtins) > 1:
            raise PluginError(
                f"{self._group}: the name {name!r} is taken more than once ({self._claims(name, points)}); uninstall one of them"
            )
        return _load(self._group, points[0]) if points else self._builtins[name]

    def __iter__(self) -> Iterator[str]:
        """Every name, built-in or published, without importing anything."""
        return iter(dict.fromkeys([*self._builtins, *(point.name for point in self._published)]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _claims(self, name: str, points: list[EntryPoint]) -> str:
        built_in = ["antidistill itself"] if name in self._builtins else []
        return ", ".join(built_in + [point.dist.name if point.dist else point.value for point in points])


def _load(group: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        owner = point.dist.name if point.dist else point.value
        raise PluginError(f"{group}: {point.name!r} of {owner} cannot be imported ({error!r}); repair or uninstall it") from error


def _registry(group: str, builtins: Mapping[str, T]) -> Registry[T]:
    return Registry(group, builtins, tuple(entry_points(group=group)))


@cache
def actions() -> Registry[type[Action]]:
    """Actions by the word that policies use."""
    return _registry("antidistill.actions", {action.name: action for action in ACTIONS})


@cache
def signals() -> Registry[Signal]:
    """Signals by name."""
    return _registry("antidistill.signals", {signal.name: signal for signal in SIGNALS})


@cache
def dialects() -> Registry[Dialect]:
    """Dialects by name."""
    return _registry("antidistill.dialects", {dialect.name: dialect for dialect in BUILT_IN})


def dialects_of(names: Iterable[str]) -> tuple[Dialect, ...]:
    """The dialects that come with antidistill, and those named beside them."""
    return (*BUILT_IN, *(dialects()[name] for name in names))


def signals_of(names: Iterable[str]) -> tuple[Signal, ...]:
    """The signals that come with antidistill, and those named beside them."""
    return (*SIGNALS, *(signals()[name] for name in names))
