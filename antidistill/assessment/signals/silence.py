"""`silence`: nobody who uses a shared frame ever asks back about the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antidistill.assessment.frame import Standing
from antidistill.assessment.profile import Profile
from antidistill.assessment.ramp import ramp
from antidistill.assessment.signals.signal import Signal
from antidistill.assessment.ties import Tie, tightest
from antidistill.model import Evidence, Family

MOST = 1.0


class Silence(Signal):
    """Many tenants fill a frame many times, and in none of those conversations does anybody ask back.

    Threat: harvests over many accounts, also where the accounts carry real customers: those ask back, but not about the operator's
        prompts.
    Formula: 1.0 · max sᵢxᵢ · ramp(tᵢ, 4, 8) · ramp(kᵢ, 30, 60) · (1 − ramp(fᵢ/tᵢ, 0, 0.1)) over shared frames i: sᵢ strength, xᵢ
        exposure, tᵢ tenants, kᵢ uses with a new value, fᵢ tenants with whom somebody asked back. One-sided: a frame that people
        discuss is weak already.
    State: none of its own; reads the profile's frames.
    Gamed by: asking something back from a tenth of the accounts, in conversations that look alike to the operator's customers.
    Honest use that looks like it: scripts of ten tenants and more around one prompt, such as a public benchmark's.
    """

    name = "silence"
    family: Family = "temporal"
    falls = "Somebody asks back about answers to the shared wording, with a tenth of the accounts that use it."

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Takes the frame that is silent most clearly."""
        part, standing = tightest(ties, _silent)
        if not part:
            return None
        reason = (
            f"{standing.tenants} tenants filled a shared frame {standing.fillings} times, and with {standing.followed} of them "
            "somebody asked back"
        )
        return Evidence(self.name, self.family, MOST * part, reason)


def _silent(standing: Standing) -> float:
    followed = standing.followed / max(1, standing.tenants)
    return ramp(standing.tenants, 4, 8) * ramp(standing.fillings, 30, 60) * (1 - ramp(followed, 0, 0.1))
