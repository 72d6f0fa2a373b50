"""The JSON Schema of policies, for editors: made from the same structs, facts and actions that load them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from antidistill import plugins
from antidistill.actions import Action
from antidistill.policy.compile import ID
from antidistill.policy.facts import Fact, FactType
from antidistill.policy.operators import OPERATORS
from antidistill.policy.sections import PolicyConfig, Sections
from antidistill.policy.vocabulary import Group, Vocabulary

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_VALUES: dict[FactType, Schema] = {"text": {"type": "string"}, "number": {"type": "number"}, "flag": {"type": "boolean"}}
_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{[A-Za-z_]", "description": "Filled in from the environment."}
_ATTRIBUTE = re.compile(r"^ +(\w+): (.+(?:\n {12,}.+)*)", re.MULTILINE)
_CONDITIONS = {"$ref": "#/$defs/conditions"}


def schema() -> Schema:
    """Returns a JSON Schema (2020-12) of what `load_policy` accepts, as far as a schema can tell.

    It knows the facts, operators, actions and parameters of this installation, plugins included. Whether the parts fit
    together is beyond it: `antidistill check` tells that.
    """
    actions = dict(plugins.actions())
    references, structs = msgspec.json.schema_components([Sections, PolicyConfig, *actions.values()], ref_template="#/$defs/{name}")
    definitions: dict[str, Schema] = {name: _described(struct) for name, struct in structs.items()}
    inherited, policy = definitions.pop("Sections"), definitions.pop("PolicyConfig")
    policy["properties"] |= inherited["properties"]
    _refine(definitions)
    definitions["action"] = _action(
        {name: _parameters(actions[name], reference, structs) for name, reference in zip(actions, references[2:], strict=True)}
    )
    definitions |= _conditions(Vocabulary())
    whole = {"$schema": DIALECT, **policy, "title": "antidistill policy", "$defs": definitions}
    return {**_fillable(whole), "$defs": {**_fillable(definitions), "variable": _VARIABLE}}


def _described(struct: Schema) -> Schema:
    """Spreads a docstring, which msgspec takes as the description, over the properties that it describes."""
    summary, _, attributes = struct.get("description", "").partition("\n\n    Attributes:\n")
    properties = {name: dict(part) for name, part in struct.get("properties", {}).items()}
    for name, text in _ATTRIBUTE.findall(attributes):
        if name in properties:
            properties[name]["description"] = " ".join(text.split())
    named = {"properties": properties} if properties else {}
    return {**struct, "description": " ".join(summary.split()), **named}


def _refine(definitions: dict[str, Schema]) -> None:
    """Puts in what the structs leave open: conditions, actions and the form of ids."""
    for name in ("QuotaConfig", "RuleConfig"):
        properties = definitions[name]["properties"]
        properties["id"]["pattern"] = f"^{ID.pattern}$"
        properties["when"] = {**_CONDITIONS, "description": properties["when"]["description"]}
    definitions["RuleConfig"]["properties"]["then"] |= {"items": {"$ref": "#/$defs/action"}, "minItems": 1}


def _parameters(action: type[Action], reference: Schema, structs: Mapping[str, Schema]) -> Schema:
    """Parameters of an action; none at all may be given where none is required, and one that is a list may stand for itself."""
    struct = structs[reference["$ref"].rpartition("/")[2]]
    if listed := getattr(action, "listed", ""):
        return {"oneOf": [struct["properties"][listed], reference]}
    return reference if struct["required"] else {"anyOf": [reference, {"type": "null"}]}


def _action(parameters: Mapping[str, Schema]) -> Schema:
    bare = [name for name, schema in parameters.items() if "anyOf" in schema]
    one = {"type": "object", "properties": dict(parameters), "additionalProperties": False, "minProperties": 1, "maxProperties": 1}
    return {"description": "An action: its name, or its name with parameters.", "anyOf": [{"type": "string", "enum": bare}, one]}


def _conditions(vocabulary: Vocabulary) -> dict[str, Schema]:
    several = {"type": "array", "items": _CONDITIONS, "minItems": 1}
    joints = {
        "all": {**several, "description": "Every one of these holds."},
        "any": {**several, "description": "At least one of these holds."},
        "not": {**_CONDITIONS, "description": "These are known not to hold together."},
    }
    facts = {name: {**_comparison(fact), "description": _sentence(fact.description)} for name, fact in vocabulary.facts.items()}
    patterns = {_pattern(group): _reference(group.make("NAME").type) for group in vocabulary.groups}
    conditions: Schema = {
        "type": "object",
        "description": "Conditions that hold together. One on a fact that is not known does not hold.",
        "properties": {**joints, **facts},
        "patternProperties": {r"^attribute\..": _reference("text"), **patterns},
        "additionalProperties": False,
    }
    return {"conditions": conditions, **{kind: _compare(kind, value) for kind, value in _VALUES.items()}}


def _comparison(fact: Fact) -> Schema:
    return _compare(fact.type, {"enum": list(fact.choices)}) if fact.choices else _reference(fact.type)


def _pattern(group: Group) -> str:
    names = "|".join(re.escape(name) for name in group.known) or ID.pattern
    return f"^{re.escape(group.prefix)}({names}){re.escape(group.suffix)}$"


def _reference(kind: FactType) -> Schema:
    return {"$ref": f"#/$defs/{kind}"}


def _compare(kind: FactType, value: Schema) -> Schema:
    """What a fact of a type can be compared with: a value, a list of values where that fits, or operators."""
    several = {"type": "array", "items": value, "minItems": 1}
    fitting = [each for each in OPERATORS.values() if kind in each.types]
    operators = {each.name: {**(several if each.many else value), "description": _sentence(each.description)} for each in fitting}
    mapping = {"type": "object", "properties": operators, "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [value, several, mapping] if "in" in operators else [value, mapping]}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _fillable(part: Any) -> Any:
    """Lets the environment fill in every value that is not free text anyway."""
    if isinstance(part, list | tuple):
        return [_fillable(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "enum" in part or part.get("format") == "date" or part.get("type") in ("integer", "number", "boolean"):
        notes = {key: part[key] for key in ("title", "description", "default") if key in part}
        plain = {key: value for key, value in part.items() if key not in notes}
        return {**notes, "anyOf": [plain, {"$ref": "#/$defs/variable"}]}
    return {key: _fillable(value) for key, value in part.items()}
