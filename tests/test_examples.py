"""Every example runs: the apps answer a request, the action keeps its contract, the policies are without fault."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from antidistill import AntiDistillMiddleware, Event, load_policy
from antidistill.cli import main
from antidistill.testing import check_action
from examples.custom_action import Nap
from tests.conftest import Install
from tests.models import model_server
from tests.wire import body_of, http_scope, status_of, talk

EXAMPLES = Path(__file__).parent.parent / "examples"
FILES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
POLICIES = sorted((EXAMPLES / "policies").glob("*.yaml"))
ASK = json.dumps({"model": "echo", "messages": [{"role": "user", "content": "hello"}]}).encode()


@pytest.mark.parametrize("name", [name for name in FILES if name != "custom_action"])
def test_an_example_answers_a_request(name: str) -> None:
    app = import_module(f"examples.{name}").app
    sent = talk(app, http_scope(headers={"authorization": "Bearer sk-ada"}), [ASK])
    assert status_of(sent) == 200
    assert json.loads(body_of(sent))["choices"][0]["message"]["content"] == "hello"


def test_the_example_of_an_action_keeps_the_contract_of_actions() -> None:
    check_action(Nap(seconds=2))


def test_the_policy_in_the_example_of_an_action_loads(install: Install, tmp_path: Path) -> None:
    docstring = import_module("examples.custom_action").__doc__ or ""
    entry = re.search(r"^(nap) = \"(.+)\"$", docstring, re.M)
    assert entry
    install("naps", "antidistill.actions", f"nap = {entry[2]}", "")
    (tmp_path / "policy.yaml").write_text("version: 1\n" + docstring[docstring.index("rules:") :])
    assert load_policy(tmp_path / "policy.yaml", {}).rules[0].id == "slow-evenings"


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_an_example_of_a_policy_is_without_fault(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path)]) == 0
    assert "0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_an_example_of_a_policy_enforced_leaves_health_checks_alone(path: Path) -> None:
    app = AntiDistillMiddleware(model_server(), policy=path, mode="enforce")
    assert {status_of(talk(app, http_scope("/health", "GET"))) for _ in range(200)} == {200}


def test_the_example_of_a_hook_counts_events() -> None:
    hooks = import_module("examples.hooks")
    hooks.app.guard.events.emit(Event("req_1", 0.0, None, "rule", "alert", "observe", "request", False))
    assert hooks.seen["rule", "alert", False] == 1
