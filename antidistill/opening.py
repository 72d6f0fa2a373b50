"""From a policy's source and the environment to a guard."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from antidistill.assessment import Assessor, RemoteAssessor
from antidistill.assessment.keeper import Keeper
from antidistill.assessment.leader import Leader
from antidistill.assessment.vault import FileVault
from antidistill.errors import KeyringError, PolicyError, Problem, StoreError
from antidistill.events import Hook
from antidistill.guard import Guard, Publish, loop_of
from antidistill.keyring import Keyring
from antidistill.model import Clock, Mode, Request
from antidistill.policy import Code, Policy, PolicyFile, StoreConfig, load_policy
from antidistill.siblings import noticed
from antidistill.stores import MEMORY, Store, open_store
from antidistill.stores.redis import Channel

VARIABLE = "ANTIDISTILL_MODE"

SEVERAL = (
    "another worker process guards beside this one, and with store: memory each counts and assesses for itself: N workers let N times "
    "the limits through, and each sees its share of the traffic. Write store: redis://host:6379/0 and run `antidistill assess`, or "
    "start one worker"
)

_log = logging.getLogger("antidistill")


def open_guard(
    policy: str | PathLike[str] | Mapping[str, Any] | None,
    mode: Mode | str | None,
    *,
    environ: Mapping[str, str],
    clock: Clock = time.time,
    identify: Callable[[Request], str | None] | None = None,
    hooks: Iterable[Hook] = (),
) -> Guard:
    """Makes a guard. A policy file is read again when it changes.

    Args:
        policy: Path of a YAML policy, the same as a mapping, or None for the built-in one.
        mode: Overrides the mode of the policy, as does `ANTIDISTILL_MODE`; of both, the more careful one holds.
        environ: Environment variables.
        clock: Unix seconds.
        identify: Names the account of a request.
        hooks: Called with every event.

    Raises:
        PolicyError: The policy cannot be used.
        ValueError: The mode is not off, shadow or enforce.
        KeyringError: The master key cannot be used, or is not set where the store needs one that outlives the process.
        StoreError: The client library of the store is not installed, or its URL cannot be read.
    """
    modes = as_mode("mode", mode), as_mode(VARIABLE, environ.get(VARIABLE))
    file = PolicyFile(policy, environ, clock(), _report) if isinstance(policy, str | PathLike) else None
    chosen = (file.policy if file else load_policy(policy, environ, clock)).with_mode(*modes)
    keyring = Keyring.load(environ)
    if keyring.ephemeral:
        _log.warning("no ANTIDISTILL_MASTER_KEY is set: account ids change at every start; `openssl rand -hex 32` makes one")

    def poll(now: float) -> Policy | None:
        changed = file.poll(now) if file else None
        return changed.with_mode(*modes) if changed else None

    store, make, polls = _open(chosen, keyring, clock), _maker(chosen, keyring, repr(policy)), poll if file else None
    return Guard(chosen, keyring, store, clock=clock, identify=identify, hooks=hooks, poll=polls, make=make)


def open_leader(guard: Guard, environ: Mapping[str, str], tell: Publish, *, name: str = "", every: float = 60.0) -> Leader:
    """Makes what assesses for all workers, beside a guard whose rules fire.

    Args:
        guard: A guard by the policy of the workers.
        environ: Environment variables.
        tell: Called with what is published.
        name: Name of this process, or nothing.
        every: Seconds between two snapshots.

    Raises:
        StoreError: The policy keeps everything in memory, where no other process can read it.
    """
    policy, keyring, config = guard.policy, Keyring.load(environ), _store(guard.policy)
    if config.url == MEMORY:
        raise StoreError(
            "there is nothing to assess with store: memory, where each worker assesses by itself; write store: redis://host:6379/0"
        )
    return Leader(
        _channel(policy, keyring),
        lambda publish: loop_of(policy, keyring, guard.clock, publish),
        tell,
        guard.know,
        key=keyring.derive("snapshot"),
        name=name,
        tick=policy.assessment.tick,
        lease=config.lease,
        every=every,
        vault=FileVault(Path(policy.assessment.snapshot)) if policy.assessment.snapshot else None,
        terms=lambda: guard.policy.revision,
    )


def _maker(policy: Policy, keyring: Keyring, source: str) -> Callable[[Guard], Assessor | RemoteAssessor]:
    """Makes what assesses: a thread here, or a process elsewhere."""
    if _store(policy).url != MEMORY:
        return partial(_remote, policy, keyring)
    if policy.mode is not Mode.OFF and noticed(source):
        _log.warning(SEVERAL)
    return partial(_local, policy, keyring)


def _local(policy: Policy, keyring: Keyring, guard: Guard) -> Assessor:
    """A loop on a thread of this process, which goes on where its last snapshot ends."""

    def make() -> Assessor:
        return loop_of(policy, keyring, guard.clock, guard.publish)

    path = policy.assessment.snapshot
    if path is None:
        return make()
    try:
        return Keeper(FileVault(Path(path)), keyring.derive("snapshot")).open(make)
    except OSError as error:
        message = f"assessment.snapshot cannot be used ({error.strerror}): create its folder, or name another file"
        raise PolicyError(path, (Problem(Code.BAD_SNAPSHOT.value, message),)) from error


def _remote(policy: Policy, keyring: Keyring, guard: Guard) -> RemoteAssessor:
    return RemoteAssessor(
        keyring.derive("sketch"),
        lambda: _channel(policy, keyring),
        max_accounts=policy.bounds.accounts,
        max_queue=policy.bounds.queue,
        bound=policy.bounds.stream,
        know=guard.know,
    )


def _channel(policy: Policy, keyring: Keyring) -> Channel:
    # Named by the key: processes with another one hash differently, and would only confuse each other.
    return Channel(_store(policy).url, keyring.name("assess", b""), token_urlsafe(9))


def _store(policy: Policy) -> StoreConfig:
    return policy.store if isinstance(policy.store, StoreConfig) else StoreConfig(url=policy.store)


def _open(policy: Policy, keyring: Keyring, clock: Clock) -> Store:
    config = _store(policy)
    if config.url != MEMORY and keyring.ephemeral:
        raise KeyringError(
            "a store that processes share needs a key that they share: set ANTIDISTILL_MASTER_KEY for all of them to the same; "
            "`openssl rand -hex 32` makes one"
        )
    bound = policy.bounds.accounts
    return open_store(config.url, clock, bound, timeout=config.timeout, replicas=config.replicas, lease=config.lease)


def as_mode(name: str, value: Mode | str | None) -> Mode | None:
    """Reads a mode that may be absent or empty.

    Raises:
        ValueError: It is not one of the modes.
    """
    if not value:
        return None
    try:
        return Mode(value)
    except ValueError:
        raise ValueError(f"{name} must be off, shadow or enforce, not {value!r}") from None


def _report(error: PolicyError) -> None:
    _log.error("the changed policy cannot be used, the last good one stays in force:\n%s", error)
