"""A guarded LitServe server: `python -m tests.litserve_app PORT [POLICY]`; without a policy it is bare."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import litserve

from antidistill import AntiDistillMiddleware


class Words(litserve.LitAPI):  # type: ignore[misc]
    """Says three words."""

    def setup(self, device: str) -> None:
        """Needs nothing."""

    def predict(self, prompt: object) -> Iterator[str]:
        yield from ("alpha ", "beta ", "gamma ")


if __name__ == "__main__":
    port, *policy = sys.argv[1:]
    guards = [(AntiDistillMiddleware, {"policy": policy[0]})] if policy else []
    server = litserve.LitServer(Words(spec=litserve.OpenAISpec()), accelerator="cpu", middlewares=guards)
    server.run(host="127.0.0.1", port=int(port), num_api_servers=1, generate_client_file=False, log_level="error")
