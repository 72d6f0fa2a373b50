"""Groups: which frames are one operator's, which accounts they tie together, and how risky those are. Pure.

Frames that have most of their accounts in common are one operator's; a single account in common fuses nothing. An account
belongs where its own use of those frames ties it, not where one prompt touched them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, islice
from statistics import median_low

from antidistill.assessment.assess import risk, weigh
from antidistill.assessment.breath import breathing, hold
from antidistill.assessment.frame import Frame
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import BOUND
from antidistill.assessment.ties import Tie, bond, ties
from antidistill.model import Evidence, Family

BOND = 0.6
"""How closely an account must be tied to a campaign's frames."""

SMALLEST = 3
"""Tenants of a campaign, at least."""

_TOGETHER = 0.5
_PART = 0.4
_FRAMES = 16
_POOL = 6
_HANDOVERS = 5
_HANDED: tuple[tuple[Family, str], ...] = (("coordination", "failover"), ("temporal", "handoff"))


def linked(frames: Sequence[Frame], breathe: Callable[[], None] = hold) -> list[list[Frame]]:
    """Groups frames that share at least half of the smaller one's accounts, and three."""
    groups = {frame.anchor: [frame] for frame in frames}
    sizes = {frame.anchor: len(frame.accounts) for frame in frames}
    for (one, other), common in breathing(_common_accounts(frames, breathe).items(), breathe):
        here, there = groups[one], groups[other]
        if here is not there and common >= max(SMALLEST, _TOGETHER * min(sizes[one], sizes[other])):
            here.extend(there)
            groups.update((frame.anchor, here) for frame in there)
    return list({id(group): group for group in groups.values()}.values())


def tied(
    group: Sequence[Frame],
    profile_of: Callable[[str], Profile | None],
    joined: Iterable[str] = (),
    breathe: Callable[[], None] = hold,
) -> tuple[list[Profile], int]:
    """The accounts that a group of frames ties together, of those that the frames remember and that `joined` before.

    Those that use far fewer of the frames than most do are left out: some frames belong to a public data set, which others use, too.
    Also returns to how many of the frames the usual one is tied.
    """
    frames = {frame.anchor: frame for frame in group}
    bound = []
    accounts = dict.fromkeys(breathing(chain(*(frame.accounts for frame in group), joined), breathe))
    for account in breathing(accounts, breathe):
        profile = profile_of(account)
        if profile is not None and bond(shared := ties(profile, frames)) >= BOND:
            bound.append((profile, len(shared)))
    usual = median_low([count for _, count in breathing(bound, breathe)]) if bound else 0
    return [profile for profile, count in breathing(bound, breathe) if _enough(count, usual)], usual


def pooled(members: Sequence[Sequence[Evidence]], pool: int = 0, handovers: float = 0.0) -> float:
    """Risk of a group: of each signal, what half of the members reach; and what its pool says that one member cannot.

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


def belongs(shared: Sequence[Tie], usual: int) -> bool:
    """Whether ties to a group's frames make an account one of those of which the usual one is tied to so many of the frames."""
    return _enough(len(shared), usual) and bond(shared) >= BOND


def _enough(count: int, usual: int) -> bool:
    return count >= _PART * usual


def _common_accounts(frames: Sequence[Frame], breathe: Callable[[], None]) -> Mapping[tuple[int, int], int]:
    """How many accounts each pair of frames has in common."""
    used: dict[str, int] = {}  # A bit for each frame: lists would be searched for garbage.
    for place, frame in enumerate(breathing(frames, breathe)):
        for account in frame.accounts:
            used[account] = used.get(account, 0) | 1 << place
    common: Counter[tuple[int, int]] = Counter()
    # The accounts of an operator use the same frames.
    for bits, accounts in breathing(Counter(breathing(used.values(), breathe)).items(), breathe):
        for pair in combinations(islice(_anchors(bits, frames), _FRAMES), 2):
            common[pair] += accounts
    return common


def _anchors(bits: int, frames: Sequence[Frame]) -> Iterator[int]:
    while bits:
        yield frames[(bits & -bits).bit_length() - 1].anchor
        bits &= bits - 1
