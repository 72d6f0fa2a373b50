"""LitServe as its users run it, with its worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

ASK: Any = [{"role": "user", "content": "hello"}]


@contextmanager
def litserve_server(*policy: str) -> Iterator[str]:
    """LitServe with its workers, in a process group of its own: they outlive their parent."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "tests.litserve_app", url.rpartition(":")[2], *policy]
    root = Path(__file__).parent.parent
    server = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while not healthy(url):
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"LitServe ended with {server.wait(0.1)}")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def healthy(url: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/health").status_code == 200
    return False


@pytest.fixture
def one_each(tmp_path: Path) -> str:
    pytest.importorskip("litserve")
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nmode: enforce\nquotas: [{id: one, per: account, limit: 1/day, burst: 1, unit: requests}]\n"
    )
    return str(tmp_path / "policy.yaml")


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_litserve_is_guarded_through_its_middlewares(one_each: str, stream: bool) -> None:
    with litserve_server(one_each) as url, openai.OpenAI(api_key="good", base_url=f"{url}/v1", max_retries=0) as client:
        assert text(client.chat.completions.create(model="m", messages=ASK, stream=stream)) == "alpha beta gamma "
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="m", messages=ASK, stream=stream)


def text(answer: Any) -> str:
    if hasattr(answer, "choices"):
        return str(answer.choices[0].message.content)
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
