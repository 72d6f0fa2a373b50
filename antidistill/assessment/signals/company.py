"""`company`: the same tenants again and again, across several shared frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

_TIED = 0.25
_FRAMES = 8
_MANY = 6
_PLENTY = 64


class Company(Signal):
    """Other tenants share not one but several of the account's frames.

    Threat: an operator with a set of wraps, each seed in one of them, over many accounts.
    Formula: 3 · s · ramp(c, 0, 6), with c other tenants that fill at least two of the eight strongest frames that the account is
        tied to, s the strength of the second strongest. Two tenants meet by chance on one rare frame at most. One-sided: for many
        campaigns a single frame does.
    State: none of its own; reads the profile's frames and their tenants (the first 256 of each).
    Gamed by: one frame per account.
    Honest use that looks like it: colleagues whose organisation is not known; users of a tool that has several prompts.
    """

    name = "company"
    family: Family = "coordination"
    falls = "The account shares fewer prompts with the same others, or those others are named as its organisation."

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Counts the tenants met more than once."""
        tied = [tie.standing for tie in ties if tie.standing.strength * tie.exposure >= _TIED]
        strongest = sorted(tied, key=lambda standing: -standing.strength)[:_FRAMES]
        met = _met_again([standing.company for standing in strongest])
        again = len(met) - (profile.tenant in met)
        if not again:
            return None
        weight = BOUND * strongest[1].strength * ramp(again, 0, _MANY)
        others = str(again) if again < _PLENTY else f"more than {_PLENTY - 1}"
        reason = f"{others} other tenants fill at least two of the {len(strongest)} frames that this account shares"
        return Evidence(self.name, self.family, weight, reason)


def _met_again(companies: Iterable[Mapping[int, None]]) -> set[int]:
    """Tenants in several companies; no more are looked for where there are plenty."""
    met: set[int] = set()
    again: set[int] = set()
    for company in companies:
        again |= met & company.keys()
        if len(again) > _PLENTY:
            break
        met |= company.keys()
    return again
