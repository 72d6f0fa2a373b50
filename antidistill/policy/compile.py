"""The meaning of a policy: what no type can say, checked and compiled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import inf
from pathlib import Path
from typing import Any

from antidistill import plugins
from antidistill.actions import Action
from antidistill.errors import LexiconError, PluginError
from antidistill.identity import validate as identity_mistakes
from antidistill.model import Cause
from antidistill.policy.advice import advise
from antidistill.policy.allowances import advise_quota, advise_throttle, capped, concealed, read_allowance, terms
from antidistill.policy.codes import Code
from antidistill.policy.conditions import ALWAYS, Node, causes, compiled
from antidistill.policy.document import BROKEN, Problems
from antidistill.policy.document import Path as Place
from antidistill.policy.facts import DAY
from antidistill.policy.policy import CompiledQuota, CompiledRule, Policy
from antidistill.policy.sections import PolicyConfig, RuleConfig, Sections, StoreConfig
from antidistill.policy.shape import suggest, whole
from antidistill.policy.then import read_then
from antidistill.policy.vocabulary import Vocabulary
from antidistill.policy.when import read_when
from antidistill.quotas import QuotaConfig, Terms
from antidistill.stores import known
from antidistill.text.seeds import SeedFilter, SeedsError
from antidistill.watermark.marker import WatermarkConfig, lexicon_of

_CAUSES: tuple[Cause, ...] = ("assessment", "quota", "request")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Form of the ids of quotas and rules. They name counters and stand inside the names of facts, so they hold no dots."""


def compile_policy(config: PolicyConfig, problems: Problems, today: date) -> Policy:
    """Checks what the parts of a policy mean together, and compiles them. The result is of use only where no error is found.

    Args:
        config: The shaped policy, with broken parts where mistakes are reported already.
        problems: Where further mistakes go.
        today: Tells what has expired.
    """
    return _Compiler(config, problems, today).policy()


class _Compiler:
    def __init__(self, config: PolicyConfig, problems: Problems, today: date) -> None:
        self._config = config
        self._problems = problems
        self._today = today
        self._named: set[str] = set()
        self._missing: dict[str, int] = {}
        ids = [quota.id for _, quota in _items(config.quotas) if quota.id is not BROKEN]
        self._vocabulary = Vocabulary(ids, () if config.identity is BROKEN else config.identity.attributes)

    def policy(self) -> Policy:
        self._check_sections()
        quotas = [self._quota(quota, ("quotas", index)) for index, quota in _items(self._config.quotas)]
        self._advise_quotas(quotas)
        rules = tuple(self._rule(rule, ("rules", index)) for index, rule in _items(self._config.rules))
        counted = concealed((quota for quota in quotas if quota is not None), rules)
        return Policy(
            **{name: getattr(self._config, name) for name in Sections.__struct_fields__},
            quotas=counted,
            rules=rules,
            terms=Terms() if self._problems.errors else terms(self._config, counted, rules),
            exempt=self._exemptions(),
            revision=self._problems.document.revision,
            missing=self._missing,
            failures=dict.fromkeys((rule.id for rule in rules), 0),
        )

    def _check_sections(self) -> None:
        identity, store = self._config.identity, self._config.store
        for place, message in identity_mistakes(identity) if whole(identity) else ():
            self._problems.add(Code.BAD_IDENTITY, ("identity", *place), message)
        if whole(store):
            self._check_store(store)
        if whole(self._config.watermark) and self._config.watermark != WatermarkConfig():
            self._check_lexicon(self._config.watermark)
        self._check_plugins(plugins.dialects(), self._config.dialects, ("dialects",))
        if whole(self._config.assessment):
            self._check_plugins(plugins.signals(), self._config.assessment.signals, ("assessment", "signals"))
            self._check_seeds(self._config.assessment.seeds)

    def _check_store(self, store: str | StoreConfig) -> None:
        url, path = (store, ("store",)) if isinstance(store, str) else (store.url, ("store", "url"))
        if not known(url):
            message = "no such store; write memory, or a URL such as redis://host:6379/0 or valkey://host:6379/0"
            self._problems.add(Code.BAD_STORE, path, message)

    def _check_lexicon(self, config: WatermarkConfig) -> None:
        try:
            lexicon_of(config)
        except LexiconError as error:
            for message in str(error).splitlines():
                self._problems.add(Code.BAD_WATERMARK, ("watermark", "extension" if config.extension else "language"), message)

    def _check_seeds(self, paths: Sequence[str]) -> None:
        for index, path in enumerate(paths):
            try:
                SeedFilter(Path(path))
            except SeedsError as error:
                self._problems.add(Code.BAD_SEEDS, ("assessment", "seeds", index), str(error))

    def _check_plugins(self, registry: plugins.Registry[Any], names: Sequence[str], path: Place) -> None:
        for index, name in _items(names):
            try:
                registry[name]
            except KeyError:
                what = self._problems.quote((*path, index), name)
                message = f"{what} is not published by any installed distribution; {suggest(name, registry)}"
                self._problems.add(Code.UNKNOWN_PLUGIN, (*path, index), message)
            except PluginError as error:
                self._problems.add(Code.BROKEN_PLUGIN, (*path, index), str(error))

    def _quota(self, config: QuotaConfig, path: Place) -> CompiledQuota | None:
        self._check_id(config.id, path)
        when = ALWAYS if config.when is None else read_when(config.when, (*path, "when"), self._vocabulary, self._problems)
        if "quota" in causes(when):
            message = "a quota cannot depend on how far a quota is spent; read other facts here, or write a rule that alerts"
            self._problems.add(Code.QUOTA_IN_QUOTA, (*path, "when"), message)
        allowance = read_allowance(config, path, self._problems)
        if allowance is None:
            return None
        return CompiledQuota(allowance, compiled(when, self._missing), capped(allowance, config.mode))

    def _advise_quotas(self, quotas: Sequence[CompiledQuota | None]) -> None:
        metered = {quota.allowance.unit for quota in quotas if quota is not None and quota.allowance.per == ("account",)}
        for (index, config), quota in zip(_items(self._config.quotas), quotas, strict=True):
            if quota is not None:
                for code, place, message in advise_quota(config, quota.allowance.per, self._config, metered):
                    self._problems.add(code, ("quotas", index, *place), message)

    def _rule(self, config: RuleConfig, path: Place) -> CompiledRule:
        self._check_id(config.id, path)
        errors = self._problems.errors
        when = read_when(config.when, (*path, "when"), self._vocabulary, self._problems)
        actions = read_then(config.then, (*path, "then"), self._problems)
        read = causes(when)
        if "quota" in read and any(action.kind != "observe" for action in actions):
            message = "a rule that reads quotas is decided after the request was let in; it can only alert or tag"
            self._problems.add(Code.TOO_LATE, (*path, "then"), message)
        if self._problems.errors == errors:
            self._advise(config, when, actions, path)
        closed = (config.on_error or self._config.on_error) == "closed"
        cause: Cause = next((cause for cause in _CAUSES if cause in read), "request")
        matches = compiled(when, self._missing)
        return CompiledRule(str(config.id), matches, actions, cause, "quota" in read, closed, _end(config.until), config.mode, wants=when)

    def _advise(self, config: RuleConfig, when: Node, actions: tuple[Action, ...], path: Place) -> None:
        for code, message in advise(config.id, when, actions):
            self._problems.add(code, (*path, "when"), message)
        for index, action in enumerate(actions):
            for code, _, message in advise_throttle(action, self._config):
                self._problems.add(code, (*path, "then", index), message)
        if isinstance(config.until, date) and config.until < self._today:
            message = f"rule '{config.id}' ended with {config.until}; remove it or give it a later date"
            self._problems.add(Code.EXPIRED_RULE, (*path, "until"), message)

    def _check_id(self, name: Any, path: Place) -> None:
        if name is BROKEN:
            return
        if not ID.fullmatch(name):
            message = f"{self._problems.quote((*path, 'id'), name)} cannot be an id; use letters, digits, '-' and '_', 64 at most"
            self._problems.add(Code.BAD_ID, (*path, "id"), message)
        elif name in self._named:
            message = f"the id '{name}' is taken by another quota or rule; every id must be its own"
            self._problems.add(Code.DUPLICATE_ID, (*path, "id"), message)
        self._named.add(name)

    def _exemptions(self) -> dict[str, float]:
        exempt: dict[str, float] = {}
        for index, exemption in _items(self._config.exempt):
            path: Place = ("exempt", index)
            if exemption.account is BROKEN:
                continue
            if exemption.account in exempt:
                message = f"the account '{exemption.account}' is exempt twice; keep the later date"
                self._problems.add(Code.DUPLICATE_ID, (*path, "account"), message)
            if exemption.until is not BROKEN and exemption.until < self._today:
                message = f"the exemption of '{exemption.account}' ended with {exemption.until}; remove it or give it a later date"
                self._problems.add(Code.EXPIRED_EXEMPTION, (*path, "until"), message)
            exempt[exemption.account] = _end(exemption.until)
        return exempt


def _items(part: Any) -> list[tuple[int, Any]]:
    """Entries of a list in the policy with their places, as far as they are whole enough to look at."""
    return [] if part is BROKEN else [(index, item) for index, item in enumerate(part) if item is not BROKEN]


def _end(day: Any) -> float:
    """Unix seconds of the end of a day in UTC; without one, never."""
    if not isinstance(day, date):
        return inf
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + DAY
