"""Plain data into structs. Where msgspec stops at the first mistake, this reports all of them, each at its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    DateType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
)

from antidistill.policy.codes import Code
from antidistill.policy.document import BROKEN, Path, Problems, describe_value, dotted

MANY = 16
"""More words than this do not fit into a message."""

_PLAIN: dict[type[Type], tuple[type | tuple[type, ...], str]] = {
    StrType: (str, "text"),
    BoolType: (bool, "true or false"),
    IntType: (int, "a whole number"),
    FloatType: ((int, float), "a number"),
    DictType: (Mapping, "a mapping"),
    StructType: (Mapping, "a mapping"),
    ListType: (list, "a list"),
    VarTupleType: (list, "a list"),
}


def shape(value: Any, target: type, path: Path, problems: Problems) -> Any:
    """Converts plain data to a type made of structs, lists, mappings, enumerations, dates and plain values.

    Returns:
        The value; `BROKEN` for every part that has a mistake, all of which are in `problems` then.
    """
    return _Shaper(problems).convert(value, _inspect(target), path)


def whole(value: Any) -> bool:
    """Tells whether a shaped value has no broken part."""
    match value:
        case Struct():
            return whole(msgspec.structs.astuple(value))
        case list() | tuple():
            return all(whole(part) for part in value)
        case dict():
            return all(whole(part) for part in value.values())
        case _:
            return value is not BROKEN


def suggest(word: str, known: Iterable[str]) -> str:
    """Ends a message about an unknown word: with the word that was probably meant, or with all there are."""
    words = list(known)
    if close := get_close_matches(word, words, n=1):
        return f"did you mean {close[0]}?"
    if not words:
        return "there are none"
    return f"known are {', '.join(words)}" if len(words) <= MANY else "docs/policy.md lists all there are"


@cache
def _inspect(target: type) -> Type:
    return msgspec.inspect.type_info(target)


class _Shaper:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def convert(self, value: Any, target: Type, path: Path) -> Any:
        if isinstance(target, Metadata):
            return self.convert(value, target.type, path)
        if value is BROKEN or isinstance(target, AnyType):
            return value
        if isinstance(target, UnionType):
            return self._union(value, target, path)
        if isinstance(target, LiteralType | EnumType):
            return self._choice(value, target, path)
        if isinstance(target, DateType):
            return self._date(value, path)
        if not _fits(value, target):
            return self._refuse_type(value, (target,), path)
        return self._part(value, target, path)

    def _part(self, value: Any, target: Type, path: Path) -> Any:
        match target:
            case StructType():
                return self._struct(value, target, path)
            case DictType():
                return {key: self.convert(part, target.value_type, (*path, key)) for key, part in value.items()}
            case ListType():
                return [self.convert(part, target.item_type, (*path, index)) for index, part in enumerate(value)]
            case VarTupleType():
                return tuple(self.convert(part, target.item_type, (*path, index)) for index, part in enumerate(value))
            case IntType() | FloatType():
                return self._number(value, target, path)
            case _:
                return value

    def _struct(self, value: Mapping[str, Any], target: StructType, path: Path) -> Any:
        known = {field.encode_name: field for field in target.fields}
        for key in value:
            if key not in known:
                message = f"unknown key {describe_value(key)} in {dotted(path) or 'the policy'}; {suggest(key, known)}"
                self._problems.add(Code.UNKNOWN_KEY, (*path, key), message, key=True)
        return target.cls(**{field.name: self._field(value, field, path) for field in target.fields})

    def _field(self, value: Mapping[str, Any], field: Field, path: Path) -> Any:
        name = field.encode_name
        if name in value:
            return self.convert(value[name], field.type, (*path, name))
        if field.required:
            message = f"{dotted(path) or 'the policy'} has no '{name}'; add {name}: with {_noun(field.type)}"
            self._problems.add(Code.MISSING_KEY, path, message)
            return BROKEN
        return field.default if field.default is not NODEFAULT else field.default_factory()

    def _union(self, value: Any, target: UnionType, path: Path) -> Any:
        if value is None and target.includes_none:
            return None
        options = tuple(option for option in target.types if not isinstance(option, NoneType))
        fitting = [option for option in options if _fits(value, option)]
        if len(options) == 1 or fitting:
            return self.convert(value, (fitting or options)[0], path)
        return self._refuse_type(value, options, path)

    def _choice(self, value: Any, target: LiteralType | EnumType, path: Path) -> Any:
        choices = _choices(target)
        if isinstance(value, str | int) and value in choices and not isinstance(value, bool):
            return choices[value]
        words = [str(choice) for choice in choices]
        hint = suggest(value, words) if isinstance(value, str) and get_close_matches(value, words) else ""
        message = f"{_name(path)} must be one of {', '.join(words)}, not {self._problems.quote(path, value)}"
        self._problems.add(Code.WRONG_CHOICE, path, f"{message}; {hint}" if hint else message)
        return BROKEN

    def _date(self, value: Any, path: Path) -> Any:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            message = f"{_name(path)} must be a date such as 2027-01-31, not {self._problems.quote(path, value)}"
            self._problems.add(Code.BAD_DATE, path, message)
            return BROKEN

    def _number(self, value: Any, target: IntType | FloatType, path: Path) -> Any:
        if not isfinite(value):
            self._problems.add(Code.OUT_OF_RANGE, path, f"{_name(path)} must be finite, not {value}")
            return BROKEN
        if not _within(value, target):
            self._problems.add(Code.OUT_OF_RANGE, path, f"{_name(path)} must be {_range(target)}, not {self._problems.quote(path, value)}")
            return BROKEN
        return value

    def _refuse_type(self, value: Any, options: Iterable[Type], path: Path) -> Any:
        nouns = " or ".join(_noun(option) for option in options)
        self._problems.add(Code.WRONG_TYPE, path, f"{_name(path)} must be {nouns}, not {self._problems.quote(path, value)}")
        return BROKEN


def _fits(value: Any, target: Type) -> bool:
    """Tells whether a value is of the kind that a type wants, whatever is inside."""
    if isinstance(target, Metadata):
        return _fits(value, target.type)
    if isinstance(target, LiteralType | EnumType):
        return isinstance(value, str)
    if type(target) not in _PLAIN:
        return True
    kinds, _ = _PLAIN[type(target)]
    return isinstance(value, kinds) and (not isinstance(value, bool) or isinstance(target, BoolType))


def _choices(target: LiteralType | EnumType) -> dict[Any, Any]:
    if isinstance(target, EnumType):
        return {member.value: member for member in target.cls}
    return {choice: choice for choice in target.values}


def _noun(target: Type) -> str:
    if isinstance(target, Metadata):
        return _noun(target.type)
    if isinstance(target, UnionType):
        return " or ".join(_noun(option) for option in target.types if not isinstance(option, NoneType))
    if isinstance(target, LiteralType | EnumType):
        choices = ", ".join(str(choice) for choice in _choices(target))
        return f"one of {choices}" if "," in choices else f"the value {choices}"
    return "a date such as 2027-01-31" if isinstance(target, DateType) else _PLAIN.get(type(target), (object, "a value"))[1]


def _within(value: float, target: IntType | FloatType) -> bool:
    return (target.ge is None or value >= target.ge) and (target.le is None or value <= target.le)


def _range(target: IntType | FloatType) -> str:
    ends = [f"at least {target.ge}" if target.ge is not None else "", f"at most {target.le}" if target.le is not None else ""]
    return " and ".join(end for end in ends if end)


def _name(path: Path) -> str:
    """The field that a path ends at: list places are no names."""
    return dotted(path[-2:]) if isinstance(path[-1], int) and len(path) > 1 else str(path[-1]) if path else "the policy"
