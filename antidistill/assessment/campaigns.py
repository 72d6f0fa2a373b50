"""Campaigns: accounts that fill the same strong frames, or that hand work to one another; their names, and the memory of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from antidistill.assessment.assess import NOTICEABLE
from antidistill.assessment.breath import breathing, hold
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.groups import SMALLEST, belongs, linked, pooled, tied
from antidistill.assessment.profile import Profile
from antidistill.assessment.ties import Tie
from antidistill.model import SUB, Assessment, Campaign, Evidence
from antidistill.striped import Striped

STRONG = 0.5
"""Strength from which a frame makes a campaign."""

SUSPECT = 0.5
"""Risk from which a group is called a campaign. Below, it is a coincidence or a common tool."""

PROVEN = 0.8
"""Risk from which a campaign is remembered when it is found no more."""

MEMORY = 30 * 86_400.0
"""Seconds for which it is."""

_SHARED = 2
_SAMPLE = 256


class Group(NamedTuple):
    """Accounts that belong together.

    Attributes:
        name: What the campaign is called.
        marks: What it is known by: anchors of its frames, or hashes of its accounts; the oldest first.
        members: Its accounts.
        usual: Of its frames, how many the usual member is tied to.
        pool: How many of them hand work to one another.
        handovers: How often they did.
    """

    name: str
    marks: list[int]
    members: list[Profile]
    usual: int = 0
    pool: int = 0
    handovers: float = 0.0


class Campaigns:
    """The campaigns known, and their names.

    Args:
        seed: Key of the names, so that they say nothing about the wording.
        room: Accounts expected.
    """

    def __init__(self, seed: int, room: int) -> None:
        self._key = seed.to_bytes(8)
        self._room = room
        self._names: dict[int, str] = {}
        self._members: Striped[str, Campaign] = Striped(room)
        self._found: dict[str, tuple[Campaign, int]] = {}  # By name: as told, and how many of its frames the usual member is tied to.
        self._confirmed: dict[str, float] = {}  # When each campaign was last found.

    def of(self, profile: Profile, ties: Sequence[Tie]) -> Campaign | None:
        """The campaign of an account: as of the last search, or one whose frames tie it since. Sub-identities are in none of their own."""
        known = self._members.get(profile.account)
        return known if known is not None or not ties or SUB in profile.account else self._join(profile, ties)

    def _join(self, profile: Profile, ties: Sequence[Tie]) -> Campaign | None:
        """Takes an account in that its own ties bind to a campaign: frames remember some of their accounts only."""
        own: defaultdict[str, list[Tie]] = defaultdict(list)
        for tie in ties:
            own[self._names.get(tie.anchor, "")].append(tie)
        for name, shared in own.items():
            campaign, usual = self._found.get(name, (None, 0))
            if campaign is not None and usual and belongs(shared, usual):
                self._members[profile.account] = campaign
                profile.linked = True
                return campaign
        return None

    def search(
        self,
        crowd: Crowd,
        profile_of: Callable[[str], Profile | None],
        latest: Callable[[str], Assessment | None],
        breathe: Callable[[], None] = hold,
        now: float = 0.0,
    ) -> list[str]:
        """Looks for campaigns anew, at unix second `now`; returns the accounts whose campaign changed."""
        groups = self._groups(crowd, profile_of, breathe)
        self._forget(groups, now, breathe)
        before, self._members = self._members, Striped(self._room)
        told, self._found = self._found, {}
        for group in breathing(groups, breathe):
            sample = [_evidence(latest(member.account)) for member in group.members[:_SAMPLE]]
            risk = pooled(sample, group.pool, group.handovers)
            if risk >= SUSPECT and len({member.tenant for member in breathing(group.members, breathe)}) >= SMALLEST:
                campaign = steady(told.get(group.name, (None, 0))[0], Campaign(group.name, risk, len(group.members)))
                self._enter(group, campaign, now, breathe)
        changed = list(self._changed(before, breathe))
        for account in breathing(changed, breathe):
            if (profile := profile_of(account)) is not None:
                profile.linked = account in self._members
        return changed

    def _forget(self, groups: Iterable[Group], now: float, breathe: Callable[[], None]) -> None:
        """Drops the names of what is neither found nor remembered."""
        marks = {mark for group in groups for mark in breathing(group.marks, breathe)}
        self._confirmed = {name: ts for name, ts in self._confirmed.items() if now - ts <= MEMORY}
        names = breathing(self._names.items(), breathe)
        self._names = {mark: name for mark, name in names if mark in marks or name in self._confirmed}

    def _enter(self, group: Group, campaign: Campaign, now: float, breathe: Callable[[], None]) -> None:
        self._found[group.name] = campaign, group.usual
        if campaign.risk >= PROVEN:
            self._confirmed[group.name] = now
        for member in breathing(group.members, breathe):
            self._members[member.account] = campaign

    def _changed(self, before: Striped[str, Campaign], breathe: Callable[[], None]) -> Iterator[str]:
        """The accounts whose campaign is another than before.

        Members of a campaign that was proven once stay, whatever traffic has washed over its wording since.
        """
        for account, campaign in breathing(before.items(), breathe):
            after = self._members.get(account)
            if after is None and campaign.id in self._confirmed:
                self._members[account] = campaign
            elif after != campaign:
                yield account
        for account in breathing(self._members, breathe):
            if account not in before:
                yield account

    def _groups(self, crowd: Crowd, profile_of: Callable[[str], Profile | None], breathe: Callable[[], None]) -> list[Group]:
        """Those whom frames tie together, each with the pools that it has two accounts in common with; then the other pools."""
        found = crowd.handovers.pools(breathe)
        pools = [(_known(map(profile_of, breathing(pool.accounts, breathe))), pool.handovers) for pool in found]
        groups, joined = [], self._by_name(breathe)
        for frames in linked(crowd.frames.strong(STRONG), breathe):
            marks = [frame.anchor for frame in sorted(frames, key=lambda frame: (frame.begun, frame.anchor))]
            name = self._name(marks)
            bound, usual = tied(frames, profile_of, joined.get(name, ()), breathe)
            members = dict.fromkeys(breathing(bound, breathe))
            own = [pool for pool in breathing(pools, breathe) if sum(profile in members for profile in pool[0]) >= _SHARED]
            pools = [pool for pool in pools if pool not in own]
            members.update(dict.fromkeys(profile for pool, _ in own for profile in pool))
            handed = sum(handovers for _, handovers in own)
            groups.append(Group(name, marks, list(members), usual, sum(len(pool) for pool, _ in own), handed))
        return groups + [self._pool_alone(pool, handovers) for pool, handovers in pools if pool]

    def _pool_alone(self, pool: list[Profile], handovers: float) -> Group:
        marks = [self._mark(profile) for profile in sorted(pool, key=_age)]
        return Group(self._name(marks), marks, pool, 0, len(pool), handovers)

    def _by_name(self, breathe: Callable[[], None]) -> Mapping[str, list[str]]:
        """The accounts of each campaign."""
        accounts: defaultdict[str, list[str]] = defaultdict(list)
        for account, campaign in breathing(self._members.items(), breathe):
            accounts[campaign.id].append(account)
        return accounts

    def _mark(self, profile: Profile) -> int:
        return int.from_bytes(blake2b(profile.account.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest())

    def _name(self, marks: Sequence[int]) -> str:
        """The name that the oldest mark has, so that a campaign keeps its name as it grows."""
        known = set(marks)
        name = next((name for mark, name in self._names.items() if mark in known), None)
        if name is None:
            name = f"campaign_{blake2b(marks[0].to_bytes(8), digest_size=8, key=self._key).hexdigest()}"
        self._names.update((mark, name) for mark in marks)
        return name


def steady(before: Campaign | None, after: Campaign) -> Campaign:
    """The campaign as it was told before, while neither its risk nor its size has changed noticeably. Pure."""
    if before is None or abs(after.risk - before.risk) >= NOTICEABLE or abs(after.accounts - before.accounts) > before.accounts // 4:
        return after
    return before


def _known(profiles: Iterable[Profile | None]) -> list[Profile]:
    return [profile for profile in profiles if profile is not None]


def _age(profile: Profile) -> tuple[float, str]:
    return profile.first_seen, profile.account


def _evidence(assessment: Assessment | None) -> tuple[Evidence, ...]:
    return assessment.evidence if assessment is not None else ()
