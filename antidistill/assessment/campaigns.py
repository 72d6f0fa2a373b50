"""Campaigns: accounts that fill the same strong frames, or that hand work to one another.

Frames that have most of their accounts in common are one operator's; a single account in common fuses nothing. An account
belongs where its own use of those frames ties it, not where one prompt touched them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from statistics import median_low
from typing import NamedTuple

from antidistill.assessment.assess import NOTICEABLE, risk, weigh
from antidistill.assessment.breath import hold
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import Frame
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import BOUND
from antidistill.assessment.ties import bond, ties
from antidistill.model import Assessment, Campaign, Evidence, Family

STRONG = 0.5
"""Strength from which a frame makes a campaign."""

BOND = 0.6
"""How closely an account must be tied to a campaign's frames."""

SMALLEST = 3
"""Tenants of a campaign, at least."""

SUSPECT = 0.5
"""Risk from which a group is called a campaign. Below, it is a coincidence or a common tool."""

PROVEN = 0.8
"""Risk from which a campaign is remembered when it is found no more."""

MEMORY = 30 * 86_400.0
"""Seconds for which it is."""

_TOGETHER = 0.5
_PART = 0.4
_FRAMES = 16
_SHARED = 2
_POOL = 6
_HANDOVERS = 5
_HANDED: tuple[tuple[Family, str], ...] = (("coordination", "failover"), ("temporal", "handoff"))


class Group(NamedTuple):
    """Accounts that belong together.

    Attributes:
        marks: What it is known by: anchors of its frames, or hashes of its accounts; the oldest first.
        members: Its accounts.
        pool: How many of them hand work to one another.
        handovers: How often they did.
    """

    marks: list[int]
    members: list[Profile]
    pool: int = 0
    handovers: float = 0.0


class Campaigns:
    """The campaigns known, and their names.

    Args:
        seed: Key of the names, so that they say nothing about the wording.
    """

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8)
        self._names: dict[int, str] = {}
        self._members: dict[str, Campaign] = {}
        self._confirmed: dict[str, float] = {}  # When each campaign was last found.

    def of(self, account: str) -> Campaign | None:
        """The campaign of an account, as of the last search."""
        return self._members.get(account)

    def search(
        self,
        crowd: Crowd,
        profile_of: Callable[[str], Profile | None],
        latest: Mapping[str, Assessment],
        breathe: Callable[[], None] = hold,
        now: float = 0.0,
    ) -> list[str]:
        """Looks for campaigns anew, at unix second `now`; returns the accounts whose campaign changed."""
        groups = self._groups(crowd, profile_of, breathe)
        marks = {mark for group in groups for mark in group.marks}
        self._confirmed = {name: ts for name, ts in self._confirmed.items() if now - ts <= MEMORY}
        self._names = {mark: name for mark, name in self._names.items() if mark in marks or name in self._confirmed}
        before, self._members = self._members, {}
        told = {campaign.id: campaign for campaign in before.values()}
        for group in groups:
            risk = pooled([_evidence(latest, member) for member in group.members], group.pool, group.handovers)
            campaign = Campaign(self._name(group), risk, len(group.members))
            campaign = steady(told.get(campaign.id), campaign)
            if risk >= SUSPECT and len({member.tenant for member in group.members}) >= SMALLEST:
                self._members.update((member.account, campaign) for member in group.members)
                if risk >= PROVEN:
                    self._confirmed[campaign.id] = now
        self._remember(before)
        changed = [account for account in {**before, **self._members} if before.get(account) != self._members.get(account)]
        for account in changed:
            if (profile := profile_of(account)) is not None:
                profile.linked = account in self._members
        return changed

    def _remember(self, before: Mapping[str, Campaign]) -> None:
        """Keeps members of a campaign that was proven once, whatever traffic has washed over its wording since."""
        for account, campaign in before.items():
            if account not in self._members and campaign.id in self._confirmed:
                self._members[account] = campaign

    def _groups(self, crowd: Crowd, profile_of: Callable[[str], Profile | None], breathe: Callable[[], None]) -> list[Group]:
        """Those whom frames tie together, each with the pools that it has two accounts in common with; then the other pools."""
        pools = [(_known(map(profile_of, pool.accounts)), pool.handovers) for pool in crowd.handovers.pools()]
        groups = []
        for frames in linked(crowd.frames.strong(STRONG), breathe):
            members = dict.fromkeys(tied(frames, profile_of, breathe))
            own = [pool for pool in pools if sum(profile in members for profile in pool[0]) >= _SHARED]
            pools = [pool for pool in pools if pool not in own]
            members.update(dict.fromkeys(profile for pool, _ in own for profile in pool))
            oldest = sorted(frames, key=lambda frame: (frame.begun, frame.anchor))
            handed = sum(handovers for _, handovers in own)
            groups.append(Group([frame.anchor for frame in oldest], list(members), sum(len(pool) for pool, _ in own), handed))
        for pool, handovers in pools:
            if pool:
                groups.append(Group([self._mark(profile) for profile in sorted(pool, key=_age)], pool, len(pool), handovers))
        return groups

    def _mark(self, profile: Profile) -> int:
        return int.from_bytes(blake2b(profile.account.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest())

    def _name(self, group: Group) -> str:
        """The name that the group's oldest mark has, so that a campaign keeps its name as it grows."""
        marks = set(group.marks)
        name = next((name for mark, name in self._names.items() if mark in marks), None)
        if name is None:
            name = f"campaign_{blake2b(group.marks[0].to_bytes(8), digest_size=8, key=self._key).hexdigest()}"
        self._names.update((mark, name) for mark in group.marks)
        return name


def linked(frames: Sequence[Frame], breathe: Callable[[], None] = hold) -> list[list[Frame]]:
    """Groups frames that share at least half of the smaller one's accounts, and three. Pure."""
    groups = {frame.anchor: [frame] for frame in frames}
    sizes = {frame.anchor: len(frame.accounts) for frame in frames}
    for (one, other), common in _common_accounts(frames, breathe).items():
        here, there = groups[one], groups[other]
        if here is not there and common >= max(SMALLEST, _TOGETHER * min(sizes[one], sizes[other])):
            here.extend(there)
            groups.update((frame.anchor, here) for frame in there)
    return list({id(group): group for group in groups.values()}.values())


def tied(group: Sequence[Frame], profile_of: Callable[[str], Profile | None], breathe: Callable[[], None] = hold) -> list[Profile]:
    """The accounts that a group of frames ties together. Pure.

    Those that use far fewer of the frames than most do are left out: some frames belong to a public data set, which others use, too.
    """
    frames = {frame.anchor: frame for frame in group}
    accounts = dict.fromkeys(account for frame in group for account in frame.accounts)
    profiles = [profile for account in accounts if (profile := profile_of(account)) is not None]
    bound = []
    for profile in profiles:
        shared = ties(profile, frames)
        if bond(shared) >= BOND:
            bound.append((profile, len(shared)))
        breathe()
    usual = median_low([count for _, count in bound]) if bound else 0
    return [profile for profile, count in bound if count >= _PART * usual]


def pooled(members: Sequence[Sequence[Evidence]], pool: int = 0, handovers: float = 0.0) -> float:
    """Risk of a group: of each signal, what half of the members reach; and what its pool says that one member cannot. Pure.

    A few weak members do not hide a group, a few strong ones do not make one. Of a pool of p accounts with h handovers, 3 ·
    ramp(p, 2, 6) and 3 · ramp(h, 1, 5) for coordination, and 3 · ramp(h, 1, 5) for the haste: by hand one work is carried on, not many.
    """
    weights: defaultdict[tuple[Family, str], list[float]] = defaultdict(list)
    for evidence in members:
        for piece in evidence:
            weights[piece.family, piece.signal].append(piece.weight)
    typical = {key: median_low([*found, *[0.0] * (len(members) - len(found))]) for key, found in weights.items()}
    if pool:
        typical["coordination", "pool"] = BOUND * ramp(pool, 2, _POOL)
        for key in _HANDED:
            typical[key] = max(typical.get(key, 0.0), BOUND * ramp(handovers, 1, _HANDOVERS))
    return risk(weigh([Evidence(signal, family, weight, "") for (family, signal), weight in typical.items()]))


def _known(profiles: Iterable[Profile | None]) -> list[Profile]:
    return [profile for profile in profiles if profile is not None]


def steady(before: Campaign | None, after: Campaign) -> Campaign:
    """The campaign as it was told before, while neither its risk nor its size has changed noticeably. Pure."""
    if before is None or abs(after.risk - before.risk) >= NOTICEABLE or abs(after.accounts - before.accounts) > before.accounts // 4:
        return after
    return before


def _age(profile: Profile) -> tuple[float, str]:
    return profile.first_seen, profile.account


def _evidence(latest: Mapping[str, Assessment], profile: Profile) -> tuple[Evidence, ...]:
    assessment = latest.get(profile.account)
    return assessment.evidence if assessment is not None else ()


def _common_accounts(frames: Iterable[Frame], breathe: Callable[[], None]) -> Mapping[tuple[int, int], int]:
    """How many accounts each pair of frames has in common."""
    used: defaultdict[str, list[int]] = defaultdict(list)
    for frame in frames:
        for account in frame.accounts:
            used[account].append(frame.anchor)
        breathe()
    common: Counter[tuple[int, int]] = Counter()
    # The accounts of an operator use the same frames.
    for anchors, accounts in Counter([tuple(anchors[:_FRAMES]) for anchors in used.values()]).items():
        for pair in combinations(anchors, 2):
            common[pair] += accounts
        breathe()
    return common
