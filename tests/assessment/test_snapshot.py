from __future__ import annotations

import random
from array import array
from collections import Counter, OrderedDict, deque
from typing import Any, NamedTuple

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from antidistill.assessment import Assessor, snapshot
from antidistill.assessment.keeper import Keeper
from antidistill.assessment.packing import Packing
from antidistill.assessment.signals import SIGNALS
from antidistill.assessment.vault import FileVault
from antidistill.errors import SnapshotError
from antidistill.model import Assessment
from antidistill.testing import FakeClock
from tests.assessment.traffic import HOUR, SEED, START, campaign, exchange, in_order, people, replay

KEY = b"a key of the tests, 32 bytes lon"
ROWS = in_order(campaign(random.Random(1), accounts=10, each=15), people(random.Random(2), accounts=10))


def learnt(rows, assessor):
    now = START
    for row in rows:
        now = max(now, row.request.ts)
        assessor.advance(now)
        assessor.learn(row)
    return assessor


def data_of(assessor, key=KEY):
    return b"".join(snapshot.write(assessor, key))


def refused(data, assessor=None, key=KEY):
    with pytest.raises(SnapshotError) as caught:
        snapshot.read(data, assessor or Assessor(SEED), key)
    return str(caught.value)


WHOLE = data_of(learnt(ROWS, Assessor(SEED)))
EMPTY = Assessor(SEED)

# --- going on --------------------------------------------------------------------------------------------------------


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(ROWS)))
def test_a_restored_loop_goes_on_as_if_it_had_never_ended(place):
    def told(rows, first=None):
        published: list[Assessment] = []
        assessor = Assessor(SEED, publish=published.extend)
        if first is not None:
            snapshot.read(first, assessor, KEY)
        learnt(rows, assessor).advance(START + 100 * HOUR)
        return published, data_of(assessor)

    halfway: list[Assessment] = []
    first = learnt(ROWS[:place], Assessor(SEED, publish=halfway.extend))
    rest, end = told(ROWS[place:], data_of(first))
    whole, same_end = told(ROWS)
    assert [*halfway, *rest] == whole
    assert end == same_end


def test_a_snapshot_of_a_restored_loop_is_the_same():
    assessor = Assessor(SEED)
    snapshot.read(WHOLE, assessor, KEY)
    assert data_of(assessor) == WHOLE


def test_no_text_and_no_seed_is_in_a_snapshot():
    assessor = learnt(
        [exchange("acct", "the secret wording of a prompt that nobody may read again", START + n) for n in range(9)], Assessor(SEED)
    )
    data = data_of(assessor)
    assert b"secret" not in data
    assert b"wording" not in data
    assert SEED not in data


def test_the_bounds_are_those_of_the_policy_that_holds_now():
    assessor = Assessor(SEED, max_accounts=5)
    snapshot.read(WHOLE, assessor, KEY)
    assessor.learn(exchange("one-more", "hello", START + 10 * HOUR))
    assert len(assessor.assessments()) <= 5


@pytest.mark.parametrize(("before", "after"), [(100_000, 20), (20, 100_000), (100_000, 1_000_000)])
def test_other_bounds_lose_nothing_that_there_is_room_for(before, after):
    first, second = learnt(ROWS, Assessor(SEED, max_accounts=before)), Assessor(SEED, max_accounts=after)
    snapshot.read(data_of(first), second, KEY)
    assert {found.account: found for found in second.assessments()} == {found.account: found for found in first.assessments()} != {}
    assert len(second._profiles) == len(first._profiles) == 20


def test_notes_come_back():
    data = b"".join(snapshot.write(Assessor(SEED), KEY, {"position": "1-0", "now": 1.5}))
    assert snapshot.read(data, Assessor(SEED), KEY) == {"position": "1-0", "now": 1.5}


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [len(WHOLE) // 2, 40, len(WHOLE) - 1], ids=["in the middle", "in the header", "in the seal"])
def test_a_damaged_snapshot_is_refused(at):
    damaged = bytearray(WHOLE)
    damaged[at] ^= 1
    assert "snapshot" in refused(bytes(damaged))


@pytest.mark.parametrize("size", [0, 1, 30, 200, len(WHOLE) - 33, len(WHOLE) - 1])
def test_part_of_a_snapshot_is_refused(size):
    refused(WHOLE[:size])


@given(st.binary(max_size=300))
def test_any_other_file_is_refused(data):
    refused(data, EMPTY)
    refused(snapshot.MAGIC + data, EMPTY)


def test_a_snapshot_of_another_key_is_refused_by_name():
    assert "ANTIDISTILL_MASTER_KEY" in refused(WHOLE, key=bytes(32))


def test_a_snapshot_of_other_signals_is_refused():
    assert "other signals" in refused(WHOLE, Assessor(SEED, signals=SIGNALS[:-1]))


def test_a_snapshot_of_another_format_is_refused(monkeypatch):
    monkeypatch.setattr(snapshot, "FORMAT", snapshot.FORMAT + 1)
    assert "another version" in refused(WHOLE)


class Hoarder:
    """A signal that keeps what it may not."""

    name = "hoarder"
    family = "content"

    def begin(self):
        return {"file": object()}

    def learn(self, state, observation, reading): ...

    def weigh(self, state, profile, ties):
        return None


def test_what_cannot_be_kept_is_named():
    signals: Any = (Hoarder(),)
    assessor = learnt([exchange("acct", "hello", START + n) for n in range(5)], Assessor(SEED, signals=signals))
    with pytest.raises(SnapshotError, match=r"builtins\.object cannot be kept"):
        data_of(assessor)


# --- values ----------------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    one: int
    other: Any


class Frozen(Struct, frozen=True):
    name: str
    parts: tuple[Pair, ...] = ()


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right

    def __eq__(self, other):
        return (self.left, self.right) == (other.left, other.right)


class Open:
    def __init__(self, **more):
        vars(self).update(more)

    def __eq__(self, other):
        return vars(self) == vars(other)


PACKING = Packing([Pair, Frozen, Slotted, Open])
VALUES = [
    None, True, -1, 1 << 64, -(1 << 200), 1.5, float("inf"), "text", b"bytes", [1, [2]], (1, ("x",)), {3, 1, 2}, frozenset({"b", "a"}),
    {1: {"x": 2}}, OrderedDict([(2, 1), (1, 2)]), Counter("abca"), deque([1, 2], 5), deque([1]), array("Q", [1, (1 << 64) - 1]),
    array("d", [0.5]), bytearray(b"\x00\x01"), Pair(1, Pair(2, None)), Frozen("a", (Pair(1, 2),)), Slotted({1: 2}, [Slotted(1, 2)]),
    Open(a=1, b={"c": Pair(1, 2)}),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__} {value!r:.20}")
def test_a_value_comes_back_as_it_was(value):
    from msgspec import msgpack

    back = PACKING.unpack(msgpack.decode(msgpack.encode(PACKING.pack(value))))
    assert back == value
    assert type(back) is type(value)
    assert getattr(back, "maxlen", None) == getattr(value, "maxlen", None)


def test_arrays_of_numpy_come_back():
    value = numpy.arange(6, dtype="uint32").reshape(2, 3)
    back = PACKING.unpack(PACKING.pack(value))
    assert back.dtype == value.dtype
    assert (back == value).all()
    back[0, 0] = 7  # and can be written


@pytest.mark.parametrize("value", [object(), len, Exception("x"), numpy.array([object()], dtype=object)], ids=str)
def test_other_classes_are_refused(value):
    with pytest.raises(SnapshotError, match="declare its class"):
        PACKING.pack([value])


def test_equal_texts_are_one_in_memory():
    one, other = PACKING.unpack(PACKING.pack(["an account", "".join(["an ", "account"])]))
    assert one is other


# --- in a file -------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state"


def keeper(path, key=KEY):
    return Keeper(FileVault(path), key)


def test_what_the_thread_knew_at_its_end_is_known_at_the_next_start(path):
    def make():
        return Assessor(SEED, clock=FakeClock(START + 10 * HOUR))

    first = keeper(path).open(make)
    for row in ROWS:
        first.submit(row)
    assert first.drain(30)
    first.close()
    second = keeper(path).open(make)
    assert second.assessments() == first.assessments()
    assert len(second.assessments()) == 20


def test_a_snapshot_is_written_at_ticks(path):
    clock = FakeClock(START)
    assessor = keeper(path).open(lambda: Assessor(SEED, clock=clock, tick=600))
    assessor.submit(exchange("acct", "hello"))
    assert assessor.drain(30)
    clock.advance(1200)
    assessor.submit(exchange("acct", "hello"))
    assert assessor.drain(30)
    assessor.submit(exchange("acct", "hello"))
    assert assessor.drain(30)
    assert path.exists()
    assessor.close()


def test_a_snapshot_that_cannot_be_used_is_kept_aside(path, caplog):
    path.write_bytes(WHOLE)
    assessor = keeper(path, bytes(32)).open(lambda: Assessor(SEED))
    assert assessor.assessments() == []
    assert path.with_name("state.refused").read_bytes() == WHOLE
    assert "state.refused, and assessment begins anew" in caplog.text


def test_a_disk_that_fails_is_said_once_and_stops_nothing(path, caplog):
    one = keeper(path)
    assessor = one.open(lambda: Assessor(SEED))
    path.with_name("state.new").mkdir()
    one.save(assessor)
    one.save(assessor)
    assert one.failures == 2
    assert caplog.text.count("could not be put away") == 1


def test_a_folder_that_is_missing_is_told_at_the_start(path):
    with pytest.raises(OSError, match="No such file"):
        keeper(path / "missing" / "state").open(lambda: Assessor(SEED))


def test_nobody_else_may_read_a_snapshot(path):
    one = keeper(path)
    one.save(one.open(lambda: Assessor(SEED)))
    assert path.stat().st_mode & 0o077 == 0


def test_the_property_test_has_something_to_tell():
    assert len(replay(ROWS)[1]) == 20
