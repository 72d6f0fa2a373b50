"""Accounts and decisions in plain words, from whatever files there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import json as msgjson

from antidistill.cli import main
from antidistill.model import Event
from tests.logs import START, campaign, row, write

POLICY = """
version: 1
mode: enforce
quotas:
  - {id: hourly, per: account, limit: 10/hour, burst: 2}
rules:
  - {id: watch, when: {campaign.risk: {ge: 0.5}, request.n: 1}, then: [{alert: {}}]}
  - {id: starve, when: {any: [{campaign.accounts: {ge: 3}}, {risk: {gt: 0.9}}]}, then: [{throttle: {limit: 1000000/day}}]}
"""

ALERT = Event(
    "req_7",
    START,
    "acct_x",
    "watch",
    "alert",
    "observe",
    "assessment",
    True,
    detail={"risk": 0.9, "reasons": ["many share its wording"], "campaign": "campaign_1", "campaign_accounts": 9},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log, its policy, and what a replay made of them."""
    folder = tmp_path_factory.mktemp("explain")
    (folder / "policy.yaml").write_text(POLICY)
    write(
        folder / "log.jsonl.gz",
        [*campaign(), row(900, START + 90_000, "late"), row(901, START + 90_001, "late"), row(902, START + 90_002, "late")],
    )
    outputs = [part for name in ("accounts", "campaigns", "decisions") for part in (f"--{name}", str(folder / name))]
    assert main(["replay", str(folder / "log.jsonl.gz"), "--policy", str(folder / "policy.yaml"), *outputs]) == 0
    return folder


@pytest.fixture
def explain(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Runs the command; returns status, output in one line, and complaints."""

    def run(name: str, *files: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["explain", name, *(str(folder / file) for file in files), "--policy", str(folder / "policy.yaml")])
        told = capsys.readouterr()
        return status, " ".join(told.out.split()), told.err

    return run


FILES = ("accounts", "campaigns", "decisions")


def test_an_account_is_explained_with_its_evidence_and_campaign(explain):
    status, told, _ = explain("shard-3", *FILES)
    assert status == 0
    assert told.startswith("Account shard-3 Seen since 2023-11-14 22:14 UTC, 15 requests. Highest risk 0.")
    assert "Flagged on 2023-11-1" in told
    assert "12 accounts that act as one, risk 0." in told
    assert "sharing (coordination, +" in told
    assert "falls when: Others fill that wording" in told
    assert "honest use that looks like it: the prompt of a popular tool" in told


def test_a_rule_is_explained_with_what_it_wants_and_what_it_found(explain):
    _, told, _ = explain("shard-3", *FILES)
    assert "watch: alert done, " in told
    assert "it wants campaign.risk: {ge: 0.5}; it was 0." in told
    assert "it wants request.n: {eq: 1}; not known from these files" in told
    assert "starve: matched. It tightens what is counted, and no request met that." in told
    assert "it wants one of these: it wants campaign.accounts: {ge: 3}; it was 12 at its highest" in told


def test_it_says_what_to_do_where_it_is_wrong(explain):
    _, told, _ = explain("shard-3", *FILES)
    assert "identity.attributes: org" in told
    assert 'exempt: [{account: shard-3, until: DATE, because: "who agreed to what"}]' in told


@pytest.mark.parametrize("files", [("log.jsonl.gz",), ("decisions", "campaigns", "accounts")], ids=["the log", "files in any order"])
def test_a_log_tells_the_same_as_what_a_replay_of_it_wrote(explain, files):
    assert explain("shard-3", *files) == explain("shard-3", *FILES)


def test_a_decision_is_explained(explain):
    status, told, _ = explain("r902", *FILES)
    assert status == 0
    assert told.startswith("Decision r902, on the account late Seen since")
    assert "hourly: quota done, on 2023-11-15 23:13 UTC. Cause: quota. a quota of that name had no room left" in told


def test_an_account_with_nothing_against_it_is_explained(explain):
    _, told, _ = explain("ann", "accounts", "campaigns")
    assert "No signal says anything about it: its risk is that of anybody, one in a thousand." in told
    assert "What was done Nothing, as far as these files tell." in told


def test_alerts_of_a_running_app_explain_as_far_as_they_go(explain, tmp_path):
    write(tmp_path / "alerts.jsonl", [msgjson.encode(ALERT).decode()])
    for name in ("acct_x", "req_7"):
        status, told, _ = explain(name, tmp_path / "alerts.jsonl")
        assert status == 0
        assert "Only decisions are known of it: give the file of --accounts, or a log" in told
        assert "Campaign campaign_1, 9 accounts at the time" in told
        assert "because many share its wording." in told


def test_a_rule_of_another_policy_is_not_explained_by_this_one(explain, tmp_path):
    write(
        tmp_path / "decisions",
        [
            {
                "id": "r1",
                "ts": START,
                "account": "a",
                "rule": "gone",
                "action": "deny",
                "effect": "restrict",
                "cause": "request",
                "enforced": True,
            }
        ],
    )
    assert "the policy given here has no rule of that name" in explain("a", tmp_path / "decisions")[1]


def test_a_name_that_nobody_has_is_answered_with_some_that_there_are(explain):
    status, told, complaint = explain("shard-99", *FILES)
    assert (status, told) == (2, "")
    assert "shard-99: none of these files has an account or decision of that name; they know shard-5, " in complaint


@pytest.mark.parametrize("content", ["", "hello", json.dumps({"text": "a corpus"})], ids=["empty", "no JSON", "something else"])
def test_a_file_that_is_nothing_of_ours_is_refused(explain, tmp_path, content):
    (tmp_path / "odd").write_text(content)
    status, _, complaint = explain("a", tmp_path / "odd")
    assert status == 2
    assert "nothing that replay wrote" in complaint


def test_a_file_that_is_not_there_is_named(explain):
    status, _, complaint = explain("a", "nowhere")
    assert status == 2
    assert "nowhere: No such file" in complaint
