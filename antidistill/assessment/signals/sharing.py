"""`sharing`: rare wording that many tenants fill with values that never meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antidistill.assessment.profile import Profile
from antidistill.assessment.signals.signal import BOUND, Signal
from antidistill.assessment.ties import Tie, bond
from antidistill.model import Evidence, Family


class Sharing(Signal):
    """The account fills frames that other tenants fill too, each with values of its own.

    Threat: a seed set cut into shards and sent from many accounts through the same prompt templates, also where the accounts carry
        real customers besides (hydra clusters). Needs no timing, headers or volume.
    Formula: 3 · (1 − Π (1 − sᵢxᵢ)) over the frames that the account shares, sᵢ the strength of the frame (`Frame.rate`), xᵢ the
        exposure of the account (`ties.exposure`). One-sided: most campaigns share no frame, so that none speaks for nobody.
    State: none of its own; reads the profile's frames.
    Gamed by: wording every prompt anew with a model; nonces every few words; frames of less than twelve words; templates kept in the
        system text, which is not read because most of them are public.
    Honest use that looks like it: the prompt of a popular tool (rated down where a tenth of all tenants share it, or where most use
        it once or unevenly), pupils with one worksheet (values repeat), colleagues (an organisation known as one is one tenant).
    """

    name = "sharing"
    family: Family = "coordination"
    falls = "Others fill that wording with the same values or ask back about it, or those who share it are named as one organisation."

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Adds up the frames in use."""
        weight = BOUND * bond(ties)
        if weight < 0.05:
            return None
        uses = sum(tie.used.new for tie in ties)
        others = max(tie.standing.tenants for tie in ties) - 1
        reason = f"{uses} of {profile.prompts} prompts fill wording that up to {others} other tenants fill with values of their own"
        return Evidence(self.name, self.family, weight, reason)
