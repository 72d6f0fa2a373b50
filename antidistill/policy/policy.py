"""A policy that is ready for requests."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from antidistill.actions import Action, Watermark
from antidistill.errors import Problem
from antidistill.model import Cause, Mode
from antidistill.policy.conditions import ALWAYS, Condition, Node, causes
from antidistill.policy.sections import Sections
from antidistill.quotas import Allowance, Grant, Terms


class CompiledQuota(Struct, frozen=True):
    """An allowance and when it counts.

    Attributes:
        allowance: What it allows to whom.
        applies: Tells whether it counts for a request; None where it always does.
        own: The mode that the quota itself asks for.
        mode: The mode that holds.
        same: The quota as it counts where it is the same for everybody, ready made; else None.
    """

    allowance: Allowance
    applies: Condition | None = None
    own: Mode | None = None
    mode: Mode = Mode.SHADOW
    same: Grant | None = None


class CompiledRule(Struct, frozen=True):
    """A rule with its condition as a closure.

    Attributes:
        id: Name of the rule.
        when: Tells whether it matches; None where it always does.
        then: Its actions.
        cause: What it goes by.
        late: True where it reads quotas, and so is decided after the reservation.
        closed: True where an action that fails refuses the request.
        until: Unix seconds at which it ends.
        own: The mode that the rule itself asks for.
        mode: The mode that holds.
        wants: What `when` asks for, for whoever explains it.
    """

    id: str
    when: Condition | None
    then: tuple[Action, ...]
    cause: Cause = "request"
    late: bool = False
    closed: bool = False
    until: float = inf
    own: Mode | None = None
    mode: Mode = Mode.SHADOW
    wants: Node = ALWAYS


class Policy(Sections, frozen=True, kw_only=True):
    """Everything that the guard needs, compiled. Make it with `load_policy`.

    Attributes:
        quotas: All allowances.
        rules: All rules, in order.
        exempt: Accounts that nothing restricts, with the unix seconds until which.
        terms: What holds for all quotas.
        revision: Hash of the source.
        warnings: Advice about it.
        missing: How often a fact that a condition reads was not known, by fact. Counts as requests come.
        failures: How often an action failed, by rule. Counts as requests come.
    """

    quotas: tuple[CompiledQuota, ...] = ()
    rules: tuple[CompiledRule, ...] = ()
    exempt: Mapping[str, float] = {}
    terms: Terms = Terms()
    revision: str = ""
    warnings: tuple[Problem, ...] = ()
    missing: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    counting: tuple[CompiledQuota, ...] = ()
    before: tuple[CompiledRule, ...] = ()
    after: tuple[CompiledRule, ...] = ()
    between: tuple[CompiledRule, ...] = ()

    @property
    def alone(self) -> frozenset[str]:
        """Rules that read nothing but assessments: all is decided when one is published."""
        return frozenset(rule.id for rule in self.rules if causes(rule.wants) == {"assessment"})

    @property
    def marks(self) -> bool:
        """True where a rule marks answers."""
        return any(isinstance(action, Watermark) for rule in self.rules for action in rule.then)

    def with_mode(self, *overrides: Mode | None) -> Policy:
        """Returns the policy under overrides from outside, such as an argument and `ANTIDISTILL_MODE`.

        The most careful override becomes the mode of the policy, and no rule or quota goes beyond it. Without overrides, the
        mode of a rule or quota goes before that of the policy, unless the policy is off.
        """
        given = [override for override in overrides if override is not None]
        if not given:
            return _sorted(self, self.mode, Mode.OFF if self.mode is Mode.OFF else Mode.ENFORCE)
        most_careful = min(given, key=lambda mode: mode.rank)
        return _sorted(self, most_careful, most_careful)


Part = TypeVar("Part", CompiledQuota, CompiledRule)


def _sorted(policy: Policy, default: Mode, ceiling: Mode) -> Policy:
    """Settles the modes, and sorts what is not off by when it is decided, so that requests need not."""
    quotas = tuple(_ready(_moded(quota, default, ceiling)) for quota in policy.quotas)
    rules = tuple(_moded(rule, default, ceiling) for rule in policy.rules)
    live = [rule for rule in rules if rule.mode is not Mode.OFF]
    return replace(
        policy,
        mode=default,
        quotas=quotas,
        rules=rules,
        counting=tuple(quota for quota in quotas if quota.mode is not Mode.OFF),
        before=tuple(rule for rule in live if not rule.late),
        after=tuple(rule for rule in live if rule.late),
        between=tuple(rule for rule in live if not rule.late and rule.cause == "assessment"),
    )


def _moded(part: Part, default: Mode, ceiling: Mode) -> Part:
    return replace(part, mode=min(part.own or default, ceiling, key=lambda mode: mode.rank))


def _ready(quota: CompiledQuota) -> CompiledQuota:
    usual = quota.allowance.usual
    varies = quota.allowance.by or quota.allowance.probation is not None
    return replace(quota, same=None if varies or usual is None else Grant(usual, quota.mode is Mode.ENFORCE))
