"""`${NAME}` and `${NAME:-default}` in the values of a policy."""

from __future__ import annotations

import re
from collections.abc import Mapping

from antidistill.policy.codes import Code

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<has_default>:-(?P<default>[^{}]*))?\}|\$\{")

_MALFORMED = "'${' is not closed or names no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters themselves"


class VariableError(ValueError):
    """A variable that cannot be filled in.

    Attributes:
        code: Kind of the mistake.
    """

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(message)


def fill(text: str, environ: Mapping[str, str]) -> str:
    """Puts the environment's values in place of `${NAME}` and `${NAME:-default}`; `$${` stands for a literal `${`.

    An empty variable counts as unset where there is a default, as in a shell. What is filled in is not read again.

    Raises:
        VariableError: A variable is unset and has no default, or is written wrongly.
    """

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match["name"] is None:
            raise VariableError(Code.BAD_VARIABLE, _MALFORMED)
        return _look_up(match, environ)

    return _VARIABLE.sub(replace, text)


def _look_up(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name, default = match["name"], match["default"]
    value = environ.get(name)
    if match["has_default"] is not None:
        return value or default
    if value is None:
        raise VariableError(Code.UNSET_VARIABLE, f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}")
    return value
