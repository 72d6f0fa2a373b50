"""The contract of a signal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from antidistill.model import Evidence, Family

if TYPE_CHECKING:
    from antidistill.assessment.crowd import Reading
    from antidistill.assessment.observation import Observation
    from antidistill.assessment.profile import Profile
    from antidistill.assessment.ties import Tie

BOUND = 3.0
"""Most that one signal may weigh, in nats either way."""


class Signal(Protocol):
    """One kind of evidence about accounts. Signals are stateless; what they remember of an account is in its profile.

    The docstring of a signal has the paragraphs `Threat`, `Formula`, `State`, `Gamed by` and `Honest use that looks like it`, and
    says where it is one-sided. Weights are log-likelihood ratios of extraction against honest use, in nats.

    Attributes:
        name: Word that policies use (`signal.<name>`).
        family: Kind of evidence.
        falls: One plain sentence: what would make the evidence fall.
    """

    name: str
    family: Family
    falls: str

    def begin(self) -> Any:
        """Makes the state of an account that has sent nothing; bounded, at most some hundred bytes.

        Best is a `msgspec.Struct` with `gc=False`: whatever else is kept of many accounts, the collector stops the host to look at.
        """
        return None

    def learn(self, state: Any, observation: Observation, reading: Reading) -> None:
        """Takes an observation into the state."""
        return

    def weigh(self, state: Any, profile: Profile, ties: Sequence[Tie]) -> Evidence | None:
        """Says what is known, or None where nothing is. Changes nothing.

        Args:
            state: What `learn` left.
            profile: The account.
            ties: The wording that it shares with others, and how they use it.
        """
