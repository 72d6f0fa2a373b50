"""All that the loop knows, as bytes and back, so that it goes on where it was. Never pickle: a snapshot holds data and nothing to run.

A snapshot is a series of records, each compressed and behind its length: a header, then every attribute of every room of the loop,
large ones in slices, so that whoever writes it need never hold the interpreter for long. A keyed hash of it all ends it.
"""

from __future__ import annotations

import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain, islice
from typing import Any

from msgspec import DecodeError, msgpack

from antidistill.assessment.campaigns import Campaigns
from antidistill.assessment.crowd import Crowd
from antidistill.assessment.drafts import Draft, Drafts
from antidistill.assessment.due import Due
from antidistill.assessment.frame import Frame, Standing, Uses
from antidistill.assessment.frames import Frames
from antidistill.assessment.handovers import Handovers, Left, Pair, Unfinished
from antidistill.assessment.loop import Assessor
from antidistill.assessment.models import Models
from antidistill.assessment.packing import Packing, fields_of
from antidistill.assessment.profile import Fillings, Newcomer, Profile, Profiles
from antidistill.assessment.sightings import Sightings
from antidistill.assessment.signals import Signal
from antidistill.errors import SnapshotError
from antidistill.identity.sub_identities import Seen, SubIdentities
from antidistill.model import Assessment, Campaign, Evidence, Past
from antidistill.striped import Striped
from antidistill.text.sketch import Recent, Tally

FORMAT = 2
"""Goes up whenever what is kept means something else than before."""

_PROCESS = "failures record seeds keep _seed _tick _clock _publish _signals _intake _breathe _thread _wake _drained _draining _closed _room"

ROOMS: Mapping[type, frozenset[str]] = {
    Assessor: frozenset(_PROCESS.split(" ")),
    Crowd: frozenset(),
    Frames: frozenset({"_limit"}),
    Drafts: frozenset({"_limit"}),
    Sightings: frozenset({"_mask"}),
    Unfinished: frozenset({"_limit"}),
    Handovers: frozenset({"_limit"}),
    Models: frozenset(),
    Profiles: frozenset({"_limit", "_signals"}),
    Due: frozenset(),
    Campaigns: frozenset({"_key", "_room"}),
    SubIdentities: frozenset({"_bound"}),
}
"""What the loop is built of, with the attributes that come from the policy or belong to the running process. All others are kept."""

VALUES = (
    *(Profile, Fillings, Newcomer, Seen, Frame, Standing, Uses, Draft, Left, Pair, Tally, Recent),
    *(Assessment, Past, Evidence, Campaign),
)
"""Classes of what the rooms hold, beside the states of signals."""

MAGIC = b"antidistill snapshot\n"
_SLICE = 1 << 15
_RUN = 4
_HASH = 32
_SEQUENCES = (list, set)

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder().decode


def write(assessor: Assessor, key: bytes, notes: Mapping[str, Any] | None = None) -> Iterator[bytes]:
    """Gives the snapshot of a loop piece by piece; it must learn nothing until the last one is taken.

    Args:
        assessor: The loop.
        key: Secret of the deployment: nobody else can make a snapshot that `read` takes.
        notes: What else to remember: plain data.

    Raises:
        SnapshotError: A signal keeps something that cannot be kept.
    """
    packing = _packing(assessor)
    seal = blake2b(MAGIC, digest_size=_HASH, key=key)
    yield MAGIC
    for record in chain([_header(assessor, packing, key, notes or {})], _records(assessor, (), packing)):
        data = zlib.compress(_encode(record), 1)  # much of a young loop is empty
        framed = len(data).to_bytes(4) + data
        seal.update(framed)
        yield framed
    yield seal.digest()


def read(data: bytes, assessor: Assessor, key: bytes) -> dict[str, Any]:
    """Puts what a snapshot holds into a loop that has learnt nothing yet.

    Args:
        data: The snapshot.
        assessor: The loop, made under the policy that holds now. Where the snapshot cannot be used it may be half filled: throw it away.
        key: Secret of the deployment.

    Returns:
        The notes.

    Raises:
        SnapshotError: It is none of ours, of another key or version or of other signals, or damaged.
    """
    packing = _packing(assessor)
    records = _checked(memoryview(data), key)
    try:
        header = next(records)
        if header["layout"] != _layout(assessor, packing):
            raise SnapshotError("the snapshot is of another version of antidistill or of a policy with other signals")
        kept = _fill(assessor, records, packing)
    except (DecodeError, LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise SnapshotError(f"the snapshot holds what no version of antidistill wrote ({type(error).__name__})") from error
    if kept != set(_attributes(assessor, ())):
        raise SnapshotError("the snapshot is of another version of antidistill: it keeps other things")
    return dict(header["notes"])


# --- records ---------------------------------------------------------------------------------------------------------


def _header(assessor: Assessor, packing: Packing, key: bytes, notes: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": _mark(key), "layout": _layout(assessor, packing), "notes": dict(notes)}


def _mark(key: bytes) -> bytes:
    """Tells one key from another, and nothing about either."""
    return blake2b(b"whose", digest_size=8, key=key).digest()


def _layout(assessor: Assessor, packing: Packing) -> bytes:
    names = [signal.name for signal in assessor.signals]
    return blake2b(repr((FORMAT, names, packing.layout)).encode(), digest_size=16).digest()


def _packing(assessor: Assessor) -> Packing:
    return Packing([*VALUES, *_states(assessor.signals)])


def _states(signals: Iterable[Signal]) -> list[type]:
    """The classes of what signals keep about an account, but for plain ones."""
    begun = (signal.begin() for signal in signals)
    return [kind for state in begun if (kind := type(state)).__module__ not in ("builtins", "array", "collections", "numpy")]


def _attributes(room: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Paths of all that is kept of a room and of the rooms inside."""
    names = vars(room) if fields_of(type(room)) is None else fields_of(type(room)) or ()
    for name in names:
        if name not in ROOMS[type(room)]:
            value = getattr(room, name)
            yield from _attributes(value, (*path, name)) if type(value) in ROOMS else [(*path, name)]


def _records(assessor: Assessor, path: tuple[str, ...], packing: Packing) -> Iterator[list[Any]]:
    for place in _attributes(assessor, path):
        value = _at(assessor, place)
        for extends, part in _slices(value, packing):
            yield [place, extends, part]


def _slices(value: Any, packing: Packing) -> Iterator[tuple[bool, Any]]:
    """A value as a whole, or empty and then in slices that extend it; a table in stripes, which the policy makes, in slices."""
    if isinstance(value, Striped):
        for run in chain([()], _runs(value.items())):
            yield True, [packing.pack(part) for part in chain.from_iterable(run)]
    elif isinstance(value, dict) and len(value) > _RUN:
        yield False, packing.pack(type(value)())
        for run in _runs(value.items()):
            yield True, [packing.pack(part) for part in chain.from_iterable(run)]
    elif type(value) in _SEQUENCES and len(value) > _RUN:
        yield False, packing.pack(type(value)())
        for run in _runs(sorted(value) if isinstance(value, set) else value):
            yield True, [packing.pack(part) for part in run]
    elif isinstance(value, array | bytearray) and len(value) > _SLICE:
        yield False, packing.pack(value[:0])
        view = memoryview(value).cast("B")
        for start in range(0, len(view), _SLICE):
            yield True, bytes(view[start : start + _SLICE])
    else:
        yield False, packing.pack(value)


def _runs(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while run := list(islice(rest, _RUN)):
        yield run


# --- and back --------------------------------------------------------------------------------------------------------


def _checked(view: memoryview, key: bytes) -> Iterator[Any]:
    """The records, once it is clear that nobody has changed them."""
    body, start = view[:-_HASH], len(MAGIC)
    if bytes(view[:start]) != MAGIC:
        raise SnapshotError("this is no snapshot of antidistill")
    seal = blake2b(body, digest_size=_HASH, key=key).digest()
    if seal != bytes(view[-_HASH:]):
        raise SnapshotError(_why_unsealed(body[start:], key))
    while start < len(body):
        stop = start + 4 + int.from_bytes(body[start : start + 4])
        yield _decode(zlib.decompress(body[start + 4 : stop]))
        start = stop


def _why_unsealed(body: memoryview, key: bytes) -> str:
    try:
        other = _decode(zlib.decompress(body[4 : 4 + int.from_bytes(body[:4])]))["key"] != _mark(key)
    except (DecodeError, LookupError, TypeError, ValueError, zlib.error):
        other = False
    if other:
        return "the snapshot was made under another ANTIDISTILL_MASTER_KEY, under which every hash is another"
    return "the snapshot is damaged or incomplete"


def _fill(assessor: Assessor, records: Iterable[Sequence[Any]], packing: Packing) -> set[tuple[str, ...]]:
    kept = set()
    for path, extends, part in records:
        place = tuple(path)
        if extends:
            _EXTEND[type(value := _at(assessor, place))](value, part, packing)
        else:
            setattr(_at(assessor, place[:-1]), place[-1], packing.unpack(part))
        kept.add(place)
    return kept


def _at(room: Any, path: Iterable[str]) -> Any:
    for name in path:
        room = getattr(room, name)
    return room


def _pairs(value: Any, part: Any, packing: Packing) -> None:
    for key, known in packing.pairs(part):
        value[key] = known


_EXTEND: Mapping[type, Callable[[Any, Any, Packing], None]] = {
    dict: _pairs,
    OrderedDict: _pairs,
    Striped: _pairs,
    list: lambda value, part, packing: value.extend(map(packing.unpack, part)),
    set: lambda value, part, packing: value.update(map(packing.unpack, part)),
    bytearray: lambda value, part, packing: value.extend(part),
    array: lambda value, part, packing: value.frombytes(part),
}
