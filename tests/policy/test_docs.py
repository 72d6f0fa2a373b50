"""`docs/policy.md` is a reference: what it leaves out does not exist."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from ruamel.yaml import YAML

from antidistill import plugins
from antidistill.assessment.record import RecordConfig
from antidistill.identity import IdentityConfig
from antidistill.policy import Code, load_policy
from antidistill.policy.operators import OPERATORS
from antidistill.policy.sections import Alerts, AssessmentConfig, Bounds, Estimates, ExemptionConfig, PolicyConfig, RuleConfig
from antidistill.policy.vocabulary import Vocabulary
from antidistill.quotas import BreachesConfig, Price, Probation, QuotaConfig
from antidistill.rates import ByPlan

DOCS = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text()
SECTIONS = [PolicyConfig, IdentityConfig, Estimates, Bounds, Alerts, AssessmentConfig, QuotaConfig, ByPlan, Probation]
SECTIONS += [RecordConfig, BreachesConfig, Price, RuleConfig, ExemptionConfig]


def fields(struct):
    return [field.encode_name for field in msgspec.structs.fields(struct)]


@pytest.mark.parametrize("code", Code)
def test_every_code_is_documented(code):
    assert f"| {code} |" in DOCS


@pytest.mark.parametrize(
    "name", [*Vocabulary().facts, "attribute.NAME", "family.NAME", "signal.NAME", "quota.ID.used", "quota.ID.breached"]
)
def test_every_fact_is_documented(name):
    assert f"| `{name}` |" in DOCS


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_is_documented(name):
    assert f"| `{name}` |" in DOCS


@pytest.mark.parametrize("name", plugins.actions())
def test_every_action_is_documented_with_its_parameters(name):
    section = DOCS.partition(f"### `{name}`\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    assert section
    assert [field for field in fields(plugins.actions()[name]) if f"`{field}`" not in section] == []


@pytest.mark.parametrize("struct", SECTIONS, ids=lambda struct: struct.__name__)
def test_every_key_is_documented(struct):
    assert [name for name in fields(struct) if f"| `{name}` |" not in DOCS] == []


@pytest.mark.parametrize("name", plugins.signals())
def test_every_signal_is_documented(name):
    assert f"`{name}`" in DOCS


@pytest.mark.parametrize("number", range(DOCS.count("```yaml\n")))
def test_every_example_loads_without_a_word(number):
    text = DOCS.split("```yaml\n")[number + 1].partition("```")[0]
    assert load_policy(YAML(typ="safe", pure=True).load(text), {}, lambda: 1_795_000_000.0).warnings == ()
