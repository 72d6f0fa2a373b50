"""The end users that accounts name, as far as they are told apart."""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

from antidistill.striped import Striped

_DAY = 86_400.0


class Seen(Struct, gc=False):  # and no sets: those are searched for garbage
    """The sub-identities of an account that are told apart on a day (UTC)."""

    day: int
    subs: dict[Hashable, None]


class SubIdentities:
    """Says which sub-identities are told apart, so that no account takes up all the room: the first so many of its day.

    Args:
        bound: Sub-identities that are remembered, over all accounts. Beyond it, those of the account that is silent longest are
            forgotten.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._size = 0
        self._seen: Striped[str, Seen] = Striped(bound)

    def __len__(self) -> int:
        return self._size

    def admit(self, account: str, sub: Hashable, now: float, most: int) -> bool:
        """Says whether a sub-identity is told apart.

        Args:
            account: The account that names it.
            sub: Hash of what the account calls it.
            now: Unix seconds. A clock that goes back begins no day.
            most: Sub-identities of one account that are told apart in a day.
        """
        seen = self._today(account, int(now // _DAY))
        if sub in seen.subs:
            return True
        if len(seen.subs) >= most:
            return False
        seen.subs[sub] = None
        self._size += 1
        while self._size > self._bound and len(self._seen) > 1:
            self._size -= len(self._seen.shed()[1].subs)
        return True

    def _today(self, account: str, day: int) -> Seen:
        seen = self._seen.touch(account)
        if seen is None:
            self._seen[account] = seen = Seen(day, {})
        elif seen.day < day:
            self._size -= len(seen.subs)
            seen.day, seen.subs = day, {}
        return seen
