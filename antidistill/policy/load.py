"""From a source to a policy: read, shape, mean; every mistake at once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from antidistill.errors import PolicyError
from antidistill.model import Clock
from antidistill.policy.codes import Code
from antidistill.policy.compile import compile_policy
from antidistill.policy.document import BROKEN, Problems
from antidistill.policy.policy import Policy
from antidistill.policy.sections import PolicyConfig
from antidistill.policy.shape import shape
from antidistill.policy.source import Source, read

VERSION = 1


def load_policy(source: Source, environ: Mapping[str, str] = os.environ, clock: Clock = time.time) -> Policy:
    """Loads a policy.

    Args:
        source: Path of a YAML file, the same as a mapping, or None for the built-in policy.
        environ: Values for `${NAME}` in it.
        clock: Unix seconds; tells what has expired.

    Returns:
        The policy in its own mode; see `Policy.with_mode` for overrides.

    Raises:
        PolicyError: The policy cannot be used; `problems` has every mistake, warnings too.
    """
    problems = read(source, environ)
    policy = _compile(problems, datetime.fromtimestamp(clock(), UTC).date())
    if policy is None or problems.errors:
        raise PolicyError(problems.document.name, problems.listed())
    return replace(policy, warnings=problems.listed()).with_mode()


def _compile(problems: Problems, today: date) -> Policy | None:
    data = problems.document.data
    if data is BROKEN:
        return None
    if not isinstance(data, Mapping):
        message = f"a policy is a mapping that begins with version: {VERSION}, not {problems.quote((), data)}"
        problems.add(Code.NO_MAPPING, (), message)
        return None
    if not _understood(data, problems):
        return None
    return compile_policy(shape(data, PolicyConfig, (), problems), problems, today)


def _understood(data: Mapping[str, Any], problems: Problems) -> bool:
    """Tells whether the version is ours: what another version means by a key, nobody can tell."""
    version = data.get("version", VERSION)
    if version is BROKEN or (version == VERSION and not isinstance(version, bool)):
        return True
    message = f"this antidistill reads version {VERSION}, not {problems.quote(('version',), version)}; write version: {VERSION}"
    problems.add(Code.WRONG_VERSION, ("version",), message)
    return False
