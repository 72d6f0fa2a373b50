"""The assessment loop: takes exchanges in, publishes assessments at every tick."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from msgspec.structs import replace

from antidistill.assessment.assess import assess, follow, noticeable
from antidistill.assessment.breath import Breath, breathing, hold
from antidistill.assessment.campaigns import STRONG, Campaigns
from antidistill.assessment.crowd import Crowd, Reading
from antidistill.assessment.due import Due
from antidistill.assessment.intake import Intake
from antidistill.assessment.observation import Observation, observe
from antidistill.assessment.profile import Profile, Profiles
from antidistill.assessment.signals import SIGNALS, Signal
from antidistill.assessment.subs import MOST, name_of
from antidistill.assessment.ties import ties
from antidistill.identity.sub_identities import SubIdentities
from antidistill.model import Assessment, Clock, Exchange
from antidistill.striped import Striped
from antidistill.text.seeds import SeedFilters
from antidistill.text.sketch import seed_of

QUEUED_TEXT = 1 << 26
"""Characters of bodies and calls that may wait to be read."""

TICK = 300.0
"""Seconds between two publications, unless the policy says otherwise."""

SEARCH = 12
"""Ticks after which campaigns are looked for, besides where a strong frame changes."""

REVIEW = 36
"""Ticks after which all accounts that sent something are assessed, however little it was."""

BUSY = 50
"""Requests after which an account is assessed at once, so that none gets far between two ticks."""

_BATCH = 64
_TOLD = 16
_IDLE = 60.0
_PUTTING_AWAY = 60.0


class Assessor:
    """Learns from exchanges and keeps the latest assessment of every account worth one.

    In a server: `submit` on the event loop; a thread of its own does the rest. In a replay: `learn` and `advance`, which give the
    same result for the same log and seed. Not both.

    Args:
        seed: Secret of all hashes.
        tick: Seconds between two publications.
        max_accounts: Most accounts remembered, about 5 KiB each. Quiet ones make room before offenders.
        max_queue: Most exchanges that wait to be read.
        clock: Unix seconds.
        publish: Called with the assessments that changed noticeably, at ticks, some at a time, on the assessment thread.
        signals: Signals in use.
        record: Called with every observation that an exchange made; quick, and raises nothing.

    Attributes:
        failures: Exchanges, rounds and publications that failed and were skipped.
        keep: Called on the assessment thread after each publication and at the end, to put away what is known; None keeps nothing.
        record: Called with every observation that an exchange made, or None.
        seeds: Knows the wording of seed corpora, or None.
    """

    def __init__(
        self,
        seed: int | bytes,
        *,
        tick: float = TICK,
        max_accounts: int = 100_000,
        max_queue: int = 10_000,
        clock: Clock = time.time,
        publish: Callable[[Sequence[Assessment]], None] | None = None,
        signals: Sequence[Signal] = SIGNALS,
        record: Callable[[Observation], None] | None = None,
    ) -> None:
        self.failures = 0
        self.keep: Callable[[Assessor], None] | None = None
        self.record = record
        self.seeds: SeedFilters | None = None
        self._seed = seed_of(seed)
        self._tick = tick
        self._clock = clock
        self._publish = publish
        self._signals = tuple(signals)
        self._crowd = Crowd()
        self._profiles = Profiles(self._signals, max_accounts)
        self._subs = SubIdentities(max_accounts)
        self._campaigns = Campaigns(self._seed, max_accounts)
        self._search = self._review = -math.inf
        self._ticks = -math.inf
        self._room = max_accounts
        self._due = Due(max_accounts)
        self._latest: Striped[str, Assessment] = Striped(max_accounts)
        self._intake = Intake(max_queue, QUEUED_TEXT)
        self._breathe: Callable[[], None] = hold
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._drained = threading.Event()
        self._draining = False
        self._closed = False

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Signals in use."""
        return self._signals

    @property
    def shed(self) -> int:
        """Exchanges that were not taken because too much was waiting."""
        return self._intake.shed

    @property
    def waiting(self) -> int:
        """Exchanges that wait to be read."""
        return len(self._intake)

    def latest(self, account: str) -> Assessment | None:
        """Returns the assessment last published about an account, or None where there is nothing to say. Any thread may ask."""
        return self._latest.get(account)

    def assessments(self) -> list[Assessment]:
        """The latest assessment of every account that has one."""
        return list(self._latest.values())

    # --- on the event loop -------------------------------------------------------------------------------------------

    def submit(self, exchange: Exchange) -> None:
        """Hands an exchange to the thread, which starts with the first one. Never waits, never raises; sheds when there is too much."""
        if self._closed or not self._intake.put(exchange):
            return
        if self._thread is None or not self._thread.is_alive():
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def drain(self, timeout: float) -> bool:
        """Waits until everything submitted is learnt and published; False where that takes longer than `timeout` seconds."""
        if self._thread is None or not self._thread.is_alive():
            return True
        self._drained.clear()
        self._draining = True
        self._wake.set()
        return self._drained.wait(timeout)

    def close(self) -> None:
        """Ends the thread. What waits is dropped; `drain` first to keep it."""
        self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0 if self.keep is None else _PUTTING_AWAY)

    # --- on the assessment thread, or in a replay --------------------------------------------------------------------

    def learn(self, exchange: Exchange) -> None:
        """Takes an exchange in. One that fails is counted and skipped."""
        try:
            observation = observe(exchange, self._seed, self.seeds)
            if observation is not None:
                if self.record is not None:
                    self.record(observation)
                self._learn(observation)
        except Exception:
            self.failures += 1

    def recall(self, observation: Observation) -> None:
        """Takes an observation in that was made elsewhere, or recorded. One that fails is counted and skipped."""
        try:
            self._learn(observation)
        except Exception:
            self.failures += 1

    def advance(self, now: float) -> None:
        """Publishes where a tick, a multiple of `tick` seconds, has passed since the last call. A clock that goes back changes nothing."""
        ticks = now // self._tick
        if ticks > self._ticks:
            self._ticks = ticks
            self._round(ticks * self._tick)

    def _learn(self, observation: Observation) -> None:
        reading = self._crowd.read(observation)
        self._profile(observation, reading)
        if observation.sub and self._subs.admit(observation.account, observation.sub, observation.ts, MOST):
            self._profile(replace(observation, account=name_of(observation.account, observation.sub)), reading)
        for account in self._profiles.overflow():
            self._latest.pop(account)
            self._due.drop(account)

    def _profile(self, observation: Observation, reading: Reading) -> None:
        profile = self._profiles.meet(observation)
        if profile is not None:
            profile.learn(observation, reading, self._signals)
            self._due.touch(profile)
            if profile.linked and reading.release is not None:
                self._due.add(profile.account)  # A campaign that moves is told at the next tick.
            if profile.requests % BUSY == 0:
                self._tell(self._assess([profile.account], observation.ts))

    def _round(self, ts: float) -> None:
        """One publication. What fails is tried again with the next."""
        try:
            stirred, every = self._stir(), ts >= self._review
            changed = self._assess(self._due.take(every), ts)
            if every:
                self._review = ts + REVIEW * self._tick
            if due := ts >= self._search:
                self._search = ts + SEARCH * self._tick
            if stirred or due:
                moved = self._campaigns.search(self._crowd, self._profiles.get, self._latest.get, self._breathe, ts)
                for account in self._assess(moved, ts):
                    changed[account] = None
            self._tell(changed)
        except Exception:
            self.failures += 1

    def _stir(self) -> bool:
        """Adds silent accounts about which others' doings say something new; says whether campaigns may have changed."""
        strong = False
        for frame in self._crowd.rate(self._breathe):
            for account in frame.accounts:
                self._due.add(account)
            strong = strong or frame.standing.strength >= STRONG
        return strong

    def _tell(self, accounts: Iterable[str]) -> None:
        """Publishes what is known of accounts, a few at a time."""
        if self._publish is None:
            return
        names = iter(accounts)
        while part := list(islice(names, _TOLD)):
            self._publish([assessment for account in part if (assessment := self._latest.get(account)) is not None])
            self._breathe()

    def _assess(self, accounts: Iterable[str], ts: float) -> Striped[str, None]:
        """Assesses accounts; returns those about which there is something new."""
        changed: Striped[str, None] = Striped(self._room)
        for account in breathing(accounts, self._breathe):
            profile = self._profiles.get(account)
            if profile is not None and self._differs(profile, self._assessment(profile, ts)):
                changed[account] = None
        return changed

    def _differs(self, profile: Profile, assessment: Assessment) -> bool:
        before = self._latest.get(profile.account)
        assessment = follow(before, assessment)
        if not noticeable(before, assessment):
            return False
        self._latest[profile.account] = assessment
        self._profiles.file(profile, assessment.risk)
        return True

    def _assessment(self, profile: Profile, ts: float) -> Assessment:
        shared = ties(profile, self._crowd.frames)
        found = [signal.weigh(state, profile, shared) for signal, state in zip(self._signals, profile.states, strict=True)]
        evidence = [piece for piece in found if piece is not None]
        return assess(profile, evidence, ts, self._campaigns.of(profile, shared))

    # --- the thread --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._breathe = Breath()
        self._thread = threading.Thread(target=self._run, name="antidistill-assessment", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        kept = self._ticks
        while not self._closed:
            if self._ticks > kept:
                kept = self._ticks
                self._put_away()
            self._wake.wait(min(self._tick, _IDLE))
            self._wake.clear()
            draining = self._draining
            while not self._closed and self._work():
                self.advance(self._clock())
            self.advance(self._clock())
            if draining:
                self._draining = False
                self._round(self._clock())
                self._drained.set()
        self._put_away()

    def _put_away(self) -> None:
        if self.keep is not None:
            self.keep(self)

    def _work(self) -> bool:
        """Learns a batch; False where there was nothing to learn."""
        for done in range(_BATCH):
            exchange = self._intake.take()
            if exchange is None:
                return done > 0
            self.learn(exchange)
            self._breathe()
        return True
