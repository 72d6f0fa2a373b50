"""Which accounts are worth another look at the next tick."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from antidistill.assessment.profile import Profile
from antidistill.striped import Striped

_FEW = 8
_GROWTH = 1.125


class Due:
    """Accounts that wait to be assessed: at the next tick where there may be something new about them, else at the next review.

    Args:
        room: Accounts expected.
    """

    def __init__(self, room: int) -> None:
        self._touched: Striped[str, int] = Striped(room)  # with their requests when they were touched first
        self._ripe: Striped[str, None] = Striped(room)

    def __len__(self) -> int:
        return len(self._touched)

    def touch(self, profile: Profile) -> None:
        """Notes that an account sent something, which is new where it sent little before or has grown by an eighth."""
        since = self._touched.get(profile.account)
        if since is None:
            self._touched[profile.account] = since = profile.requests
        if since <= _FEW or profile.requests >= _GROWTH * since:
            self._ripe[profile.account] = None

    def add(self, account: str) -> None:
        """Notes that there is something new about an account."""
        self._ripe[account] = None

    def drop(self, account: str) -> None:
        """Forgets an account."""
        self._touched.pop(account)
        self._ripe.pop(account)

    def take(self, every: bool) -> Iterator[str]:
        """Takes the accounts to assess one by one: those with something new, or `every` one that waits."""
        for account in chain(self._ripe, self._touched if every else ()):
            self.drop(account)
            yield account
