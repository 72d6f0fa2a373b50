"""What a request costs, as far as that can be told before it is answered."""

from __future__ import annotations

from msgspec import Struct

from antidistill.model import Call, Unit

BYTES_PER_TOKEN = 4


class Costs(Struct, frozen=True):
    """Units of one request."""

    requests: int = 1
    input_tokens: int = 0
    output_tokens: int = 0

    def of(self, unit: Unit) -> int:
        """Returns the cost in a unit: a request takes one slot of `concurrent`."""
        if unit == "requests":
            return self.requests
        if unit == "tokens":
            return self.input_tokens + self.output_tokens
        if unit == "input_tokens":
            return self.input_tokens
        return self.output_tokens if unit == "output_tokens" else 1


def estimate(call: Call | None, default_output_tokens: int, body_bytes: int) -> Costs:
    """Returns what to reserve for a request, so that calls in flight cannot overdraw together.

    Args:
        call: The call, or None where no dialect could read it. Then the whole body counts as input, and it may ask for
            an answer of the default length; a request without a body costs no tokens.
        default_output_tokens: Output where the client set no bound.
        body_bytes: Size of the body, by `content-length` where it was not read.
    """
    if call is None:
        return Costs(1, -(-body_bytes // BYTES_PER_TOKEN), default_output_tokens if body_bytes else 0)
    output = default_output_tokens if call.max_tokens is None else call.max_tokens
    return Costs(1, max(0, call.input_tokens), max(0, output) * max(1, call.n))
