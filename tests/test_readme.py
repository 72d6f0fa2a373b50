"""What the README shows works: its code runs, its policy loads, its commands, targets and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette

from antidistill import AntiDistillMiddleware, load_policy
from antidistill.cli import main
from tests.models import model_server
from tests.wire import http_scope, status_of, talk

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.M | re.S)
SHELL = [block for language, block in FENCED if language not in ("python", "yaml")]
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.M | re.S))


def blocks(language: str) -> list[str]:
    return [block for name, block in FENCED if name == language]


def words_after(command: str) -> set[str]:
    return {word for code in (*SHELL, *INLINE) for word in re.findall(rf"(?<![\w./-]){command} ([a-z]+)\b", code)}


@pytest.mark.parametrize("block", blocks("python"))
def test_its_python_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(blocks("yaml")[0])
    exec(block, {"app": Starlette()})


@pytest.mark.parametrize("block", blocks("yaml"))
def test_its_policy_loads_without_a_warning(block: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block)
    assert load_policy(tmp_path / "policy.yaml", {}).warnings == ()


@pytest.mark.parametrize("block", blocks("yaml"))
def test_its_policy_enforced_leaves_health_checks_alone(block: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block)
    app = AntiDistillMiddleware(model_server(), policy=tmp_path / "policy.yaml", mode="enforce")
    assert {status_of(talk(app, http_scope("/health", "GET"))) for _ in range(200)} == {200}


@pytest.mark.parametrize("command", sorted(words_after("antidistill")))
def test_its_commands_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"antidistill {command}" in capsys.readouterr().out


@pytest.mark.parametrize("target", sorted(words_after("make")))
def test_its_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", TEXT))))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_what_is_tested_here_was_found() -> None:
    assert blocks("python")
    assert blocks("yaml")
    assert words_after("antidistill") >= {"check", "replay"}
    assert words_after("make") >= {"demo", "test"}
