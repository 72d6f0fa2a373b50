"""What happened in the demo, by group of customers: the clients' view, and the guard's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median, quantiles

from msgspec import Struct

from antidistill.cli.demo.gateway import Passage
from antidistill.cli.demo.population import Customer
from antidistill.cli.demo.traffic import Calls
from antidistill.model import RESTRICT, Assessment, Campaign, Event

FLAG = "flag"
"""Action of the event that tells that a rule which reads an assessment matched."""


class Phase(Struct):
    """One phase of the demo.

    Attributes:
        seconds: How long it took.
        calls: What became of the calls, by group.
        events: What the guard did or would have done.
    """

    seconds: float
    calls: dict[str, Calls]
    events: list[Event]


class Suspect(Struct, frozen=True):
    """An account that a rule flagged.

    Attributes:
        customer: The account.
        rules: The rules.
        assessment: Its latest assessment.
    """

    customer: Customer
    rules: tuple[str, ...]
    assessment: Assessment | None

    @property
    def risk(self) -> float:
        """Its risk, 0 to 1."""
        return self.assessment.risk if self.assessment is not None else 0.0

    @property
    def campaign(self) -> Campaign | None:
        """The campaign that it belongs to."""
        return self.assessment.campaign if self.assessment is not None else None


class Ledger:
    """Listens to the guard and to the gateway, on whatever thread they call.

    Args:
        customers: All accounts.

    Attributes:
        overheads: Seconds of computing that the guard took for each request.
    """

    def __init__(self, customers: Sequence[Customer]) -> None:
        self.customers = customers
        self.overheads: list[float] = []
        self._names: dict[str, Customer] = {}
        self._events: list[Event] = []

    def hear(self, event: Event) -> None:
        """Takes an event of the guard."""
        self._events.append(event)

    def watch(self, passage: Passage) -> None:
        """Takes an exchange that ended."""
        self.overheads.append(passage.overhead)
        if passage.customer is not None and passage.account is not None:
            self._names[passage.account] = passage.customer

    def cut(self) -> list[Event]:
        """Takes out the events so far."""
        events, self._events = self._events, []
        return events

    def restricted(self, events: Iterable[Event]) -> dict[str, int]:
        """Requests that were, or in shadow mode would have been, restricted, by group."""
        requests: defaultdict[str, set[str]] = defaultdict(set)
        for event in events:
            customer = self._names.get(event.account or "")
            if event.effect == RESTRICT and customer is not None:
                requests[customer.group.name].add(event.id)
        return {name: len(ids) for name, ids in requests.items()}

    def suspects(self, events: Iterable[Event], latest: Callable[[str], Assessment | None]) -> list[Suspect]:
        """The accounts that rules flagged, the riskiest first.

        Args:
            events: Events of the guard.
            latest: Looks up the latest assessment of an account.
        """
        rules: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for event in events:
            if event.action == FLAG and event.account in self._names:
                rules[event.account][event.rule] = None
        found = [Suspect(self._names[account], tuple(names), latest(account)) for account, names in rules.items()]
        return sorted(found, key=lambda suspect: -suspect.risk)

    def overhead(self) -> tuple[float, float]:
        """Median and 90th percentile of the guard's computing time, in microseconds."""
        if len(self.overheads) < 2:
            return 0.0, 0.0
        return median(self.overheads) * 1e6, quantiles(self.overheads, n=10)[-1] * 1e6
