"""Reads a `then:` list into actions, and reports every mistake in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antidistill import plugins
from antidistill.actions import Action
from antidistill.errors import PluginError
from antidistill.policy.codes import Code
from antidistill.policy.document import BROKEN, Path, Problems
from antidistill.policy.shape import shape, suggest, whole


def read_then(then: Any, path: Path, problems: Problems) -> tuple[Action, ...]:
    """Reads the actions of a rule. Those with mistakes are left out.

    Args:
        then: Plain data: a list of names and of mappings from a name to parameters.
        path: Where it stands.
        problems: Where mistakes go.
    """
    if then is BROKEN:
        return ()
    if not then:
        problems.add(Code.EMPTY_THEN, path, "'then' has no action, so the rule does nothing; write at least one, such as alert")
    entries = (_entry(entry, (*path, index), problems) for index, entry in enumerate(then))
    return tuple(action for action in entries if action is not None)


def _entry(entry: Any, path: Path, problems: Problems) -> Action | None:
    if entry is BROKEN:
        return None
    if isinstance(entry, str):
        return _action(entry, {}, path, problems)
    if isinstance(entry, Mapping) and len(entry) == 1:
        [(name, parameters)] = entry.items()
        return _action(name, {} if parameters is None else parameters, (*path, name), problems)
    message = f"an action is its name, or one name with parameters such as alert: {{}}, not {_several(entry, path, problems)}"
    problems.add(Code.BAD_ACTION, path, message)
    return None


def _several(entry: Any, path: Path, problems: Problems) -> str:
    if isinstance(entry, Mapping):
        return f"a mapping of {len(entry)}; begin each action with its own '-'" if entry else "an empty mapping"
    return problems.quote(path, entry)


def _action(name: str, parameters: Any, path: Path, problems: Problems) -> Action | None:
    kind = _find(name, path, problems)
    if kind is None:
        return None
    errors = problems.errors
    if isinstance(parameters, list) and (listed := getattr(kind, "listed", "")):
        parameters = {listed: parameters}
    action: Any = shape(parameters, kind, path, problems)
    if problems.errors > errors or not whole(action):
        return None
    complaints = list(action.problems())
    for complaint in complaints:
        problems.add(Code.BAD_PARAMETERS, path, complaint)
    return None if complaints else action


def _find(name: str, path: Path, problems: Problems) -> type[Action] | None:
    registry = plugins.actions()
    try:
        return registry[name]
    except PluginError as error:
        problems.add(Code.BROKEN_PLUGIN, path, str(error), key=True)
    except KeyError:
        problems.add(Code.UNKNOWN_ACTION, path, f"unknown action {problems.quote(path, name)}; {suggest(name, registry)}", key=True)
    return None
