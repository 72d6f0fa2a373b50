"""Which counters a request draws on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

from antidistill.keyring import Keyring
from antidistill.model import Call, Limits, Match, Per, Quota, Scope, Subject
from antidistill.quotas.costs import Costs

Key: TypeAlias = Callable[[str, str], str]
"""Names the counter of an owner under a quota."""

_Who: TypeAlias = Mapping[Per, str | None]
_NONE = Limits()


def counter_key(keyring: Keyring) -> Key:
    """Returns the hash that names counters: XXH3 of 128 bits, seeded by quota with a secret that all processes share."""
    secret = int.from_bytes(keyring.derive("counters")[:8], "big")
    seeds: dict[str, int] = {}

    def key(quota: str, owner: str) -> str:
        seed = seeds.get(quota)
        if seed is None:
            seed = seeds[quota] = xxh3_64_intdigest(quota.encode(), secret)
        try:
            return xxh3_128_hexdigest(owner.encode(), seed)
        except UnicodeEncodeError:  # a lone surrogate, which JSON can carry
            return xxh3_128_hexdigest(owner.encode("utf-8", "surrogatepass"), seed)

    return key


def scopes(
    quotas: Sequence[tuple[Quota, bool]],
    subject: Subject,
    call: Call | None,
    campaign: str | None,
    costs: Costs,
    limits: Sequence[Match],
    key: Key,
) -> tuple[Scope, ...]:
    """Lists the counters that a request draws on, and what it costs there.

    A quota counts only where all values of its `per` are known. Where the request presents secrets of several accounts, quotas per
    account count for each of them. An effect in force scales the quotas that count per its scope;
    of several, the strictest goes. It takes the place of the quota where it is enforced. In shadow mode it is an observer with
    a counter of its own beside the quota, so that neither can charge or tighten the other.

    Args:
        quotas: Allowances and whether their breach is enforced.
        subject: Who it is counted for.
        call: The call, where a dialect read one.
        campaign: The campaign that the account belongs to.
        costs: What the request costs.
        limits: Matches with `Limits` effects.
        key: Hash that names counters, from `counter_key`.
    """
    who: _Who = {
        "account": subject.account,
        "fingerprint": subject.fingerprint,
        "network": subject.network,
        "org": subject.attributes.get("org"),
        "model": call.model if call else None,
        "campaign": campaign,
    }
    drawn: list[Scope] = []
    for other in subject.others:  # before the account itself, so that who looks states up by quota finds that
        mine = [(quota, enforced) for quota, enforced in quotas if "account" in quota.per]
        drawn.extend(_drawn(mine, {**who, "account": other}, costs, limits, key))
    drawn.extend(_drawn(quotas, who, costs, limits, key))
    if limits:
        drawn.extend(_extras(who, costs, limits, key))
    return tuple(drawn)


def _drawn(quotas: Iterable[tuple[Quota, bool]], who: _Who, costs: Costs, limits: Sequence[Match], key: Key) -> Iterator[Scope]:
    for quota, enforced in quotas:
        owner = who[quota.per[0]] if len(quota.per) == 1 else _join(quota.per, who)
        if owner:
            base = Scope(quota, key(quota.id, owner), costs.of(quota.unit), enforced, "quota", quota.id)
            if limits:
                yield from _tighten(base, owner, limits, key)
            else:
                yield base


def _join(per: tuple[Per, ...], who: _Who) -> str | None:
    """Joins the values of `per` so that no two combinations read the same; None where a value is missing."""
    values = [who[name] or "" for name in per]
    return "".join(f"{len(value)}:{value}" for value in values) if all(values) else None


def _tighten(base: Scope, owner: str, limits: Sequence[Match], key: Key) -> Iterator[Scope]:
    scaling = [match for match in limits if base.quota.per.count(_effect(match).per) and _scale(match) < 1]
    acting = min((match for match in scaling if match.enforced), key=_scale, default=None)
    watching = min((match for match in scaling if not match.enforced), key=_scale, default=None)
    # The observer comes first, so that who looks states up by quota finds the quota.
    if watching and (not acting or _scale(watching) < _scale(acting)):
        yield _scaled(base, watching, key(f"\0shadow {len(watching.rule)}:{watching.rule}{base.quota.id}", owner))
    yield _scaled(base, acting, base.key) if acting else base


def _scaled(base: Scope, match: Match, key: str) -> Scope:
    quota, scale = base.quota, _scale(match)
    # What fits the quota must fit it scaled, after a longer wait: to throttle is not to refuse for good.
    burst = max(1, int(quota.burst * scale), min(base.cost, quota.burst))
    tight = Quota(quota.id, quota.per, quota.unit, max(1, int(quota.limit * scale)), quota.window, burst, advertise=False)
    return Scope(tight, key, base.cost, match.enforced, match.cause, match.rule)


def _extras(who: _Who, costs: Costs, limits: Sequence[Match], key: Key) -> Iterator[Scope]:
    nth: Counter[str] = Counter()  # a rule may add several quotas under one id
    for match in limits:
        extra = _effect(match).extra
        if extra:
            nth[match.rule] += 1
            owner = _join(extra.per, who)
            if owner:
                name = key(f"\0extra {nth[match.rule]} {len(match.rule)}:{match.rule}{extra.id}", owner)
                yield Scope(extra, name, costs.of(extra.unit), match.enforced, match.cause, match.rule)


def _effect(match: Match) -> Limits:
    return match.effect if isinstance(match.effect, Limits) else _NONE


def _scale(match: Match) -> float:
    scale = _effect(match).scale
    return 1.0 if scale is None else scale
