from __future__ import annotations

import io
import json
from typing import Any

import pytest

from antidistill.model import Mode
from antidistill.policy import load_policy
from antidistill.replay import Findings, Line, Replay
from antidistill.replay.line import decode
from tests.logs import START, Row, campaign, row

FLAGGING = [{"id": "watch", "when": {"campaign.risk": {"ge": 0.5}}, "then": [{"throttle": {"scale": 0.5}}, {"alert": {}}]}]


def lines(rows: list[Row]) -> list[Line]:
    return [decode(json.dumps(one).encode()) for one in rows]


def replay(rows: list[Row], mode: Mode = Mode.SHADOW, **policy: Any) -> tuple[Findings, list[Row]]:
    """Replays rows; returns the findings and the decisions."""
    decisions = io.BytesIO()
    done = Replay(load_policy({"version": 1, "mode": str(mode), **policy}, {}), decisions)
    findings = done.run(lines(rows))
    assert done.failures() == {}
    return findings, [json.loads(text) for text in decisions.getvalue().splitlines()]


def accounts(findings: Findings) -> dict[str, Row]:
    file = io.BytesIO()
    findings.write_accounts(file)
    return {one["account"]: one for one in map(json.loads, file.getvalue().splitlines())}


def quota(unit: str, limit: str | int, **more: Any) -> dict[str, Any]:
    return {"id": unit, "per": "account", "unit": unit, "limit": limit, **more}


def refused(decisions: list[Row]) -> list[str]:
    return [one["id"] for one in decisions if one["effect"] == "restrict"]


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
def test_every_account_has_a_row(mode):
    findings, _ = replay([row(1, account="acct_a"), row(2, account="acct_b"), row(3, account="acct_a")], mode)
    assert list(accounts(findings)) == ["acct_a", "acct_b"]


def test_an_account_of_which_nothing_is_known_scores_nothing():
    findings, _ = replay([row(1)])
    assert accounts(findings)["acct_a"] == {
        "account": "acct_a",
        "score": 0.0,
        "flagged": False,
        "first_flagged_ts": None,
        "requests_before_flag": None,
        "requests": 1,
        "first_seen_ts": START,
        "trend": "steady",
        "campaign": None,
        "families": [],
        "evidence": [],
    }


def test_the_account_is_printed_as_the_log_has_it_whatever_the_policy_reads_accounts_from():
    findings, decisions = replay([row(1, account="Ü/1")] * 2, quotas=[quota("requests", "1/hour")], identity={"account": ["bearer"]})
    assert list(accounts(findings)) == ["Ü/1"]
    assert [one["account"] for one in decisions] == ["Ü/1"]


def test_a_path_that_no_dialect_reads_counts_as_a_request():
    rows = [row(number, path="/v1/rerank") for number in (1, 2)]
    assert refused(replay(rows, quotas=[quota("requests", "1/hour")])[1]) == ["r2"]


def test_a_path_that_is_to_pass_is_not_looked_at_but_its_account_has_a_row():
    rows = [row(number, path="/health") for number in (1, 2)]
    findings, decisions = replay(rows, quotas=[quota("requests", "1/hour")], unmatched="pass")
    assert decisions == []
    assert list(accounts(findings)) == ["acct_a"]


def test_a_decision_has_a_row():
    _, decisions = replay([row(1), row(2, START + 1.5)], quotas=[quota("requests", "1/hour")])
    assert decisions == [
        {
            "id": "r2",
            "ts": START + 1.5,
            "account": "acct_a",
            "rule": "requests",
            "action": "quota",
            "effect": "restrict",
            "cause": "quota",
            "enforced": False,
        }
    ]


def test_a_request_that_met_several_rules_has_several_rows():
    rules: list[dict[str, Any]] = [{"id": name, "when": {}, "then": [{"alert": {}}]} for name in ("one", "two")]
    _, decisions = replay([row(1)], rules=rules)
    assert [(one["id"], one["rule"], one["effect"]) for one in decisions] == [("r1", "one", "observe"), ("r1", "two", "observe")]


# --- modes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "enforced"), [(Mode.SHADOW, False), (Mode.ENFORCE, True)])
def test_the_mode_says_whether_it_was_or_would_have_been_done(mode, enforced):
    _, decisions = replay([row(1), row(2)], mode, quotas=[quota("requests", "1/hour")])
    assert [one["enforced"] for one in decisions] == [enforced]


def test_a_policy_that_is_off_decides_nothing():
    assert replay([row(1), row(2)], Mode.OFF, quotas=[quota("requests", "1/hour")])[1] == []


@pytest.mark.parametrize(("mode", "flagged"), [(Mode.SHADOW, 12), (Mode.ENFORCE, 0)])
def test_the_answer_of_a_request_that_was_refused_was_never_given(mode, flagged):
    denial = {"id": "none", "when": {"request.model": "m"}, "then": [{"deny": {}}]}
    findings, _ = replay(campaign(), mode, rules=[*FLAGGING, denial])
    assert len(findings.flagged()) == flagged


# --- time ------------------------------------------------------------------------------------------------------------


def test_requests_are_parallel_for_as_long_as_the_log_says():
    starts = {1: (0, 10), 2: (5, 1), 3: (9.9, 1), 4: (10, 1), 5: (10.5, 1), 6: (11.5, 1)}
    rows = [row(number, START + ts, duration_s=duration) for number, (ts, duration) in starts.items()]
    assert refused(replay(rows, quotas=[quota("concurrent", 1)])[1]) == ["r2", "r3", "r5"]


def test_a_refused_request_holds_no_slot():
    rows = [row(1, START, duration_s=1), row(2, START + 0.5, duration_s=60), row(3, START + 2)]
    assert refused(replay(rows, Mode.ENFORCE, quotas=[quota("concurrent", 1)])[1]) == ["r2"]


def test_a_delayed_request_ends_later():
    rows = [row(1, START, duration_s=1), row(2, START + 3, duration_s=1)]
    rules: list[dict[str, Any]] = [{"id": "wait", "when": {}, "then": [{"delay": {"seconds": 5}}]}]
    assert "r2" in [
        one["id"] for one in replay(rows, Mode.ENFORCE, quotas=[quota("concurrent", 1)], rules=rules)[1] if one["cause"] == "quota"
    ]


def test_an_allowance_comes_back_on_the_clock_of_the_log():
    rows = [row(number, START + ts) for number, ts in enumerate((0, 30, 61), 1)]
    assert refused(replay(rows, quotas=[quota("requests", "1/minute")])[1]) == ["r2"]


def test_tokens_are_charged_as_the_answer_reports_them():
    answer = {"usage": {"prompt_tokens": 400, "completion_tokens": 500}}
    rows = [row(number, START + 10 * number, response=answer, body={"messages": [], "max_tokens": 10}) for number in range(1, 5)]
    assert refused(replay(rows, quotas=[quota("tokens", "2000/day", burst=2000)])[1]) == ["r4"]


def test_tokens_are_estimated_where_the_answer_reports_none():
    answer = {"choices": [{"message": {"content": "word " * 720}}]}
    rows = [row(number, START + 10 * number, response=answer, body={"messages": [], "max_tokens": 10}) for number in range(1, 5)]
    assert refused(replay(rows, quotas=[quota("output_tokens", "2000/day", burst=2000)])[1]) == ["r4"]


def test_more_exchanges_under_way_than_the_policy_bounds_end_early():
    rows = [row(number, START + number, duration_s=1000) for number in range(1, 6)]
    quotas = [quota("concurrent", 3), quota("requests", "1/second", burst=1)]
    assert refused(replay([*rows, row(6, START + 5.5)], quotas=quotas, bounds={"queue": 2})[1]) == ["r6"]


# --- assessment ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> tuple[Findings, list[Row]]:
    return replay(campaign(), rules=FLAGGING)


def test_members_of_a_campaign_are_flagged_and_nobody_else(found):
    flagged = {name for name, one in accounts(found[0]).items() if one["flagged"]}
    assert flagged == {f"shard-{number}" for number in range(12)}


def test_a_flag_tells_when_and_after_how_many_requests(found):
    for one in accounts(found[0]).values():
        if one["flagged"]:
            sent = [other["ts"] for other in campaign() if other["account"] == one["account"]]
            assert one["requests_before_flag"] == sum(ts < one["first_flagged_ts"] for ts in sent)
            assert 0 < one["requests_before_flag"] < 15


def test_the_score_is_the_highest_risk_with_its_evidence(found):
    one = accounts(found[0])["shard-3"]
    assert 0.1 < one["score"] <= 1
    assert {"coordination", "content"} <= set(one["families"])
    assert all(set(piece) == {"signal", "family", "weight", "reason"} for piece in one["evidence"])


def test_a_campaign_has_a_row_with_its_members_and_what_links_them(found):
    (group,) = found[0].campaigns()
    assert sorted(group["accounts"]) == sorted(f"shard-{number}" for number in range(12))
    assert 0.5 <= group["score"] <= 1
    assert START < group["first_detected_ts"] < START + 15 * 900
    assert {tuple(piece) for piece in group["evidence"]} == {("kind", "ts", "detail")}
    assert {one["campaign"] for name, one in accounts(found[0]).items() if name.startswith("shard")} == {group["campaign"]}


def test_a_throttle_that_refuses_nothing_is_no_decision(found):
    assert {one["action"] for one in found[1]} == {"alert"}


def test_a_rule_is_counted_also_where_it_did_nothing(found):
    tally = found[0].tallies["watch", "throttle"]
    assert tally.requests > 0
    assert len(tally.accounts) == 12
    assert (tally.did, tally.would) == (0, 0)


def test_a_throttle_counts_a_request_once_that_it_refuses():
    findings, decisions = replay(campaign(), quotas=[quota("requests", "4/hour", burst=4)], rules=FLAGGING)
    throttled = [one for one in decisions if one["action"] == "throttle"]
    tally = findings.tallies["watch", "throttle"]
    assert 0 < len(throttled) == tally.would <= tally.requests


# --- what a replay leaves alone --------------------------------------------------------------------------------------


def test_nobody_is_alerted_of_the_past(tmp_path):
    alerts = tmp_path / "alerts.jsonl"
    replay([row(1)], rules=[{"id": "all", "when": {}, "then": [{"alert": {}}]}], alerts={"file": str(alerts)})
    assert not alerts.exists()
