"""What is remembered of an account, and of how many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from antidistill.assessment.crowd import Reading
from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation

if TYPE_CHECKING:
    from antidistill.assessment.signals.signal import Signal

PROFILED_AFTER = 3
"""Requests after which an account gets a profile. Until then it costs a counter."""

OFFENDING = 0.5
"""Risk above which a profile makes room last."""

_FRAMES = 10


class Fillings(NamedTuple):
    """How often an account used a frame.

    Attributes:
        early: With new values, while no other tenant shared it.
        new: With new values, since others do.
        repeats: With values that were used before.
        since: Unix seconds of the first of the early ones.
    """

    early: int = 0
    new: int = 0
    repeats: int = 0
    since: float = 0.0


class Profile:
    """One account: at most 5 KiB.

    Attributes:
        account: The account.
        tenant: Hash of its organisation, else of the account.
        requests: Its requests.
        prompts: Those of them that asked something in five words or more and were answered.
        first_seen: Unix seconds of its first request.
        last_seen: Unix seconds of its latest request.
        frames: Its use of frames by their anchor; the 10 that it uses most.
        linked: True for a member of a campaign.
        states: State of every signal.
    """

    __slots__ = ("account", "first_seen", "frames", "last_seen", "linked", "prompts", "requests", "states", "tenant")

    def __init__(self, account: str, first_seen: float, requests: int, signals: Sequence[Signal]) -> None:
        self.account = account
        self.tenant = 0
        self.requests = requests
        self.prompts = 0
        self.first_seen = first_seen
        self.last_seen = first_seen
        self.frames: dict[int, Fillings] = {}
        self.linked = False
        self.states: tuple[Any, ...] = tuple(signal.begin() for signal in signals)

    def learn(self, observation: Observation, reading: Reading, signals: Sequence[Signal]) -> None:
        """Takes in an observation."""
        self.tenant = observation.tenant
        self.requests += 1
        self.prompts += observation.answered and bool(observation.skeleton)
        self.first_seen = min(self.first_seen, observation.ts)
        self.last_seen = max(self.last_seen, observation.ts)
        if reading.filling is not None:
            self._fill(reading.filling, observation.ts)
        for signal, state in zip(signals, self.states, strict=True):
            if state is not None:
                signal.learn(state, observation, reading)

    def _fill(self, filling: Filling, ts: float) -> None:
        frames, anchor = self.frames, filling.anchor
        if anchor not in frames and len(frames) >= _FRAMES:
            del frames[min(frames, key=lambda known: frames[known].early + frames[known].new)]
        early, new, repeats, since = frames.get(anchor, _NOTHING)
        if not filling.new:
            frames[anchor] = Fillings(early, new, repeats + 1, since)
        elif filling.shared:
            frames[anchor] = Fillings(early, new + 1, repeats, since)
        else:
            frames[anchor] = Fillings(early + 1, new, repeats, since or ts)


_NOTHING = Fillings()


class Profiles:
    """Profiles of the accounts seen last. Where there are too many, quiet accounts go first, as long as offenders take half the room.

    Args:
        signals: Signals in use.
        limit: Most profiles; as many newcomers are counted besides.
    """

    def __init__(self, signals: Sequence[Signal], limit: int) -> None:
        self._signals = signals
        self._limit = max(1, limit)
        self._newcomers: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._quiet: OrderedDict[str, Profile] = OrderedDict()
        self._offending: OrderedDict[str, Profile] = OrderedDict()

    def __len__(self) -> int:
        return len(self._quiet) + len(self._offending)

    def get(self, account: str) -> Profile | None:
        """Finds a profile."""
        return self._quiet.get(account) or self._offending.get(account)

    def meet(self, observation: Observation) -> Profile | None:
        """Finds the profile of an observation's account, or None while the account is new."""
        account = observation.account
        for shelf in (self._quiet, self._offending):
            if (profile := shelf.get(account)) is not None:
                shelf.move_to_end(account)
                return profile
        requests, first_seen = self._newcomers.pop(account, (0, observation.ts))
        if requests + 1 < PROFILED_AFTER:
            self._newcomers[account] = (requests + 1, min(first_seen, observation.ts))
            _trim(self._newcomers, self._limit)
            return None
        profile = self._quiet[account] = Profile(account, first_seen, requests, self._signals)
        return profile

    def file(self, account: str, risk: float) -> None:
        """Puts a profile where its risk belongs."""
        here, there = (self._quiet, self._offending) if risk > OFFENDING else (self._offending, self._quiet)
        if account in here:
            there[account] = here[account]
            del here[account]

    def overflow(self) -> list[str]:
        """Drops the profiles that are too many; returns their accounts."""
        dropped = []
        while len(self) > self._limit:
            crowded = len(self._offending) > self._limit // 2 or not self._quiet
            dropped.append((self._offending if crowded else self._quiet).popitem(last=False)[0])
        return dropped


def _trim(table: OrderedDict[str, Any], limit: int) -> None:
    while len(table) > limit:
        table.popitem(last=False)
