"""The assessment loop: takes exchanges in, publishes assessments at every tick."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from antidistill.assessment.assess import assess
from antidistill.assessment.campaigns import Campaigns
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.intake import Intake
from antidistill.assessment.observation import observe
from antidistill.assessment.profile import Profile, Profiles
from antidistill.assessment.signals import SIGNALS
from antidistill.assessment.signals.signal import Signal
from antidistill.model import Assessment, Campaign, Clock, Evidence, Exchange
from antidistill.text.sketch import seed_of

NOTICEABLE = 0.01
"""Change of risk that is worth telling."""

QUEUED_TEXT = 1 << 26
"""Characters of text that wait to be read, at most."""

_BATCH = 64


class Assessor:
    """Learns from exchanges and keeps the latest assessment of every account worth one.

    In a server: `submit` on the event loop, and a thread of its own does the rest. In a replay: `learn` and `advance`, which
    give the same result for the same log and seed. Not both.

    Args:
        seed: Secret of all hashes.
        tick: Seconds between two publications.
        max_accounts: Most accounts remembered; about 4 KiB each. Quiet ones make room first.
        max_queue: Most exchanges that wait.
        clock: Unix seconds.
        publish: Called at ticks, on the assessment thread, with the assessments that changed noticeably.
        signals: Signals in use.

    Attributes:
        failures: Exchanges and publications that failed and were skipped.
    """

    def __init__(
        self,
        seed: int | bytes,
        *,
        tick: float = 600.0,
        max_accounts: int = 100_000,
        max_queue: int = 10_000,
        clock: Clock = time.time,
        publish: Callable[[Sequence[Assessment]], None] | None = None,
        signals: Sequence[Signal] = SIGNALS,
    ) -> None:
        self.failures = 0
        self._seed = seed_of(seed)
        self._tick = tick
        self._clock = clock
        self._publish = publish
        self._signals = tuple(signals)
        self._crowd = Crowd()
        self._profiles = Profiles(self._signals, max_accounts)
        self._campaigns = Campaigns(self._seed)
        self._members: dict[str, Campaign] = {}
        self._touched: dict[str, None] = {}
        self._latest: dict[str, Assessment] = {}
        self._ticked = -math.inf
        self._searched = -math.inf
        self._intake = Intake(max_queue, QUEUED_TEXT)
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._drained = threading.Event()
        self._draining = False
        self._closed = False

    @property
    def shed(self) -> int:
        """Exchanges that were not taken because too much was waiting."""
        return self._intake.shed

    # --- any thread --------------------------------------------------------------------------------------------------

    def latest(self, account: str) -> Assessment | None:
        """Returns the assessment last published about an account, or None where there is nothing to say."""
        return self._latest.get(account)

    # --- the event loop ----------------------------------------------------------------------------------------------

    def submit(self, exchange: Exchange) -> None:
        """Hands an exchange to the thread, which starts with the first. Never waits, never raises."""
        if self._closed or not self._intake.put(exchange):
            return
        if self._thread is None or not self._thread.is_alive():
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def drain(self, timeout: float) -> bool:
        """Waits until everything submitted is learnt and published; False where that took longer than `timeout` seconds."""
        if self._thread is None or not self._thread.is_alive():
            return True
        self._drained.clear()
        self._draining = True
        self._wake.set()
        return self._drained.wait(timeout)

    def close(self) -> None:
        """Ends the thread. What waits is dropped; call `drain` first to keep it."""
        self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    # --- the assessment thread, or a replay --------------------------------------------------------------------------

    def learn(self, exchange: Exchange) -> None:
        """Takes an exchange in. A failure is counted and skipped."""
        try:
            self._learn(exchange)
        except Exception:
            self.failures += 1

    def advance(self, now: float) -> None:
        """Publishes where a tick, a multiple of `tick` seconds, has passed since the last call. A clock that goes back waits."""
        ticked = math.floor(now / self._tick)
        if ticked > self._ticked:
            self._ticked = ticked
            self._round(ticked * self._tick)

    def _learn(self, exchange: Exchange) -> None:
        observation = observe(exchange, self._seed)
        if observation is None:
            return
        reading = self._crowd.read(observation)
        profile = self._profiles.meet(observation)
        if profile is None:
            return
        profile.learn(observation, reading, self._signals)
        self._touched[profile.account] = None
        for account in self._profiles.overflow():
            self._latest.pop(account, None)
            self._touched.pop(account, None)

    def _round(self, ts: float, pause: Callable[[], None] = lambda: None) -> None:
        """Assesses what was touched, and what others' doings say something new about."""
        accounts = dict.fromkeys([*self._touched, *self._crowd.rate()])
        self._touched = {}
        changed = {}
        for account in accounts:
            if self._assess(account, ts): changed[account]=None
            pause()
        if ts - self._searched >= 3600 or ts<self._searched:
            self._searched = ts
            before = self._members
            self._members = self._campaigns.find(self._crowd, self._profiles.get, lambda p: a.evidence if (a:=self._latest.get(p.account)) else ())
            for account in {**before, **self._members}:
                if before.get(account) != self._members.get(account) and self._assess(account, ts): changed[account]=None
                pause()
        if changed and self._publish is not None:
            try: self._publish([self._latest[a] for a in changed if a in self._latest])
            except Exception: self.failures += 1

    def _assess(self, account: str, ts: float) -> bool:
        """Assesses an account; says whether it differs from the last time."""
        profile = self._profiles.get(account)
        if profile is None:
            return False
        assessment = assess(profile, self._weigh(profile), ts, self._members.get(account))
        if not noticeable(self._latest.get(account), assessment):
            return False
        self._latest[account] = assessment
        self._profiles.file(account, assessment.risk)
        return True

    def _weigh(self, profile: Profile) -> Iterable[Evidence]:
        pairs = zip(self._signals, profile.states, strict=True)
        return [piece for signal, state in pairs if (piece := signal.weigh(state, profile, self._crowd)) is not None]

    def _start(self) -> None: ...


def noticeable(before: Assessment | None, after: Assessment) -> bool:
    """Says whether a new assessment is worth telling. Pure."""
    if before is None:
        return after.risk >= NOTICEABLE or after.campaign is not None
    return abs(after.risk - before.risk) >= NOTICEABLE or after.families != before.families or after.campaign != before.campaign
