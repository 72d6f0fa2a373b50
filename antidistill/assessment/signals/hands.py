"""`hands`: a key is used by somebody else than before."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from antidistill.assessment.crowd import Reading
from antidistill.assessment.observation import Observation
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie
from antidistill.model import Evidence, Family

MOST = 2.0

_HABITS = 7
_KEPT = 3
_SETTLED = 8
_FOREIGN = 4


class Habits(Struct, gc=False):
    """Three values of each habit as short hashes, the latest ones, requests that showed them, and requests that did not."""

    known: tuple[int, ...] = (0,) * (_HABITS * _KEPT)
    latest: tuple[int, ...] = ()
    own: int = 0
    foreign: int = 0

    def fresh(self, habits: Sequence[int]) -> list[int]:
        """Which habits have a value that is not known."""
        known = self.known
        return [place for place, value in enumerate(habits) if value not in known[place * _KEPT : place * _KEPT + _KEPT]]

    def learn(self, habits: Sequence[int], fresh: Sequence[int]) -> None:
        """Takes new values in, for the oldest ones."""
        known = [*self.known]
        for place in fresh:
            first = place * _KEPT
            known[first : first + _KEPT] = habits[place], *known[first : first + _KEPT - 1]
        self.known = tuple(known)


class Hands(Signal):
    """Requests come in with another client, from another network, for another model, in another manner: all of it new at once.

    Threat: a stolen or sold key: its owner goes on, a stranger's harvest comes in beside.
    Formula: 2.0 · ramp(k, 4, 10), with k requests of which four of seven habits (client, network, API, model, opening of the system text,
        sampling parameters, streaming) have a value that the account never showed before. Its first eight requests settle what it
        shows; then three values of each habit are kept, and requests that are that strange teach none. One-sided: most
        harvests are at home in their accounts. Honest accounts of two logs change three habits at once at most.
    State: 28 short hashes and two counters.
    Gamed by: taking over the owner's client, network and parameters as well.
    Honest use that looks like it: moving to another machine, client and model on one day; a team that shares a key. Ask the
        owner; take nothing from him.
    """

    name = "hands"
    family: Family = "network"
    falls = "It does not fall by itself: a new key for the owner ends it."

    def begin(self) -> Habits:
        """No habit yet."""
        return Habits()

    def learn(self, state: Habits, observation: Observation, reading: Reading) -> None:
        """Compares a request with what the account does."""
        habits = observation.habits
        if not habits:
            return
        fresh = state.fresh(habits) if habits != state.latest else []
        if state.own >= _SETTLED and len(fresh) >= _FOREIGN:
            state.foreign += 1
            return
        state.own += 1
        state.latest = habits
        if fresh:
            state.learn(habits, fresh)

    def weigh(self, state: Habits, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Weighs how many requests were somebody else's."""
        weight = MOST * ramp(state.foreign, 4, 10)
        if not weight:
            return None
        reason = f"{state.foreign} requests differ from all {state.own} others of the account in client, network and manner at once"
        return Evidence(self.name, self.family, weight, reason)
