"""What `antidistill demo --keep` leaves behind: enough to replay what happened."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from antidistill.cli.demo.gateway import Passage
from antidistill.cli.demo.server import completion
from antidistill.model import Event

LOG = "traffic.jsonl.gz"
EVENTS = "events.jsonl"
POLICY = "policy.yaml"

_SECRET = b"authorization"


class Keepsake:
    """Collects exchanges, and writes them down at the end.

    Args:
        folder: Where to; it is made.
        policy: The policy file, which is copied there.

    Raises:
        OSError: At construction, where the folder cannot be written.
    """

    def __init__(self, folder: Path, policy: Path) -> None:
        self._folder = folder
        self._passages: list[Passage] = []
        folder.mkdir(parents=True, exist_ok=True)
        (folder / POLICY).write_bytes(policy.read_bytes())

    def watch(self, passage: Passage) -> None:
        """Takes an exchange that ended."""
        if passage.customer is not None and passage.status and passage.whole:
            self._passages.append(passage)

    def write(self, events: Iterable[Event]) -> None:
        """Writes the traffic log, in the form that `antidistill replay` reads, and the events."""
        passages = sorted(self._passages, key=lambda passage: passage.ts)
        with gzip.open(self._folder / LOG, "wb") as file:
            file.writelines(_encode(_line(f"demo{number}", passage)) for number, passage in enumerate(passages, 1))
        with (self._folder / EVENTS).open("wb") as file:
            file.writelines(_encode(event) for event in events)


def _line(id: str, passage: Passage) -> dict[str, Any]:
    customer, body = passage.customer, msgspec.json.decode(passage.body)
    return {
        "id": id,
        "ts": passage.ts,
        "account": customer.name if customer is not None else "",
        "org": customer.group.org if customer is not None else None,
        "ip": customer.address if customer is not None else None,
        "method": passage.scope["method"],
        "path": passage.scope["path"],
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in passage.scope["headers"] if name != _SECRET],
        "body": body,
        "status": passage.status,
        "response": completion(body["messages"][-1]["content"]) if passage.status == 200 else msgspec.json.decode(passage.reply),
        "duration_s": passage.duration,
    }


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
