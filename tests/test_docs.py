"""What the documentation shows works: policies load, code compiles, links lead somewhere, and the log recorder feeds a replay."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from antidistill import load_policy
from antidistill.cli import main
from tests.models import model_server
from tests.wire import http_scope, status_of, talk

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}


def blocks(language: str) -> list[Any]:
    """The fenced blocks of all pages in a language."""
    found = [(page, block) for page, text in PAGES.items() for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)]
    return [pytest.param(block, id=f"{page}-{index}") for index, (page, block) in enumerate(found)]


@pytest.mark.parametrize("block", blocks("yaml"))
def test_a_policy_loads(block: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block)
    assert load_policy(tmp_path / "policy.yaml", {})


@pytest.mark.parametrize("block", blocks("python"))
def test_code_compiles(block: str) -> None:
    compile(block, "docs", "exec")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page])
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_every_page_is_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    assert {path for entry in nav for path in entry.values()} >= {f"{page}.md" for page in PAGES}


def test_the_line_that_the_log_page_shows_is_an_exchange(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(r"^```json\n(.*?)^```", PAGES["log"], re.M | re.S)
    assert shown
    (tmp_path / "log.jsonl").write_text(json.dumps(json.loads(shown[1])))
    assert main(["replay", str(tmp_path / "log.jsonl")]) == 0
    assert re.search(r"broken lines +0", capsys.readouterr().out)


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_what_the_recorder_of_the_log_page_writes_can_be_replayed(stream: bool, tmp_path: Path) -> None:
    source = re.search(r"^```python\n(.*?)^```", PAGES["log"], re.M | re.S)
    assert source
    names: dict[str, Any] = {}
    exec(source[1], names)
    recorder = names["TrafficLog"](model_server(), tmp_path / "log.jsonl", lambda scope: "acct-17")
    ask = json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hello"}]}).encode()
    for path in ("/v1/chat/completions", "/v1/messages"):
        assert status_of(talk(recorder, http_scope(path, headers={"authorization": "Bearer secret"}), [ask])) == 200
    recorder.file.close()
    assert main(["replay", str(tmp_path / "log.jsonl"), "--accounts", str(tmp_path / "accounts.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["response"]["usage"].get("output_tokens", line["response"]["usage"].get("completion_tokens")) for line in lines] == [
        10,
        10,
    ]
    assert "secret" not in (tmp_path / "log.jsonl").read_text()
    assert [json.loads(line)["account"] for line in (tmp_path / "accounts.jsonl").read_text().splitlines()] == ["acct-17"]
