"""The files that a policy names: where alerts, observations and fingerprints of answers go, and filters of seeds."""

from __future__ import annotations

from pathlib import Path

from antidistill.assessment.record import RecordConfig, Recorder
from antidistill.errors import PolicyError, Problem
from antidistill.events import AlertFile, Hook
from antidistill.keyring import Keyring
from antidistill.model import Clock
from antidistill.policy import Code, Policy
from antidistill.text.seeds import SeedFilters, SeedsError
from antidistill.watermark.fingerprints import FingerprintConfig, Fingerprints


class Files:
    """Opens what the policy in force names, and lets go of what it names no more.

    Args:
        keyring: Where secrets come from.
        clock: Unix seconds.

    Attributes:
        alerts: Takes events, where there is an alert file.
        recorder: Takes observations, or None.
        seeds: Knows the wording of seed corpora, or None.
        fingerprints: Takes answers, or None.
    """

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self.alerts: tuple[Hook, ...] = ()
        self.recorder: Recorder | None = None
        self.seeds: SeedFilters | None = None
        self.fingerprints: Fingerprints | None = None
        self._keyring = keyring
        self._clock = clock
        self._recorded = RecordConfig()
        self._named: tuple[str, ...] = ()
        self._kept = FingerprintConfig()

    def adopt(self, policy: Policy) -> None:
        """Opens the files of another policy.

        Raises:
            PolicyError: One cannot be used.
        """
        self.alerts = _alerts(policy, self._clock)
        self._filter(policy.assessment.seeds)
        self._record(policy.record)
        self._keep(policy.watermark.fingerprints)

    def close(self) -> None:
        """Writes what waits."""
        for file in (self.recorder, self.fingerprints):
            if file is not None:
                file.close()

    def _filter(self, paths: tuple[str, ...]) -> None:
        if paths == self._named:
            return
        try:
            self.seeds = SeedFilters(paths) if paths else None
        except SeedsError as error:
            raise _refuse(paths[0], Code.BAD_SEEDS, str(error)) from error
        self._named = paths

    def _record(self, config: RecordConfig) -> None:
        if config == self._recorded:
            return
        recorder = None if config.folder is None else _recorder(config, config.folder, self._keyring, self._clock)
        if self.recorder is not None:
            self.recorder.end()
        self.recorder, self._recorded = recorder, config

    def _keep(self, config: FingerprintConfig) -> None:
        if config == self._kept:
            return
        if self.fingerprints is not None:
            self.fingerprints.close()
        self._kept = config
        self.fingerprints = None if config.file is None else Fingerprints(config, self._keyring, self._clock)


def _alerts(policy: Policy, clock: Clock) -> tuple[Hook, ...]:
    path = policy.alerts.file
    try:
        return () if path is None else (AlertFile(Path(path), clock, policy.alerts.every),)
    except OSError as error:
        message = f"alerts.file cannot be written ({error.strerror}): create its folder, or name another file"
        raise _refuse(str(path), Code.BAD_ALERTS, message) from error


def _recorder(config: RecordConfig, folder: str, keyring: Keyring, clock: Clock) -> Recorder:
    try:
        return Recorder(config, keyring, clock)
    except OSError as error:
        message = f"record.folder cannot be written ({error.strerror}): let this process write to it, or name another folder"
        raise _refuse(folder, Code.BAD_RECORD, message) from error


def _refuse(source: str, code: Code, message: str) -> PolicyError:
    return PolicyError(source, (Problem(code.value, message),))
