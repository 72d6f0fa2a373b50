from __future__ import annotations

from datetime import date
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from antidistill.policy import schema
from antidistill.policy.facts import FACTS

POLICIES = Path(__file__).parent.parent / "policies"
DEFAULT = Path(__file__).parent.parent.parent / "antidistill" / "policy" / "default.yaml"

UNREADABLE = {"syntax", "tab", "unclosed", "tag", "duplicate-key", "two-documents", "not-utf8"}
"""Not YAML, or not one document: no editor gets as far as a schema."""

MEANING = {
    "alias": "an alias is resolved before a schema sees it",
    "yaml11": "so is the version of YAML",
    "too-deep": "a schema does not count",
    "unset-variable": "only the environment knows",
    "bad-variable": "text may hold anything",
    "duplicate-id": "entries are not compared",
    "unknown-quota": "entries are not compared",
    "unknown-plugin": "what is installed differs from machine to machine",
    "quota-in-quota": "conditions are the same everywhere",
    "too-late": "conditions and actions are not compared",
    "bad-parameters": "bounds of parameters are the actions' own",
    "bad-limit": "the grammar of limits",
    "bad-burst": "bounds of bursts",
    "bad-scope": "entries are not compared",
    "bad-algorithm": "entries are not compared",
    "bad-breaches": "the grammar of limits and periods",
    "bad-probation": "entries are not compared",
    "bad-identity": "the grammar of sources",
    "bad-seeds": "files are not opened",
    "bad-store": "the stores of this version",
    "expired-rule": "advice",
    "expired-exemption": "advice",
    "one-family": "advice",
    "no-coordination": "advice",
    "never-matches": "advice",
    "always-matches": "advice",
    "unknown-attribute": "advice",
    "unattested-plan": "advice",
    "no-prices": "advice",
    "sub-identity-alone": "advice",
    "fingerprint-alone": "advice",
}
"""What only `antidistill check` sees, and why."""

SHAPE = sorted({path.stem for path in (POLICIES / "bad").glob("*.yaml")} - UNREADABLE - set(MEANING))


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def read(path):
    return plain(YAML(typ="safe", pure=True).load(path))


def test_the_schema_is_one(validator):
    validator.check_schema(validator.schema)


@pytest.mark.parametrize("path", [DEFAULT, *sorted((POLICIES / "good").glob("*.yaml"))], ids=lambda path: path.stem)
def test_a_good_policy_is_valid(path, validator):
    validator.validate(read(path))


@pytest.mark.parametrize("name", SHAPE)
def test_a_policy_of_bad_shape_is_not_valid(name, validator):
    assert not validator.is_valid(read(POLICIES / "bad" / f"{name}.yaml"))


@pytest.mark.parametrize("name", MEANING)
def test_what_only_check_can_see_is_valid(name, validator):
    assert validator.is_valid(read(POLICIES / "bad" / f"{name}.yaml"))


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_what_is_not_yaml_is_left_out_for_good_reason(name):
    with pytest.raises((YAMLError, UnicodeDecodeError)):
        read(POLICIES / "bad" / f"{name}.yaml")


def test_every_fact_and_every_key_is_described(validator):
    definitions = validator.schema["$defs"]
    assert set(FACTS) <= set(definitions["conditions"]["properties"])
    described = [part for holder in (validator.schema, *definitions.values()) for part in holder.get("properties", {}).items()]
    assert [name for name, part in described if "description" not in part] == []
