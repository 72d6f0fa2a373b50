from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.dialects.sse import Parser, replaced

ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
lines = st.one_of(
    st.sampled_from([b"", b"data: ", b"data:x", b"data", b": ping", b"event: e", b"id: 7", b"data: [DONE]", 'data: {"a":"日"}'.encode()]),
    st.text(max_size=6).map(lambda text: b"data: " + text.encode().replace(b"\r", b"").replace(b"\n", b"")),
)
streams = st.lists(st.tuples(lines, ends).map(b"".join), max_size=25).map(b"".join)


def chunked(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[start:end] for start, end in pairwise(places)]


def parse(chunks: list[bytes], limit: int = 1 << 20):
    parser = Parser(limit)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.close()


@given(streams, st.lists(st.integers(0, 500), max_size=12))
def test_any_chunking_gives_the_same_events(stream, cuts):
    assert parse(chunked(stream, cuts)) == parse([stream])


@given(streams, st.lists(st.integers(0, 500), max_size=12), st.integers(8, 60))
def test_no_byte_is_lost_whatever_the_limit(stream, cuts, limit):
    assert b"".join(event.raw for event in parse(chunked(stream, cuts), limit)) == stream


@given(streams, st.lists(st.integers(0, 500), max_size=12), st.integers(8, 60))
def test_any_chunking_reads_the_same_data_whatever_the_limit(stream, cuts, limit):
    chunks = [chunked(stream, cuts), [stream]]
    first, second = ([event.data for event in parse(each, limit) if event.data] for each in chunks)
    assert first == second


@given(streams)
def test_events_end_where_the_standard_ends_them(stream):
    assert [event.data for event in parse([stream]) if event.data] == [data for data in by_the_standard(stream) if data]


def by_the_standard(stream: bytes) -> list[bytes]:
    """The algorithm of the HTML standard, line by line; what no blank line ends counts too."""
    found: list[bytes] = []
    data: list[bytes] = []
    for line in [*stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), b""]:
        if not line:
            found.append(b"\n".join(data))
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
    return found


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        pytest.param(b"data: 1\n\ndata: 2\n\n", [b"1", b"2"], id="several in a message"),
        pytest.param(b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"], id="CRLF"),
        pytest.param(b"data: 1\r\rdata: 2\r\r", [b"1", b"2"], id="CR"),
        pytest.param(b"data: 1\r\n\ndata: 2\n\r\n", [b"1", b"2"], id="mixed"),
        pytest.param(b"data: {\ndata: }\n\n", [b"{\n}"], id="several lines"),
        pytest.param(b"event: x\nid: 1\nretry: 5\ndata: 1\n\n", [b"1"], id="other fields"),
        pytest.param(b": ping\n\ndata: 1\n\n", [b"", b"1"], id="comment"),
        pytest.param(b"\xef\xbb\xbfdata: 1\n\n", [b"1"], id="byte order mark"),
        pytest.param(b"data:1\n\n", [b"1"], id="no space"),
        pytest.param(b"data: 1", [b"1"], id="no end"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_an_event_is_read(stream, data):
    assert [event.data for event in parse([stream])] == data


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n\n", b"\n\r\n"])
def test_an_event_is_there_as_soon_as_it_has_ended(end):
    parser = Parser()
    assert parser.feed(b"event: a\ndata: 1") == []
    assert [event.data for event in parser.feed(end)] == [b"1"]
    assert parser.close() == []


def test_an_event_over_the_limit_is_passed_over_and_counted():
    parser = Parser(limit=100)
    chunks = [b"data: 1\n\n", b"data: ", *[b"x" * 30] * 10, b"\n\n", b"data: 2\n\n", b"data: " + b"y" * 200 + b"\n\n"]
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    assert [event.data for event in events if event.data] == [b"1", b"2"]
    assert b"".join(event.raw for event in events) == b"".join(chunks)
    assert parser.skipped == 2


def test_an_endless_event_needs_no_endless_memory():
    parser = Parser(limit=1 << 16)
    tracemalloc.start()
    for _ in range(2_000):
        parser.feed(b"x" * 10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
    assert parser.skipped == 1


@pytest.mark.parametrize(
    ("raw", "changed"),
    [
        (b"data: 1\n\n", b"data: 22\n\n"),
        (b"event: e\ndata: 1\n\n", b"event: e\ndata: 22\n\n"),
        (b"data:1\r\nid: 5\r\n\r\n", b"data: 22\r\nid: 5\r\n\r\n"),
        (b"data: a\n: c\ndata: b\nid: 5\n\n", b"data: 22\n: c\nid: 5\n\n"),
        (b"data: 1\r\r", b"data: 22\r\r"),
        (b"data: 1", b"data: 22"),
        (b"\xef\xbb\xbfdata: 1\n\n", b"\xef\xbb\xbfdata: 22\n\n"),
        (b"data: 1\n: data: 1\n\n", b"data: 22\n: data: 1\n\n"),
    ],
)
def test_data_is_replaced_and_nothing_else(raw, changed):
    (event,) = parse([raw])
    assert replaced(event, b"22") == changed


@given(streams)
def test_replacing_data_by_itself_changes_no_data(stream):
    for event in parse([stream]):
        if event.data and b"\n" not in event.data:
            (again,) = parse([replaced(event, event.data)])
            assert again.data == event.data
