"""Handovers: work that one account was refused, or had begun, and another goes on with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct
from xxhash import xxh3_64_intdigest

from antidistill.assessment.breath import breathing, hold
from antidistill.assessment.observation import Observation
from antidistill.striped import Striped

DISTINCTIVE = 5
"""Shingles of a prompt that nobody else asks by chance: nine words."""

FAILOVER_SECONDS = 60.0
"""Seconds after a refusal within which the same prompt of another tenant is a failover."""

HALF_LIFE = 7 * 86_400.0
"""Seconds in which a handover loses half of its weight."""

ENOUGH = 1.5
"""Weight of the handovers with others that ties an account to them: one is a coincidence."""

WIDE = 5
"""Accounts that belong together where one handover each joins them: chance joins two, and does not go on."""

_FAINT = 0.25
_REFUSED = frozenset({401, 403, 429, 500, 502, 503, 504, 529})


class Handover(NamedTuple):
    """Work that came from another account.

    Attributes:
        giver: The account that it came from.
        delay: Seconds from the giver's request to the taker's; None where a conversation was handed on.
    """

    giver: str
    delay: float | None


class Pool(NamedTuple):
    """Accounts that hand work to one another.

    Attributes:
        accounts: The accounts, in order.
        handovers: Weight of the handovers between them.
    """

    accounts: list[str]
    handovers: float


class Left(Struct, frozen=True, gc=False):
    """Something unfinished, and whose it is.

    Attributes:
        account: The account that left it; nobody's once two tenants had it, or one went on with it.
        tenant: Hash of its organisation.
        ts: Unix seconds at which it was refused.
    """

    account: str
    tenant: int
    ts: float = 0.0


class Pair(Struct, gc=False):
    """Two accounts of which one handed over to the other.

    Attributes:
        one: The account that comes first by name.
        other: The other one.
        weight: Weight of their handovers at the latest.
        since: Unix seconds of the latest.
    """

    one: str
    other: str
    weight: float
    since: float


class Unfinished:
    """Prompts refused lately and conversations begun lately, and by whom. Bounded.

    Args:
        limit: Most prompts, and most conversations.
    """

    def __init__(self, limit: int = 1 << 12) -> None:
        self._refused: Striped[int, Left] = Striped(limit)
        self._begun: Striped[int, Left] = Striped(limit)
        self._limit = limit

    def meet(self, observation: Observation) -> Handover | None:
        """Notes what is unfinished; says whether this exchange goes on with what another tenant left."""
        if observation.turns > 1:
            return self._continued(observation) if observation.answered else None
        if len(observation.skeleton) < DISTINCTIVE:
            return None
        if observation.answered:
            self._begin(observation)
            return self._taken(observation)
        if observation.status in _REFUSED and self._own(observation):
            left = self._refused.get(observation.prompt)
            if left is None or left.account:
                self._refused.keep(observation.prompt, Left(observation.account, observation.tenant, observation.ts), self._limit)
        return None

    def _taken(self, observation: Observation) -> Handover | None:
        """A prompt counts once: a class that sends one exercise while the service is down hands nothing over."""
        left = self._refused.get(observation.prompt)
        if left is None or not left.account:
            return None
        self._refused[observation.prompt] = _NOBODYS
        delay = observation.ts - left.ts
        return Handover(left.account, delay) if left.tenant != observation.tenant and 0 <= delay <= FAILOVER_SECONDS else None

    def _own(self, observation: Observation) -> bool:
        """Says whether no other tenant has begun with that lately: what a class was set, many are refused."""
        left = self._begun.get(observation.lineage)
        return left is None or (bool(left.account) and left.tenant == observation.tenant)

    def _begin(self, observation: Observation) -> None:
        """What two tenants begin alike belongs to neither."""
        left = self._begun.get(observation.lineage)
        owner = observation.account if left is None or left.tenant == observation.tenant else ""
        self._begun.keep(observation.lineage, Left(owner, observation.tenant), self._limit)

    def _continued(self, observation: Observation) -> Handover | None:
        left = self._begun.get(observation.lineage)
        if left is None or not left.account or left.tenant == observation.tenant:
            return None
        self._begun[observation.lineage] = Left(observation.account, observation.tenant)
        return Handover(left.account, None)


class Handovers:
    """Which accounts hand work to one another, and how often; older handovers count less. Bounded.

    Args:
        limit: Most pairs; the one that handed over longest ago goes first.
    """

    def __init__(self, limit: int = 1 << 13) -> None:
        self._pairs: Striped[int, Pair] = Striped(limit)
        self._limit = limit
        self._now = 0.0

    def note(self, giver: str, taker: str, ts: float) -> None:
        """Notes a handover at unix second `ts`."""
        self._now = max(self._now, ts)
        one, other = sorted((giver, taker))
        key = xxh3_64_intdigest(f"{len(one)}:{one}{other}".encode("utf-8", "surrogatepass"))
        pair = self._pairs.pop(key) or Pair(one, other, 0.0, ts)
        pair.weight = pair.weight * _left(self._now - pair.since) + 1.0
        pair.since = self._now
        self._pairs.keep(key, pair, self._limit)

    def pools(self, breathe: Callable[[], None] = hold) -> list[Pool]:
        """Groups of accounts that hand work to one another.

        Five and more that are joined in any way; and three or four of which each hands over to and takes from the others often enough.
        """
        near: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for pair in breathing(self._pairs.values(), breathe):
            if (left := pair.weight * _left(self._now - pair.since)) >= _FAINT:
                near[pair.one][pair.other] = near[pair.other][pair.one] = left
        pools = [_pool(accounts, near) for accounts in _connected(near, breathe) if len(accounts) >= WIDE]
        joined = {account for pool in pools for account in pool.accounts}
        few = {account: others for account, others in breathing(near.items(), breathe) if account not in joined}
        _prune(few, breathe)
        return pools + [_pool(accounts, few) for accounts in _connected(few, breathe) if len(accounts) > 2]


def _pool(accounts: list[str], near: Mapping[str, Mapping[str, float]]) -> Pool:
    return Pool(accounts, sum([sum(near[account].values()) for account in accounts]) / 2)


def _prune(near: dict[str, dict[str, float]], breathe: Callable[[], None]) -> None:
    """Drops accounts that too little ties to those that are left, until none does."""
    loose = [account for account, others in breathing(near.items(), breathe) if sum(others.values()) < ENOUGH]
    while loose:
        breathe()
        account = loose.pop()
        for other in near.pop(account, {}):
            if other in near and near[other].pop(account, None) is not None and sum(near[other].values()) < ENOUGH:
                loose.append(other)


def _connected(near: Mapping[str, Mapping[str, float]], breathe: Callable[[], None]) -> list[list[str]]:
    pools, met = [], set[str]()
    for first in near:
        if first not in met:
            pools.append(sorted(_reached(first, near, met, breathe)))
    return pools


def _reached(first: str, near: Mapping[str, Mapping[str, float]], met: set[str], breathe: Callable[[], None]) -> Iterator[str]:
    """The account and all that are joined to it in any way, which are `met` then."""
    met.add(first)
    open_ = [first]
    while open_:
        account = open_.pop()
        found = [other for other in near[account] if other not in met]
        open_.extend(found)
        met.update(found)
        breathe()
        yield account


def _left(age: float) -> float:
    return float(0.5 ** (age / HALF_LIFE))


_NOBODYS = Left("", 0)
