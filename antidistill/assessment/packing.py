"""Values of declared classes as plain data and back: numbers, texts, bytes and lists of them, and nothing that could be run."""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

from msgspec import Struct

from antidistill.errors import SnapshotError

Plain: TypeAlias = Any
"""None, a flag, number, text or bytes; or a list that begins with the number of a kind."""

_SIMPLE: frozenset[type] = frozenset({type(None), bool, float, str, bytes})
_SMALLEST, _LARGEST = -(1 << 63), (1 << 64) - 1
_MAPPINGS: tuple[type, ...] = (dict, OrderedDict, Counter)
_SEQUENCES: tuple[type, ...] = (list, tuple, set, frozenset)
_BIG, _ARRAY, _BYTES, _DEQUE, _NUMPY, _OBJECT = range(6)
_KINDS = 6 + len(_MAPPINGS)
_SETS = (_KINDS + 2, _KINDS + 3)


class Packing:
    """Turns values into plain data and back.

    Known are plain values, whole numbers of any size, the containers of Python, `array`, `bytearray`, arrays of numpy, and the classes
    that are declared: structs, named tuples, and objects with slots or attributes. Everything else is refused.

    Args:
        classes: The classes that values may be of.

    Attributes:
        layout: Names of the classes with those of their fields: data fits only the very same.
    """

    def __init__(self, classes: Iterable[type]) -> None:
        self._classes = list(dict.fromkeys(classes))
        self._fields = [fields_of(known) for known in self._classes]
        names = [f"{known.__module__}.{known.__qualname__}" for known in self._classes]
        self.layout = list(zip(names, self._fields, strict=True))
        self._texts: dict[str, str] = {}
        self._packers: dict[type, Callable[[Any], Plain]] = {
            array: lambda value: [_ARRAY, value.typecode, value.tobytes()],
            bytearray: lambda value: [_BYTES, bytes(value)],
            deque: lambda value: [_DEQUE, value.maxlen, *map(self.pack, value)],
            **{kind: self._packer_of_pairs(_OBJECT + 1 + place) for place, kind in enumerate(_MAPPINGS)},
            **{kind: self._packer_of_items(_KINDS + place) for place, kind in enumerate(_SEQUENCES)},
            **{known: self._packer_of_object(number) for number, known in enumerate(self._classes)},
        }
        self._makers: list[Callable[[list[Any]], Any]] = [
            lambda parts: int.from_bytes(parts[1], signed=True),
            lambda parts: array(parts[1], parts[2]),
            lambda parts: bytearray(parts[1]),
            lambda parts: deque(map(self.unpack, parts[2:]), parts[1]),
            _numpy,
            self._object,
            *(self._maker_of_pairs(kind) for kind in _MAPPINGS),
            *(self._maker_of_items(kind) for kind in _SEQUENCES),
        ]

    def pack(self, value: Any) -> Plain:
        """Plain data that stands for a value.

        Raises:
            SnapshotError: It is of a class that is not declared.
        """
        kind = type(value)
        if kind in _SIMPLE:
            return value
        if kind is int:
            return value if _SMALLEST <= value <= _LARGEST else [_BIG, value.to_bytes(value.bit_length() // 8 + 1, signed=True)]
        packer = self._packers.get(kind)
        if packer is not None:
            return packer(value)
        if kind.__module__ == "numpy" and kind.__name__ == "ndarray" and not value.dtype.hasobject:
            return [_NUMPY, value.dtype.str, list(value.shape), value.tobytes()]
        raise SnapshotError(f"a {kind.__module__}.{kind.__qualname__} cannot be kept: declare its class, or hold plain values in its place")

    def unpack(self, data: Plain) -> Any:
        """The value that plain data of ours stands for."""
        if type(data) is list:
            return self._makers[data[0]](data)
        return self._texts.setdefault(data, data) if type(data) is str else data  # one text in memory, however often it stands here

    # --- containers --------------------------------------------------------------------------------------------------

    def _packer_of_items(self, kind: int) -> Callable[[Any], Plain]:
        if kind in _SETS:
            return lambda value: [kind, *map(self.pack, sorted(value))]
        return lambda value: [kind, *map(self.pack, value)]

    def _packer_of_pairs(self, kind: int) -> Callable[[Any], Plain]:
        return lambda value: [kind, *map(self.pack, chain.from_iterable(value.items()))]

    def _maker_of_items(self, kind: Any) -> Callable[[list[Any]], Any]:
        return lambda parts: kind(map(self.unpack, parts[1:]))

    def _maker_of_pairs(self, kind: Any) -> Callable[[list[Any]], Any]:
        return lambda parts: kind(dict(self.pairs(parts[1:])))

    def pairs(self, flat: Sequence[Plain]) -> Iterable[tuple[Any, Any]]:
        """Keys and values that stand one after the other."""
        values = map(self.unpack, flat)
        return zip(values, values, strict=True)

    # --- objects -----------------------------------------------------------------------------------------------------

    def _packer_of_object(self, number: int) -> Callable[[Any], Plain]:
        fields = self._fields[number]
        if fields is None:
            return lambda value: [_OBJECT, number, *map(self.pack, chain.from_iterable(vars(value).items()))]
        return lambda value: [_OBJECT, number, *[self.pack(getattr(value, name)) for name in fields]]

    def _object(self, parts: list[Any]) -> Any:
        known, fields = self._classes[parts[1]], self._fields[parts[1]]
        if fields is not None and issubclass(known, Struct | tuple):
            return known(*map(self.unpack, parts[2:]))
        made = known.__new__(known)
        for name, value in self.pairs(parts[2:]) if fields is None else zip(fields, map(self.unpack, parts[2:]), strict=True):
            object.__setattr__(made, name, value)
        return made


def fields_of(known: type) -> tuple[str, ...] | None:
    """Names of what instances of a class hold; None where they may hold anything."""
    if issubclass(known, Struct):
        return known.__struct_fields__
    if issubclass(known, tuple):
        return tuple(known._fields)  # type: ignore[attr-defined]
    if known.__dictoffset__:
        return None
    return tuple(name for base in reversed(known.__mro__) for name in _slots(base))


def _slots(base: type) -> tuple[str, ...]:
    slots = base.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _numpy(parts: list[Any]) -> Any:
    import numpy

    return numpy.frombuffer(parts[3], parts[1]).reshape(parts[2]).copy()
