"""What an API shape has to know, so that everything above it can speak of calls, texts and tokens."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from antidistill.model import Call, QuotaState, Refusal, Reply, Usage

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Piece: TypeAlias = tuple[int, Usage | None]


class Slot(Struct, frozen=True):
    """A place in an answer that holds text: `holder[field]`.

    Attributes:
        key: Which of the answer's texts it is: a choice, a content block, an output item's part.
        holder: The object inside the decoded payload; writing to it changes the payload.
        field: Name of the text in it. The text is a non-empty string.
        whole: True for the complete text, False for the next piece of a stream.
    """

    key: Hashable
    holder: dict[str, Any]
    field: str
    whole: bool


class Dialect(Protocol):
    """One API shape. Stateless; every method is total: odd input loses the odd field and raises nothing, except where it says so."""

    name: str
    """Such as `openai.chat`."""

    suffixes: tuple[str, ...]
    """Ends of the paths it serves, in whole segments, such as `/chat/completions`."""

    textual: bool
    """False where answers hold no text, so that their size says nothing about tokens."""

    repeats: bool
    """True where later events of a stream repeat text that earlier ones carried."""

    def read(self, body: Mapping[str, Any]) -> Call:
        """Reads a request."""

    def cap(self, body: dict[str, Any], caps: Mapping[str, int]) -> dict[str, Any] | None:
        """Bounds parameters of a request from above.

        Args:
            body: The request; it is left as it is.
            caps: Upper bounds by neutral name: `max_tokens` (set where the client set none), `n`, `top_logprobs`.

        Returns:
            A changed copy, or None where the request keeps within the bounds.
        """

    def usage(self, body: Mapping[str, Any]) -> Usage | None:
        """Tokens that a whole answer, or one event of a stream, reports; None where it reports none."""

    def text(self, body: Mapping[str, Any]) -> int:
        """Bytes of model output in a whole answer, or in one event of a stream."""

    def piece(self, data: bytes) -> Piece:
        """`text` and `usage` of one event, from its data and fast.

        Args:
            data: The data; blank lines may follow it.

        Raises:
            ValueError: The data is not one object as the API defines it; `text` and `usage` still read what there is.
        """

    def refuse(self, refusal: Refusal, request_id: str) -> Reply:
        """Writes a refusal that clients of this API understand."""

    def limit_headers(self, states: Sequence[QuotaState], now: float) -> Headers:
        """Tells the client how its quotas stand at `now` (Unix seconds)."""

    def slots(self, payload: dict[str, Any]) -> list[Slot]:
        """Finds the text for people in a whole answer or in one event. Tool calls and reasoning are not among it."""

    def ends(self, payload: dict[str, Any]) -> list[Hashable]:
        """Keys of the texts that are complete with this event."""

    def extra(self, payload: dict[str, Any], key: Hashable, text: str) -> dict[str, Any]:
        """Makes one more event with a piece of text, after the model of an earlier one of the same key."""
