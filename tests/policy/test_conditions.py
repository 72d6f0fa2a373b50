"""The laws of conditions, against a plain evaluator of Kleene's three-valued logic."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antidistill.model import Assessment, Call, Facts, Subject
from antidistill.policy.conditions import causes, compiled
from antidistill.policy.document import Document, Problems
from antidistill.policy.operators import OPERATORS
from antidistill.policy.reach import reachable
from antidistill.policy.vocabulary import Vocabulary
from antidistill.policy.when import read_when

NUMBERS = st.sampled_from([0, 0.25, 0.5, 0.75, 1])
MODELS = st.sampled_from(["", "a", "ab", "b"])


def tree(when):
    problems = Problems(Document("policy"))
    node = read_when(when, (), Vocabulary(["q"]), problems)
    assert not problems.listed()
    return node


def holds(when, facts, missing=None):
    condition = compiled(tree(when), {} if missing is None else missing)
    return condition is None or condition(facts)


def facts(risk=None, model=None, proven=None):
    return Facts(
        0.0,
        call=None if model is None else Call("openai.chat", model=model),
        subject=None if proven is None else Subject("a", "f", "n", proven),
        assessment=None if risk is None else Assessment("a", 0.0, risk),
    )


def kleene(when, values):
    """Evaluates raw conditions: True, False, or None for unknown."""
    results = []
    for name, value in when.items():
        if name == "not":
            inner = kleene(value, values)
            results.append(None if inner is None else not inner)
        elif name in ("all", "any"):
            inner = [kleene(part, values) for part in value]
            results.append(_all(inner) if name == "all" else _any(inner))
        else:
            tests = value if isinstance(value, dict) else {"in" if isinstance(value, list) else "eq": value}
            known = values[name]
            results += [None if known is None else bool(OPERATORS[test].holds(known, operand)) for test, operand in tests.items()]
    return _all(results)


def _all(results):
    return False if False in results else None if None in results else True


def _any(results):
    return True if True in results else None if None in results else False


leaves = st.one_of(
    st.builds(lambda operator, bound: {"risk": {operator: bound}}, st.sampled_from(["lt", "le", "gt", "ge", "eq", "ne"]), NUMBERS),
    st.builds(lambda bounds: {"risk": bounds}, st.dictionaries(st.sampled_from(["lt", "le", "gt", "ge"]), NUMBERS, min_size=2)),
    st.builds(lambda flag: {"proven": flag}, st.booleans()),
    st.builds(lambda names: {"request.model": names}, st.lists(MODELS, min_size=1, max_size=3)),
    st.builds(
        lambda operator, start: {"request.model": {operator: start}}, st.sampled_from(["starts_with", "not_starts_with", "ne"]), MODELS
    ),
)
whens = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda one, other: {**one, **other}, inner, inner),
    ),
    max_leaves=8,
)
values = st.fixed_dictionaries(
    {"risk": st.none() | NUMBERS, "request.model": st.none() | MODELS, "proven": st.none() | st.booleans()},
)


@settings(deadline=None)
@given(whens, values)
def test_a_condition_holds_where_kleene_says_true(when, known):
    assert holds(when, facts(known["risk"], known["request.model"], known["proven"])) is (kleene(when, known) is True)


@settings(deadline=None)
@given(whens, values)
def test_a_condition_that_holds_was_called_reachable(when, known):
    if holds(when, facts(known["risk"], known["request.model"], known["proven"])):
        assert reachable(tree(when))


@settings(deadline=None)
@given(whens)
def test_without_facts_no_condition_holds_negated_or_not(when):
    assert not holds(when, facts())
    assert not holds({"not": when}, facts())


def test_an_empty_condition_always_holds():
    assert holds({}, facts())


def test_a_missing_fact_is_counted():
    missing: dict[str, int] = {}
    assert not holds({"risk": {"ge": 0.5}}, facts(), missing)
    assert missing == {"risk": 1}


def test_the_names_of_facts_are_counted_from_the_start():
    missing: dict[str, int] = {}
    compiled(tree({"risk": {"ge": 0.5}, "proven": True}), missing)
    assert missing == {"risk": 0, "proven": 0}


def test_what_is_not_known_is_not_different_either():
    assert not holds({"request.model": {"ne": "a"}}, facts())
    assert not holds({"request.model": {"not_in": ["a"]}}, facts())


def test_causes_are_those_of_all_facts():
    assert causes(tree({"any": [{"risk": 1}, {"not": {"quota.q.breached": True}}], "request.n": 1})) == {"assessment", "quota", "request"}


@pytest.mark.parametrize(
    "when",
    [
        {"risk": {"gt": 0.9, "lt": 0.1}},
        {"risk": {"ge": 2}},
        {"risk": {"lt": 0}},
        {"risk": {"gt": 0.5, "le": 0.5}},
        {"risk": {"gt": 1}},
        {"families": {"ge": 6}},
        {"all": [{"risk": {"ge": 0.9}}, {"not": {"risk": {"ge": 0.5}}}]},
        {"any": [{"risk": 2}, {"risk": {"lt": -1}}]},
        {"risk": {"ge": 0.9}, "any": [{"risk": {"lt": 0.5}}, {"risk": 0.1}]},
        {"request.model": {"eq": "a", "ne": "a"}},
        {"request.model": {"in": ["a", "b"], "not_in": ["a", "b", "c"]}},
        {"request.model": {"starts_with": "a", "eq": "b"}},
        {"all": [{"request.model": {"starts_with": "a"}}, {"request.model": {"starts_with": "b"}}]},
        {"request.model": {"starts_with": "ab", "not_starts_with": "a"}},
        {"all": [{"proven": True}, {"proven": False}]},
        {"request.body": {"not_in": ["none", "whole", "truncated", "unread", "malformed"]}},
        {"not": {}},
    ],
    ids=str,
)
def test_contradictions_are_seen(when):
    assert not reachable(tree(when))


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"risk": {"ge": 0.9}},
        {"risk": {"ge": 1}},
        {"risk": {"ge": 0.5, "le": 0.5}},
        {"any": [{"risk": 2}, {"proven": True}]},
        {"request.model": {"starts_with": "a", "not_starts_with": "ab"}},
        {"request.temperature": {"lt": 0}},
        {"signal.sweep": {"lt": 0}},
    ],
    ids=str,
)
def test_what_can_hold_is_not_called_a_contradiction(when):
    assert reachable(tree(when))
