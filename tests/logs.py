"""Traffic logs made for tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from antidistill.cli.demo.population import back_end, chat, harvest

START = 1_700_000_000.0

Row = dict[str, Any]


def row(number: int = 1, ts: Any = START, account: Any = "acct_a", **more: Any) -> Row:
    """One exchange: a small chat completion, unless told otherwise."""
    answer = {"choices": [{"message": {"content": "yes"}}], "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}}
    return {
        "id": f"r{number}",
        "ts": ts,
        "account": account,
        "org": None,
        "ip": "10.1.2.3",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [["Host", "api.example"], ["User-Agent", "OpenAI/Python 1.99.0"]],
        "body": {"model": "m", "messages": [{"role": "user", "content": f"is {number} a prime number?"}]},
        "status": 200,
        "response": answer,
        "duration_s": 1.0,
        **more,
    }


def write(path: Path, rows: Iterable[Row | str]) -> Path:
    """Writes a log: rows as JSON, text as it stands; compressed where the name ends in `.gz`."""
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def campaign(asks: int = 15) -> list[Row]:
    """Twelve accounts of one operator, two people and a back end with a template of its own, over some hours."""
    makers = {f"shard-{n}": harvest(n) for n in range(12)} | {"ann": chat(71), "bob": chat(72), "shop": back_end(73)}
    rows: list[Row] = []
    for turn in range(asks):
        for place, (account, questions) in enumerate(makers.items()):
            ask = next(questions)
            body = {"model": "m", "messages": ask.messages}
            rows.append(row(len(rows) + 1, START + turn * 900 + place * 20, account, ip=f"10.0.{place}.1", body=body))
    return rows


def read(path: Path) -> list[Row]:
    """Rows of an output."""
    return [json.loads(line) for line in path.read_text().splitlines()]
