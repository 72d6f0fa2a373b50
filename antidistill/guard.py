"""The request loop: `admit` before the app answers, `transform` while it does, `settle` always."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from msgspec.structs import replace

from antidistill.admission import Admission, Reading, answer, bound, conclude, inward, merge, order_of, read
from antidistill.assessment import Assessor, RemoteAssessor
from antidistill.assessment.subs import name_of, sub_of
from antidistill.dialects import AnswerReader, AnswerRewriter, Dialect, Routes
from antidistill.errors import PolicyError
from antidistill.events import EventLog, Events, Flags, Hook
from antidistill.files import Files
from antidistill.identity import Identity
from antidistill.keyring import Keyring
from antidistill.model import (
    NOBODY,
    UNAVAILABLE,
    Answer,
    Assessment,
    Call,
    Clock,
    Decision,
    Exchange,
    Facts,
    Match,
    Mode,
    Refusal,
    Request,
    Reservation,
    Subject,
)
from antidistill.plugins import dialects_of, signals_of
from antidistill.policy import Jitter, Policy, applicable, decide, decide_after, decide_between
from antidistill.quotas import Meter, breaches
from antidistill.rewriting import rewriter
from antidistill.stages import Closed, Stages
from antidistill.stores import Store
from antidistill.text.sketch import seed_of
from antidistill.watermark.fingerprints import Copy
from antidistill.watermark.marker import Marker

NOTHING = Decision()
POLL_SECONDS = 2.0
UNMATCHED = Refusal(403, "forbidden", "This route is not served here.")

Poll: TypeAlias = Callable[[float], Policy | None]
Publish: TypeAlias = Callable[[Sequence[Assessment]], None]

_log = logging.getLogger("antidistill")


class Guard:
    """Judges requests and remembers what came of them. Knows no web framework; made for one event loop.

    Args:
        policy: What to do.
        keyring: Where ids and hashes come from.
        store: Where quotas are counted.
        clock: Unix seconds.
        identify: Names the account of a request before the policy's sources do; counts as authenticated.
        hooks: Called with every event, also from the assessment thread.
        poll: Gives a new policy where there is one, from the unix seconds of now; asked every other second.
        make: Makes what assesses; by default a loop on a thread of this process.
        synchronous: True to learn within `settle`, without a thread; then `assessor.advance` must be called (replay).

    Attributes:
        policy: The policy in force.
        failures: How often each stage failed and was skipped.
    """

    def __init__(
        self,
        policy: Policy,
        keyring: Keyring,
        store: Store,
        *,
        clock: Clock = time.time,
        identify: Callable[[Request], str | None] | None = None,
        hooks: Iterable[Hook] = (),
        poll: Poll | None = None,
        make: Callable[[Guard], Assessor | RemoteAssessor] | None = None,
        synchronous: bool = False,
    ) -> None:
        self.clock = clock
        self.meter = Meter(store, keyring, policy.bounds.accounts)
        self.failures: Counter[str] = Counter()
        self.policy = policy
        self.identity = Identity(policy.identity, keyring, clock, identify)
        self._stages = Stages(self.failures)
        self._keyring = keyring
        self._sketch = seed_of(keyring.derive("sketch"))
        self._identify = identify
        self._hooks = tuple(hooks)
        self._flags = Flags(clock, policy.bounds.accounts)
        self._held = 0
        self._poll = poll
        self._polled = clock()
        self.files = Files(keyring, clock)
        self.assessor = loop_of(policy, keyring, clock, self.publish) if make is None else make(self)
        self._learn = self.assessor.learn if synchronous and isinstance(self.assessor, Assessor) else self.assessor.submit
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Puts a policy in force. Counters and assessments stay; requests under way end under the old one.

        Raises:
            PolicyError: A file that it names cannot be used. The policy so far stays in force.
        """
        self.files.adopt(policy)
        sinks: list[Hook] = [EventLog(self.clock), *self.files.alerts, *self._hooks]
        self.assessor.seeds = self.files.seeds
        self.assessor.record = None if self.files.recorder is None else self.files.recorder.add
        if policy.identity != self.policy.identity:
            self.identity = Identity(policy.identity, self._keyring, self.clock, self._identify)
        share = policy.assessment.jitter
        self._jitter = Jitter(self._keyring.derive("jitter"), share) if share else None
        self.policy = policy
        self.meter.terms = policy.terms
        self.routes = Routes(dialects_of(policy.dialects))
        elsewhere = policy.alone if isinstance(self.assessor, RemoteAssessor) else frozenset[str]()
        self.events = Events(sinks, self._flags, elsewhere)
        self.marker = Marker(policy.watermark, self._keyring, self.clock) if policy.marks else None
        self._ours = policy.mode is Mode.ENFORCE and policy.watermark.sampling != "none"
        self._tells = policy.decision_header or policy.headers != "none"
        self._gate = Stages(self.failures, closed=policy.on_error == "closed" and policy.mode is Mode.ENFORCE)

    def route(self, method: str, path: str) -> Dialect | None:
        """Finds the dialect that reads a route, or None."""
        return self.routes.match(method, path)

    def watches(self, dialect: Dialect | None) -> bool:
        """Says whether the guard has anything to do with a route, by its dialect. Takes up a changed policy first, now and then."""
        if self._poll is not None:
            self.refresh()
        if self.policy.mode is Mode.OFF:
            return False
        return dialect is not None or self.policy.unmatched != "pass"

    def refresh(self) -> None:
        """Takes up a changed policy, every other second at most."""
        now = self.clock()
        if self._poll is None or now < self._polled + POLL_SECONDS:
            return
        self._polled = now
        try:
            if changed := self._poll(now):
                self.adopt(changed)
                _log.warning("policy revision %s is in force, mode %s", changed.revision, changed.mode)
        except PolicyError as error:
            _log.error("%s: the last good policy stays in force", error)

    # --- the request loop --------------------------------------------------------------------------------------------

    async def admit(self, request: Request, dialect: Dialect | None) -> Admission:
        """Reads a request, names its subject, decides, and reserves what it may cost. Raises nothing."""
        subject, reservation = NOBODY, None
        try:
            reading = self._gate.run("dialect", Reading(request), read, request, dialect, self.policy.bounds.body_bytes)
            subject = self._gate.run("identity", NOBODY, self.identity.name, request)
            facts = Facts(
                request.ts,
                reading.request,
                reading.call,
                subject,
                self.latest(subject.account),
                sub=self._sub(subject),
                jitter=self._jitter,
            )
            decision = self._gate.run("policy", NOTHING, self._decide, facts, dialect)
            reservation = await self._reserve(request, facts, decision)
            matches = self._gate.run("policy", decision.matches, self._match, facts, decision, reservation)
            copies: list[Copy] | None = None if self.files.fingerprints is None else []
            found = Admission(reading.request, dialect, reading.call, subject, matches, reservation, copies=copies)
            return self._conclude(reading, found)
        except Closed:
            reply = answer(UNAVAILABLE, dialect, request)
            return Admission(request, dialect, None, subject, reservation=reservation, reply=reply)

    def transform(self, admission: Admission, status: int, content_type: bytes, encoding: bytes) -> AnswerRewriter | None:
        """Makes what rewrites the answer's text, or only copies it where the admission is not `rewritten`; None where nobody reads it."""
        if not (admission.rewritten or admission.copies is not None) or status != 200:
            return None
        return self._stages.run("transform", None, rewriter, admission, self.marker, content_type, encoding)

    async def settle(self, admission: Admission, answer: Answer) -> None:
        """Proves the account, charges what the exchange cost, lets the assessment learn, and tells. Raises nothing."""
        proven = self._stages.run("identity", False, self._prove, admission, answer)
        if admission.reservation is not None:
            await self._commit(admission.reservation, admission.call, answer, proven)
        if proven and admission.dialect is not None:
            self._stages.run("assessment", None, self._learn, Exchange(admission.request, admission.subject, admission.call, answer))
        if proven and admission.copies and self.files.fingerprints is not None and admission.subject.account is not None:
            self.files.fingerprints.add([copy.text for copy in admission.copies], admission.subject.account)
        if admission.matches:
            assessment = self.latest(admission.subject.account)
            self._stages.run("events", None, self.events.tell, admission.request, admission.subject, admission.matches, assessment)

    def read(self, admission: Admission, content_type: bytes, encoding: bytes) -> AnswerReader | None:
        """Makes what counts the answer's tokens while it passes, or None where no dialect knows the route."""
        if admission.dialect is None:
            return None
        return AnswerReader(admission.dialect, admission.call, content_type, encoding, self.policy.bounds.answer_bytes)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Counts a request as held for as long as it waits."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def latest(self, account: str | None) -> Assessment | None:
        """Looks up the latest assessment of an account: the analysis itself happens elsewhere."""
        return None if account is None else self.assessor.latest(account)

    def publish(self, assessments: Sequence[Assessment]) -> None:
        """Lets the rules that read assessments fire for accounts that may send nothing any more. Runs where assessments are made."""
        for assessment in assessments:
            facts, matches = self._between(assessment)
            self.events.flag(facts, matches)

    def know(self, assessments: Sequence[Assessment]) -> None:
        """Remembers what another process has told of accounts already. May run on any thread."""
        for assessment in assessments:
            facts, matches = self._between(assessment)
            self.events.know(facts, matches)

    def close(self) -> None:
        """Ends the assessment thread; what it had not read yet is lost."""
        self.assessor.close()
        self.files.close()

    # --- stages ------------------------------------------------------------------------------------------------------

    def _sub(self, subject: Subject) -> Assessment | None:
        """The latest assessment of the sub-identity that is attested."""
        sub = sub_of(subject, self._sketch) if subject.attributes else 0
        return self.latest(name_of(subject.account, sub)) if sub and subject.account is not None else None

    def _between(self, assessment: Assessment) -> tuple[Facts, tuple[Match, ...]]:
        """What the rules that read assessments say where there is no request; of a sub-identity, also about its account."""
        subject = Subject(assessment.owner, "", "", proven=True)
        own, sub = (self.latest(assessment.owner), assessment) if assessment.sub else (assessment, None)
        facts = Facts(assessment.ts, subject=subject, assessment=own, sub=sub, jitter=self._jitter)
        return facts, self._stages.run("policy", NOTHING, decide_between, self.policy, facts).matches

    def _decide(self, facts: Facts, dialect: Dialect | None) -> Decision:
        decision = decide(self.policy, facts)
        if dialect is None and self.policy.unmatched == "deny":
            match = Match("unmatched", "deny", "restrict", "request", self.policy.mode is Mode.ENFORCE, UNMATCHED)
            return Decision((*decision.matches, match))
        return decision

    async def _reserve(self, request: Request, facts: Facts, decision: Decision) -> Reservation | None:
        if any(isinstance(match.effect, Refusal) for match in decision.enforced):
            return None
        try:
            return await self.meter.reserve(request, facts, applicable(self.policy, facts), decision.matches)
        except Exception as error:
            self._gate.fail("quotas", error)
            return None

    def _match(self, facts: Facts, decision: Decision, reservation: Reservation | None) -> tuple[Match, ...]:
        matches = decision.matches + breaches(reservation)
        if reservation is not None and self.policy.after:
            states = {state.scope.quota.id: state for state in reservation.states}
            matches += decide_after(self.policy, replace(facts, quotas=states)).matches
        if matches:
            self.events.flag(facts, matches)
        return matches

    def _conclude(self, reading: Reading, admission: Admission) -> Admission:
        if not admission.matches and not self._tells and not self._ours:
            return admission
        wishes = bound(merge(admission.matches, admission.request), self.policy.bounds, self._held)
        order = order_of(admission, wishes.mark, self.marker)
        body = None
        if wishes.caps or wishes.redacted or order is not None or self._ours:
            sealed = self.marker.seal(order) if self.marker is not None else None
            ours = self._ours or order is not None
            body = self._gate.run("action", None, inward, reading, admission.dialect, wishes, ours, sealed)
        return self._gate.run("action", admission, conclude, self.policy, admission, wishes, body, order)

    def _prove(self, admission: Admission, answer: Answer) -> bool:
        """Only an answer of the host on a guarded route proves: others may answer 2xx to anybody."""
        if answer.ours or admission.dialect is None:
            return admission.subject.proven
        return self.identity.confirm(admission.subject, answer.status)

    async def _commit(self, reservation: Reservation, call: Call | None, answer: Answer, proven: bool) -> None:
        try:
            await self.meter.commit(reservation, call, answer, proven)
        except Exception as error:
            self._stages.fail("quotas", error)


def loop_of(policy: Policy, keyring: Keyring, clock: Clock, publish: Publish) -> Assessor:
    """Makes the assessment loop that a policy describes."""
    return Assessor(
        keyring.derive("sketch"),
        tick=policy.assessment.tick,
        max_accounts=policy.bounds.accounts,
        max_queue=policy.bounds.queue,
        clock=clock,
        publish=publish,
        signals=signals_of(policy.assessment.signals),
    )
