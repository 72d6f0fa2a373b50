"""Scripts that run on the server."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

from antidistill.rates import RESOLUTION, SLACK, gcra
from antidistill.stores.memory import SLOT_WAIT
from antidistill.stores.redis.connect import Client

_CONSTANTS = (
    f"local SLACK, RESOLUTION, MOST_LOWS, GRAIN, SLOT_WAIT = {SLACK!r}, {RESOLUTION!r}, {gcra.MOST_LOWS}, {gcra.GRAIN!r}, {SLOT_WAIT!r}\n"
)


def source(name: str) -> str:
    """The text of a script of ours."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


COUNTING = _CONSTANTS + source("script.lua")
"""Counts quotas."""

ASSESSING = source("assessment.lua")
"""Carries observations and assessments between processes."""


class Script:
    """Runs a script by its hash, and by its text where the server has forgotten it.

    Args:
        client: The client.
        text: The script.
    """

    def __init__(self, client: Client, text: str = COUNTING) -> None:
        self._client = client
        self._text = text
        self._hash = sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, keys: Sequence[str], *args: Any) -> Any:
        """Runs it; raises whatever the client does."""
        try:
            return await self._call("EVALSHA", self._hash, keys, args)
        except Exception as error:
            if type(error).__name__ != "NoScriptError":
                raise
        return await self._call("EVAL", self._text, keys, args)

    async def _call(self, command: str, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        # Without the option, a client that decodes answers would try to read msgpack as text.
        return await self._client.execute_command(command, script, len(keys), *keys, *args, NEVER_DECODE=True)
