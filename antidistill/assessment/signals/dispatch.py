"""`dispatch`: uses of a shared frame go round the tenants as if dealt out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antidistill.assessment.frame import Standing
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie, tightest
from antidistill.model import Evidence, Family

MOST = 1.5

_USES = 20


class Dispatch(Signal):
    """The next use of a shared frame comes from another tenant, as often as if one queue dealt them out.

    Threat: a dispatcher in front of a pool of accounts.
    Formula: 1.5 · max sᵢxᵢ · ramp(aᵢ, 0.4, 0.8) over shared frames i with 20 uses or more: sᵢ strength, xᵢ exposure, aᵢ changes of
        tenant from use to use over what dealing at random would give. Strangers who found the same prompt work in stretches of their
        own (aᵢ about 0.1). One-sided: workers with a shard each come in stretches too.
    State: none of its own; reads the profile's frames.
    Gamed by: one account after the other, which takes time.
    Honest use that looks like it: a prompt that very many use now and then.
    """

    name = "dispatch"
    family: Family = "temporal"
    falls = "Uses of the shared wording stop going round the accounts one by one; each works for stretches of its own."

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Takes the frame that is dealt out most clearly."""
        part, standing = tightest(ties, _dealt)
        if not part:
            return None
        reason = (
            f"{standing.fillings} uses of a shared frame go round {standing.tenants} tenants: another one follows "
            f"{standing.alternation:.2f} times as often as under random dealing"
        )
        return Evidence(self.name, self.family, MOST * part, reason)


def _dealt(standing: Standing) -> float:
    return ramp(standing.alternation, 0.4, 0.8) if standing.fillings >= _USES else 0.0
