"""What is remembered of an account, and of how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from antidistill.assessment.crowd import Reading
from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation
from antidistill.striped import Striped

if TYPE_CHECKING:
    from antidistill.assessment.signals.signal import Signal

PROFILED_AFTER = 3
"""Requests after which an account gets a profile. Until then it costs a counter."""

OFFENDING = 0.5
"""Risk above which a profile makes room last."""

_FRAMES = 10


class Fillings(Struct, frozen=True, gc=False):
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


class Profile(Struct, gc=False, eq=False):
    """One account: at most 5 KiB. Out of the garbage collector's sight, like all that is kept of many accounts: it stops the host to look.

    Attributes:
        account: The account.
        first_seen: Unix seconds of its first request.
        last_seen: Unix seconds of its latest request.
        requests: Its requests.
        states: State of every signal.
        tenant: Hash of its organisation, else of the account.
        prompts: Those of its requests that asked something in five words or more and were answered.
        frames: Its use of frames by their anchor; the 10 that it uses most.
        linked: True for a member of a campaign.
        offending: True while its risk is above `OFFENDING`.
    """

    account: str
    first_seen: float
    last_seen: float
    requests: int
    states: tuple[Any, ...]
    tenant: int = 0
    prompts: int = 0
    frames: dict[int, Fillings] = field(default_factory=dict)
    linked: bool = False
    offending: bool = False

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
        used = frames.get(anchor, _NOTHING)
        if not filling.new:
            frames[anchor] = Fillings(used.early, used.new, used.repeats + 1, used.since)
        elif filling.shared:
            frames[anchor] = Fillings(used.early, used.new + 1, used.repeats, used.since)
        else:
            frames[anchor] = Fillings(used.early + 1, used.new, used.repeats, used.since or ts)


_NOTHING = Fillings()


def begin(account: str, first_seen: float, requests: int, signals: Sequence[Signal]) -> Profile:
    """The profile of an account of which nothing is known but its number of `requests` and when the first came."""
    return Profile(account, first_seen, first_seen, requests, tuple([signal.begin() for signal in signals]))


class Newcomer(Struct, frozen=True, gc=False):
    """An account without a profile: its requests, and unix seconds of the first."""

    requests: int
    first_seen: float


class Profiles:
    """Profiles of the accounts seen last. Where there are too many, quiet accounts go first, as long as offenders take half the room.

    Args:
        signals: Signals in use.
        limit: Most profiles; as many newcomers are counted besides.
    """

    def __init__(self, signals: Sequence[Signal], limit: int) -> None:
        self._signals = signals
        self._limit = max(1, limit)
        self._newcomers: Striped[str, Newcomer] = Striped(limit)
        self._known: Striped[str, Profile] = Striped(limit)
        self._offenders = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, account: str) -> Profile | None:
        """Finds a profile."""
        return self._known.get(account)

    def meet(self, observation: Observation) -> Profile | None:
        """Finds the profile of an observation's account, or None while the account is new."""
        account = observation.account
        if (profile := self._known.touch(account)) is not None:
            return profile
        known = self._newcomers.pop(account)
        requests, first_seen = (0, observation.ts) if known is None else (known.requests, min(known.first_seen, observation.ts))
        if requests + 1 < PROFILED_AFTER:
            self._newcomers.keep(account, Newcomer(requests + 1, first_seen), self._limit)
            return None
        self._known[account] = profile = begin(account, first_seen, requests, self._signals)
        return profile

    def file(self, profile: Profile, risk: float) -> None:
        """Notes what is known of an account: whether it offends."""
        offending = risk > OFFENDING
        self._offenders += offending - profile.offending
        profile.offending = offending

    def overflow(self) -> list[str]:
        """Drops the profiles that are too many; returns their accounts."""
        return [self._drop() for _ in range(len(self._known) - self._limit)]

    def _drop(self) -> str:
        """Drops the quiet account that was seen longest ago, or the offender where those take more than half of the room."""
        crowded, stripe = self._offenders > self._limit // 2, self._known.fullest()
        account = next((account for account, profile in stripe.items() if profile.offending == crowded), next(iter(stripe)))
        profile = self._known.pop(account)
        self._offenders -= profile is not None and profile.offending
        return account
