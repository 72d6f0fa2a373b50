"""Campaigns: accounts that fill the same strong frames.

Frames that have most of their accounts in common are one operator's; a single account in common fuses nothing. An account
belongs where its own use of those frames ties it, not where one prompt touched them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations

from antidistill.assessment.assess import bounded, risk, weigh
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.frames import Frame
from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.sharing import exposure
from antidistill.model import Campaign, Evidence

STRONG = 0.5
"""Strength from which a frame makes a campaign."""

BOND = 0.6
"""How closely an account must be tied to a campaign's frames."""

SMALLEST = 3
"""Accounts and tenants of a campaign, at least."""

_TOGETHER = 0.5


class Campaigns:
    """Finds campaigns and keeps their names.

    Args:
        seed: Key of the names, so that they say nothing about the wording.
    """

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8)
        self._names: dict[int, str] = {}

    def find(self, crowd: Crowd, profile_of: Callable[[str], Profile | None], evidence_of: Callable[[Profile], Iterable[Evidence]]) -> dict[str, Campaign]:
        """Finds the campaign of every account that belongs to one."""
        frames = crowd.frames.strong(STRONG)
        self._names = {frame.anchor: self._names[frame.anchor] for frame in frames if frame.anchor in self._names}
        found: dict[str, Campaign] = {}
        for group in linked(frames):
            members = _members(group, profile_of)
            if len(members) >= SMALLEST and len({member.tenant for member in members}) >= SMALLEST:
                campaign = Campaign(self._name(group), pooled([evidence_of(member) for member in members]), len(members))
                if campaign.risk >= 0.5: found.update((member.account, campaign) for member in members)
        return found

    def _name(self, group: Sequence[Frame]) -> str:
        """The name that the group's oldest known frame has, so that a campaign keeps its name as it grows."""
        fresh = f"campaign_{blake2b(group[0].anchor.to_bytes(8), digest_size=8, key=self._key).hexdigest()}"
        anchors = {frame.anchor for frame in group}
        name = next((name for anchor, name in self._names.items() if anchor in anchors), fresh)
        self._names.update((anchor, name) for anchor in anchors if anchor not in self._names)
        return name


def linked(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Groups frames that share at least half of the smaller one's accounts, and three. Pure."""
    shared = _shared_accounts(frames)
    group = {frame.anchor: [frame] for frame in frames}
    by_anchor = {frame.anchor: frame for frame in frames}
    for (one, other), accounts in shared.items():
        smaller = min(len(by_anchor[one].accounts), len(by_anchor[other].accounts))
        if group[one] is not group[other] and accounts >= max(SMALLEST, _TOGETHER * smaller):
            group[one].extend(group[other])
            group.update((frame.anchor, group[one]) for frame in group[other])
    return list({id(members): members for members in group.values()}.values())


def pooled(evidence: Sequence[Iterable[Evidence]]) -> float:
    """Risk of a campaign: of each signal, what half of the members reach. Pure.

    A few weak members do not hide a group, a few strong ones do not make one.
    """
    weights: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    pieces = {}
    for member in evidence:
        for piece in bounded(member):
            weights[piece.family, piece.signal].append(piece.weight)
            pieces[piece.family, piece.signal] = piece
    typical = (Evidence(piece.signal, piece.family, _median(weights[key], len(evidence)), "") for key, piece in pieces.items())
    return risk(weigh(bounded(typical)))


def _median(weights: list[float], members: int) -> float:
    ranked = sorted(weights + [0.0] * (members - len(weights)), reverse=True)
    return ranked[members // 2]


def _shared_accounts(frames: Iterable[Frame]) -> Mapping[tuple[int, int], int]:
    """How many accounts each pair of frames has in common."""
    used: defaultdict[str, list[int]] = defaultdict(list)
    for frame in frames:
        for account in frame.accounts:
            used[account].append(frame.anchor)
    return Counter(pair for anchors in used.values() for pair in combinations(anchors, 2))


def _members(group: Sequence[Frame], profile_of: Callable[[str], Profile | None]) -> list[Profile]:
    accounts = dict.fromkeys(account for frame in group for account in frame.accounts)
    profiles = [profile for account in accounts if (profile := profile_of(account)) is not None]
    return [profile for profile in profiles if _bond(profile, group) >= BOND]


def _bond(profile: Profile, group: Sequence[Frame]) -> float:
    loose = 1.0
    for frame in group:
        used = profile.frames.get(frame.anchor)
        if used is not None:
            loose *= 1 - frame.standing.strength * exposure(used)
    return 1 - loose
