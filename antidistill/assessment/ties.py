"""Ties: how an account's use of shared frames binds it to the others who use them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from antidistill.assessment.frame import Frame, Standing
from antidistill.assessment.profile import Fillings, Profile

LEAD = 2 * 3600.0
"""Seconds that an account must be ahead of others with a template to count as its author: seeing and copying it takes time."""


class Tie(NamedTuple):
    """One frame that an account fills with new values while other tenants do.

    Attributes:
        anchor: The frame.
        used: The account's use of it.
        standing: All accounts' use of it.
        exposure: How much the account's use counts, from 0 to 1.
    """

    anchor: int
    used: Fillings
    standing: Standing
    exposure: float


class Known(Protocol):
    """Frames by their anchor: all of them, or some."""

    def get(self, anchor: int, /) -> Frame | None:
        """Finds a frame."""


def ties(profile: Profile, frames: Known) -> list[Tie]:
    """The ties of an account to frames. Pure."""
    found = []
    for anchor, used in profile.frames.items():
        if used.new and (frame := frames.get(anchor)) is not None:
            found.append(Tie(anchor, used, frame.standing, exposure(used, frame.begun)))
    return found


def exposure(used: Fillings, begun: float) -> float:
    """(1 − 2^−k) / (1 + e/4)², with k uses since others share the frame (`begun`) and e before they did.

    Whoever had a template first and was copied, in order to be framed, is thus hardly tied to the copies. Being first by less than
    `LEAD` proves nothing: of several accounts that begin together one is the first.
    """
    reached = 1 - 0.5**used.new
    if used.early and begun - used.since >= LEAD:
        return float(reached / (1 + used.early / 4) ** 2)
    return float(reached)


def bond(ties: Iterable[Tie]) -> float:
    """How closely ties bind together, from 0 to 1: noisy-or of strength times exposure."""
    return 1 - math.prod([1 - tie.standing.strength * tie.exposure for tie in ties])


def tightest(ties: Iterable[Tie], part: Callable[[Standing], float]) -> tuple[float, Standing]:
    """The largest strength times exposure times `part` over ties, from 0 to 1, and where it is found."""
    most, where = 0.0, _NONE
    for tie in ties:
        bound = tie.standing.strength * tie.exposure
        if bound > most and (rated := bound * part(tie.standing)) > most:
            most, where = rated, tie.standing
    return most, where


_NONE = Standing()
