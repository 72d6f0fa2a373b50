"""Every file in `tests/policies/bad` has its whole output beside it; every file in `good` loads without a word."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from antidistill.errors import PolicyError, describe
from antidistill.policy import Code, load_policy
from antidistill.policy.source import MAX_BYTES

POLICIES = Path(__file__).parent.parent / "policies"
BAD = sorted((POLICIES / "bad").glob("*.yaml"))
GOOD = sorted((POLICIES / "good").glob("*.yaml"))
NOW = datetime.fromisoformat("2026-11-22T12:00:00Z").timestamp()


def load(source, **environ):
    return load_policy(source, environ, lambda: NOW)


def output(source, **environ):
    try:
        return "\n".join(describe(str(source), problem) for problem in load(source, **environ).warnings)
    except PolicyError as error:
        return str(error)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_policy_is_told_every_mistake_with_its_place(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert output(path.name) + "\n" == path.with_suffix(".expected").read_text()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_policy_loads_without_a_word(path):
    assert load(path).warnings == ()


def test_the_built_in_policy_loads_without_a_word():
    assert load(None).warnings == ()


def test_every_code_has_a_bad_policy_or_a_test_of_its_own():
    shown = "".join(path.read_text() for path in (POLICIES / "bad").glob("*.expected"))
    elsewhere = {Code.UNREADABLE, Code.TOO_LARGE, Code.BROKEN_PLUGIN, Code.BAD_ALERTS, Code.BAD_RECORD, Code.BAD_SNAPSHOT}
    assert {code for code in Code if f" {code} " not in shown} == elsewhere


def test_a_file_that_is_not_there_is_an_error_with_its_name():
    assert output("nowhere.yaml").startswith("nowhere.yaml AD001 cannot be read (No such file")


def test_a_folder_is_an_error_with_its_name(tmp_path):
    assert output(tmp_path) == f"{tmp_path} AD001 cannot be read (Is a directory); give the path of a policy file"


def test_a_path_that_no_system_could_have_is_an_error():
    assert " AD001 " in output("\0.yaml")


def test_a_huge_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert output(path).startswith(f"{path} AD002 is larger than 256 KiB")


def test_a_plugin_that_cannot_be_imported_is_named(install):
    install("acme-slow", "antidistill.actions", "slowly = acme_slow:Slowly", "raise RuntimeError('no such machine')")
    rule = {"id": "a", "when": {"proven": True}, "then": ["slowly"]}
    assert output({"version": 1, "rules": [rule]}).startswith("policy AD035 rules[0].then[0]: antidistill.actions: 'slowly' of acme-slow ")


def test_mistakes_in_a_mapping_are_told_by_their_path_in_its_order():
    rules = [{"id": "a", "when": {"any": [{"proven": True}, {"rsk": 1}]}, "then": ["alrt"]}]
    assert output({"version": 1, "rules": rules, "mode": "on"}).splitlines() == [
        "policy AD020 rules[0].when.any[1].rsk: unknown fact 'rsk'; did you mean risk?",
        "policy AD030 rules[0].then[0]: unknown action 'alrt'; did you mean alert?",
        "policy AD014 mode: mode must be one of off, shadow, enforce, not 'on'",
    ]


def test_a_mapping_may_hold_dates_and_tuples():
    policy = load({"version": 1, "exempt": ({"account": "a", "until": date(2027, 1, 31), "because": "contract"},)})
    assert policy.exempt == {"a": datetime.fromisoformat("2027-02-01T00:00:00Z").timestamp()}


def test_a_mapping_may_not_hold_objects():
    assert output({"version": 1, "store": object()}) == (
        "policy AD012 store: a object cannot stand in a policy; give text, numbers, lists or mappings"
    )


def test_a_mapping_that_holds_itself_is_refused():
    loop: dict[str, object] = {"version": 1}
    loop["bounds"] = loop
    assert " AD008 " in output(loop)


def test_variables_are_filled_in_and_unquoted_ones_become_numbers():
    policy = load(
        POLICIES / "good" / "variables.yaml", ANTIDISTILL_TEST_MODE="enforce", ANTIDISTILL_TEST_QUEUE="77", ANTIDISTILL_TEST_RATE="5"
    )
    assert (policy.mode, policy.bounds.queue, policy.quotas[0].allowance.usual.limit) == ("enforce", 77, 5)
    assert policy.alerts.file == "/var/log/${not}.jsonl"


def test_an_empty_variable_counts_as_unset_where_there_is_a_default():
    assert load({"version": 1, "mode": "${M:-off}"}, M="").mode == "off"


def test_what_a_variable_holds_is_not_read_again():
    assert load({"version": 1, "alerts": {"file": "${A}"}}, A="${B}").alerts.file == "${B}"


@pytest.mark.parametrize(
    "part",
    [
        {"mode": "${SECRET}"},
        {"store": "${SECRET}"},
        {"bounds": {"queue": "${SECRET}"}},
        {"exempt": [{"account": "a", "because": "b", "until": "${SECRET}"}]},
        {"identity": {"account": ["${SECRET}"], "trusted_proxies": ["${SECRET}"], "attributes": {"org": "${SECRET}"}}},
        {"quotas": [{"id": "${SECRET}", "per": "${SECRET}", "limit": "${SECRET}"}]},
        {"quotas": [{"id": "a", "per": "account", "limit": "${SECRET}"}]},
        {"rules": [{"id": "a", "when": {"risk": "${SECRET}", "request.body": "${SECRET}"}, "then": ["${SECRET}"]}]},
        {"rules": [{"id": "a", "when": "${SECRET}", "then": "${SECRET}"}]},
        {"rules": [{"id": "a", "when": {}, "then": [{"throttle": {"limit": "${SECRET}"}}]}]},
    ],
    ids=lambda part: next(iter(part)),
)
@pytest.mark.parametrize(
    "secret", ["hunter2 hunter2", "hunter2's", "hunter2\n\\", "hunter2" * 20], ids=["short", "quote", "escapes", "long"]
)
def test_what_the_environment_holds_is_never_quoted(secret, part):
    told = output({"version": 1, **part}, SECRET=secret)
    assert " AD0" in told
    assert "hunter2" not in told


def test_the_revision_changes_with_the_source_and_with_nothing_else(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1\n")
    first, again = load(path), load(path)
    path.write_text("version: 1\nmode: off\n")
    assert first.revision == again.revision != load(path).revision


def test_a_file_from_windows_loads(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\nmode: off\r\n")
    assert load(path).mode == "off"
