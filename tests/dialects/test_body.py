from __future__ import annotations

import gzip
import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.dialects import decode, encode

LIMIT = 1 << 20
VALUE = {"model": "m", "messages": [{"role": "user", "content": "čau 日本"}], "n": 2**70, "p": 0.1}
RAW = json.dumps(VALUE).encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        pytest.param(RAW, b"", id="plain"),
        pytest.param(RAW, b"identity", id="identity"),
        pytest.param(gzip.compress(RAW), b"gzip", id="gzip"),
        pytest.param(gzip.compress(RAW), b" X-GZIP ", id="x-gzip"),
        pytest.param(zlib.compress(RAW), b"deflate", id="deflate"),
        pytest.param(raw_deflate(RAW), b"Deflate", id="deflate without header"),
    ],
)
def test_a_body_is_read_whatever_its_encoding(raw, encoding):
    decoded = decode(raw, encoding, LIMIT)
    assert (decoded.value, decoded.state, decoded.raw) == (VALUE, "whole", RAW)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        pytest.param(b'{"a": Infinity}', {"a": math.inf}, id="infinity"),
        pytest.param(b'{"a": 1e999}', {"a": math.inf}, id="out of range"),
        pytest.param(b"\xef\xbb\xbf" + b'{"a": 1}', {"a": 1}, id="byte order mark"),
        pytest.param('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}, id="UTF-16"),
        pytest.param(rb'{"a": "\ud800"}', {"a": "\ud800"}, id="lone surrogate"),
        pytest.param(b'{"a": ' + b"9" * 100 + b"}", {"a": int("9" * 100)}, id="huge integer"),
        pytest.param(b'{"a": 1, "a": 2}', {"a": 2}, id="the last of duplicate keys"),
        pytest.param(b'{"a": Infinity, "a": 2}', {"a": 2}, id="the last of duplicate keys, read leniently"),
    ],
)
def test_what_lenient_hosts_accept_is_read(raw, value):
    assert decode(raw, b"", LIMIT).value == value


def test_nan_is_read():
    value = decode(b'{"a": NaN}', b"", LIMIT).value
    assert value is not None
    assert math.isnan(value["a"])


@pytest.mark.parametrize(
    ("raw", "encoding", "state"),
    [
        pytest.param(b"", b"", "none", id="empty"),
        pytest.param(b"", b"gzip", "none", id="empty gzip"),
        pytest.param(b"hello", b"", "malformed", id="not JSON"),
        pytest.param(b'{"a": 1', b"", "malformed", id="half a JSON"),
        pytest.param(b"[1]", b"", "malformed", id="not an object"),
        pytest.param(b"null", b"", "malformed", id="null"),
        pytest.param(b'{"a": "\xff"}', b"", "malformed", id="not UTF-8"),
        pytest.param(b'{"a":' * 100_000, b"", "malformed", id="too deep"),
        pytest.param(b'{"a": ' + b"9" * 10_000 + b"}", b"", "malformed", id="an integer longer than Python reads"),
        pytest.param(b"hello", b"gzip", "malformed", id="not gzip"),
        pytest.param(gzip.compress(RAW)[:-9], b"gzip", "malformed", id="half a gzip"),
        pytest.param(gzip.compress(RAW) + b"more", b"gzip", "malformed", id="more after gzip"),
        pytest.param(gzip.compress(b""), b"gzip", "malformed", id="gzip of nothing"),
        pytest.param(gzip.compress(RAW), b"br", "unread", id="unknown encoding"),
        pytest.param(gzip.compress(RAW), b"gzip, gzip", "unread", id="two encodings"),
        pytest.param(b" " * (LIMIT + 1), b"", "truncated", id="over the limit"),
        pytest.param(gzip.compress(b" " * (LIMIT + 1)), b"gzip", "truncated", id="over the limit once inflated"),
    ],
)
def test_a_body_says_how_far_it_was_read(raw, encoding, state):
    decoded = decode(raw, encoding, LIMIT)
    assert decoded.state == state
    assert (decoded.value is None) == (state != "whole")


def test_a_body_of_exactly_the_limit_is_whole():
    assert decode(RAW, b"", len(RAW)).state == "whole"
    assert decode(RAW, b"", len(RAW) - 1).state == "truncated"


@given(st.binary(max_size=300), st.sampled_from([b"", b"gzip", b"deflate", b"br", b"\xff"]))
def test_no_bytes_raise(raw, encoding):
    decode(raw, encoding, 200)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_what_is_encoded_decodes_to_the_same(value):
    assert decode(encode(value), b"", LIMIT).value == value


def test_encoding_keeps_what_json_cannot_say():
    raw = rb'{"a":NaN,"b":[Infinity,-Infinity],"c":"\ud800"}'
    assert encode(decode(raw, b"", LIMIT).value) == raw


@pytest.mark.parametrize("claimed", [b"gzip", b"br", b"zstd", b"deflate", b"gzip, gzip"])
def test_a_body_that_is_json_as_it_stands_is_read_whatever_its_header_claims(claimed):
    assert decode(RAW, claimed, LIMIT).state == "whole"


def test_gzip_in_several_members_is_read():
    assert decode(gzip.compress(RAW[:3]) + gzip.compress(RAW[3:]), b"gzip", LIMIT).state == "whole"
