"""A frame: wording that several tenants share, around values that change; and who uses it how."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from itertools import chain
from typing import Protocol

from msgspec import Struct, field
from xxhash import xxh3_64_intdigest

from antidistill.assessment.breath import breathing, hold
from antidistill.assessment.drafts import Draft
from antidistill.assessment.filling import Filling
from antidistill.assessment.observation import Observation
from antidistill.assessment.ramp import ramp
from antidistill.text.sketch import Recent, Tally

_MEMBERS = 256
_ENOUGH = 8
_CROWD = 500
_NOTICEABLE = 0.05
_SEVERAL = 4
_FEW, _MANY = 7, 10


class Standing(Struct, frozen=True, gc=False):
    """What all uses of a frame together say about it.

    Attributes:
        strength: How much it looks like the work of one operator, from 0 to 1.
        tenants: Tenants that filled it with new values; from 256 on an estimate.
        company: Those tenants; the first 256.
        fillings: Uses with a new value.
        repeats: Uses without.
        followed: Tenants with whom somebody asked back in a conversation that a use began.
        alternation: How often another tenant follows, relative to dealing at random: about 1 where a dispatcher deals.
        spread: Squared coefficient of variation of uses per tenant beyond what chance gives: near 0 under an even load.
    """

    strength: float = 0.0
    tenants: int = 0
    company: dict[int, None] = field(default_factory=dict)
    fillings: int = 0
    repeats: int = 0
    followed: int = 0
    alternation: float = 0.0
    spread: float = math.inf


class Users(Protocol):
    """The frames that tenants fill."""

    def get(self, tenant: int, /) -> Collection[int] | None:
        """Those of one tenant."""


class Uses(Struct, gc=False):
    """How often a tenant used a frame: with fresh values, and with stale ones."""

    fresh: int = 0
    stale: int = 0


class Frame(Struct, gc=False, eq=False):
    """How a frame is used, by tenant and by account. About 50 KiB at most, and nothing of it is searched for garbage.

    Attributes:
        anchor: Hash of its outermost shingle.
        begun: Unix seconds at which several tenants shared it.
        accounts: Accounts that filled it with new values, in order, with their hashes; a sample of them where they are more than 256.
        standing: What was said about it when it was last rated.
        told: Its strength when that was last told.
    """

    anchor: int
    begun: float
    accounts: dict[str, int] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    told: float = 0.0
    _sparse: int = 0
    _fillings: int = 0
    _labels: int = 0
    _repeats: int = 0
    _followed: dict[int, None] = field(default_factory=dict)
    _tenants: dict[int, Uses] = field(default_factory=dict)
    _distinct: Tally = field(default_factory=lambda: Tally(2048))
    _values: Recent = field(default_factory=lambda: Recent(1 << 14))
    _last: int = 0
    _switches: int = 0

    def use(self, observation: Observation, filling: Filling) -> bool:
        """Counts a use; says whether it brought a new value."""
        tenant = observation.tenant
        # All traffic together forgets faster than one frame does: the frame's own memory has the last word.
        new = self._values.add(filling.value) and filling.new
        if tenant in self._tenants or len(self._tenants) < _MEMBERS:
            uses = self._tenants.setdefault(tenant, Uses())
            uses.fresh += new
            uses.stale += not new
        if new:
            self._fill(tenant, observation.account)
            self._labels += observation.label
        else:
            self._repeats += 1
        return new

    def adopt(self, drafts: Mapping[int, Draft]) -> None:
        """Counts what tenants did with it before several shared it."""
        for tenant, draft in drafts.items():
            self._tenants[tenant] = Uses(draft.uses)
            self._distinct.add(tenant)
            self._fillings += draft.uses
            self._enrol(draft.account)

    def tenants(self) -> Collection[int]:
        """Tenants that used it; the first 256."""
        return self._tenants

    def follow(self, tenant: int) -> None:
        """Notes that somebody asked back."""
        if len(self._followed) < _MEMBERS:
            self._followed[tenant] = None

    def rate(self, population: int, used: Users, breathe: Callable[[], None] = hold) -> Standing:
        """Says how the frame stands.

        Args:
            population: Tenants that have sent anything.
            used: The frames that each tenant fills.
            breathe: Called between pieces of work.
        """
        company = {tenant: None for tenant, uses in self._tenants.items() if uses.fresh}
        uses = [uses.fresh for uses in self._tenants.values() if uses.fresh]
        tenants = len(uses) if len(uses) < _MEMBERS else max(len(uses), self._distinct.count())
        return Standing(
            strength=self._strength(uses, _met_again(self.anchor, company, used, breathe)) * _rarity(tenants, population),
            tenants=tenants,
            company=company,
            fillings=self._fillings,
            repeats=self._repeats,
            followed=len(self._followed),
            alternation=self._alternation(uses),
            spread=_spread(uses),
        )

    def settle(self, population: int, used: Users, breathe: Callable[[], None] = hold) -> bool:
        """Rates the frame anew; says whether its strength has changed noticeably since that was said last."""
        self.standing = self.rate(population, used, breathe)
        before, after = self.told, self.standing.strength
        if abs(after - before) < _NOTICEABLE and (after > 0) == (before > 0):
            return False
        self.told = after
        return True

    def _fill(self, tenant: int, account: str) -> None:
        self._switches += self._fillings > 0 and tenant != self._last
        self._last = tenant
        self._fillings += 1
        self._distinct.add(tenant)
        self._enrol(account)

    def _enrol(self, account: str) -> None:
        """Remembers an account; of many one in two, four, eight …, the same ones for every frame (adaptive sampling: Flajolet, 1990)."""
        hashed = xxh3_64_intdigest(account.encode("utf-8", "surrogatepass"))
        if not hashed & self._sparse:
            self.accounts[account] = hashed
        while len(self.accounts) > _MEMBERS:
            self._sparse = 2 * self._sparse + 1
            self.accounts = {account: hashed for account, hashed in self.accounts.items() if not hashed & self._sparse}

    def _strength(self, uses: list[int], together: int) -> float:
        """Many tenants, that come back here or meet again elsewhere, each evenly, with values that do not repeat and nobody discusses.

        A public prompt is used once by most; pupils' and colleagues' prompts repeat one another's values; a popular tool's users are
        uneven; people ask back. Every part is counted over tenants, so that one of them cannot spoil it for all.
        """
        if len(uses) < 3:
            return 0.0
        limited = [min(count, _ENOUGH) for count in uses]
        returning = ramp(sum([count > 1 for count in uses]) / len(uses), 0.2, 0.4)
        meeting = ramp(together / len(uses), 0.7, 1.0)
        unrepeated = sum([used.fresh > 0 and used.fresh >= used.stale for used in self._tenants.values()]) / len(self._tenants)
        silent = 1 - ramp(len(self._followed) / len(self._tenants), 0.05, 0.2)
        return self._many(limited) * max(returning, meeting) * ramp(unrepeated, 0.4, 0.65) * silent

    def _many(self, uses: list[int]) -> float:
        """1 from ten tenants on, or from seven where each uses it eight times for answers that are more than labels."""
        effort = ramp(sum(uses) / len(uses), _ENOUGH / 2, _ENOUGH) * (1 - self._labels / self._fillings)
        return ramp(math.log(_even(uses)), math.log(2.5), math.log(_MANY - (_MANY - _FEW) * effort))

    def _alternation(self, uses: list[int]) -> float:
        even = _even(uses)
        return self._switches / (self._fillings - 1) / (1 - 1 / even) if even > 1 and self._fillings > 1 else 0.0


def _met_again(anchor: int, company: Collection[int], used: Users, breathe: Callable[[], None]) -> int:
    """Of tenants that share a frame, those that share another one with at least three others of them."""
    filled = [used.get(tenant) or () for tenant in breathing(company, breathe)]
    common = Counter(chain.from_iterable(filled))
    shared = {other for other, count in common.items() if count >= _SEVERAL and other != anchor}
    return sum([not shared.isdisjoint(frames) for frames in filled])


def _rarity(tenants: int, population: int) -> float:
    """What many share is public; in a small population there is no telling."""
    return 1 - ramp(tenants / population, 0.1, 0.25) if population >= _CROWD else 1.0


def _even(uses: Collection[int]) -> float:
    """Effective number of users: as many as there are, where all use it alike, and 1 where one of them makes up all use."""
    squares = sum([count * count for count in uses])
    return sum(uses) ** 2 / squares if squares else 0.0


def _spread(uses: list[int]) -> float:
    if not uses:
        return math.inf
    mean = sum(uses) / len(uses)
    variance = sum([(count - mean) ** 2 for count in uses]) / len(uses)
    return max(0.0, variance - mean) / (mean * mean)
