"""Campaigns: accounts that fill the same strong frames.

Frames that have most of their accounts in common are one operator's; a single account in common fuses nothing. An account
belongs where its own use of those frames ties it, not where one prompt touched them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations
from statistics import median_low

from antidistill.assessment.assess import risk, weigh
from antidistill.assessment.breath import hold
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import Frame
from antidistill.assessment.profile import Profile
from antidistill.assessment.ties import bond, ties
from antidistill.model import Assessment, Campaign, Evidence

STRONG = 0.5
"""Strength from which a frame makes a campaign."""

BOND = 0.6
"""How closely an account must be tied to a campaign's frames."""

SMALLEST = 3
"""Tenants of a campaign, at least."""

SUSPECT = 0.5
"""Risk from which a group is called a campaign. Below, it is a coincidence or a common tool."""

_TOGETHER = 0.5
_PART = 0.4
_FRAMES = 16


class Campaigns:
    """The campaigns known, and their names.

    Args:
        seed: Key of the names, so that they say nothing about the wording.
    """

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8)
        self._names: dict[int, str] = {}
        self._members: dict[str, Campaign] = {}

    def of(self, account: str) -> Campaign | None:
        """The campaign of an account, as of the last search."""
        return self._members.get(account)

    def search(
        self,
        crowd: Crowd,
        profile_of: Callable[[str], Profile | None],
        latest: Mapping[str, Assessment],
        breathe: Callable[[], None] = hold,
    ) -> list[str]:
        """Looks for campaigns anew; returns the accounts whose campaign changed."""
        frames = crowd.frames.strong(STRONG)
        self._names = {frame.anchor: self._names[frame.anchor] for frame in frames if frame.anchor in self._names}
        before, self._members = self._members, {}
        for group in linked(frames, breathe):
            members = tied(group, crowd, profile_of, breathe)
            campaign = Campaign(self._name(group), pooled([_evidence(latest, member) for member in members]), len(members))
            if campaign.risk >= SUSPECT and len({member.tenant for member in members}) >= SMALLEST:
                self._members.update((member.account, campaign) for member in members)
        return [account for account in {**before, **self._members} if before.get(account) != self._members.get(account)]

    def _name(self, group: Sequence[Frame]) -> str:
        """The name that the group's oldest frame has, so that a campaign keeps its name as it grows."""
        anchors = {frame.anchor for frame in group}
        name = next((name for anchor, name in self._names.items() if anchor in anchors), None)
        if name is None:
            oldest = min(group, key=lambda frame: (frame.begun, frame.anchor))
            name = f"campaign_{blake2b(oldest.anchor.to_bytes(8), digest_size=8, key=self._key).hexdigest()}"
        self._names.update((frame.anchor, name) for frame in group)
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


def tied(
    group: Sequence[Frame], crowd: Crowd, profile_of: Callable[[str], Profile | None], breathe: Callable[[], None] = hold
) -> list[Profile]:
    """The accounts that a group of frames ties together. Pure.

    Those that use far fewer of the frames than most do are left out: some frames belong to a public data set, which others use, too.
    """
    anchors = {frame.anchor for frame in group}
    accounts = dict.fromkeys(account for frame in group for account in frame.accounts)
    profiles = [profile for account in accounts if (profile := profile_of(account)) is not None]
    bound = []
    for profile in profiles:
        shared = ties(profile, crowd, anchors)
        if bond(shared) >= BOND:
            bound.append((profile, len(shared)))
        breathe()
    usual = median_low([count for _, count in bound]) if bound else 0
    return [profile for profile, count in bound if count >= _PART * usual]


def pooled(members: Sequence[Sequence[Evidence]]) -> float:
    """Risk of a group: of each signal, what half of the members reach. Pure.

    A few weak members do not hide a group, a few strong ones do not make one.
    """
    weights: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    pieces = {}
    for evidence in members:
        for piece in evidence:
            pieces[piece.family, piece.signal] = piece
            weights[piece.family, piece.signal].append(piece.weight)
    silent = len(members)
    typical = (
        Evidence(piece.signal, piece.family, median_low([*weights[key], *[0.0] * (silent - len(weights[key]))]), "")
        for key, piece in pieces.items()
    )
    return risk(weigh(typical))


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
    for anchors in used.values():
        common.update(combinations(anchors[:_FRAMES], 2))
        breathe()
    return common
