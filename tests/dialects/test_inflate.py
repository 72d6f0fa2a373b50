from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antidistill.dialects import decode
from antidistill.dialects.inflate import PIECE, Inflater

TEXT = b"the same words again and again, " * 20_000


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


@given(st.sampled_from(["gzip", "zlib", "raw"]), st.lists(st.integers(1, 900), max_size=20))
def test_any_chunking_inflates_to_the_same(kind, cuts):
    packed = {"gzip": gzip.compress(TEXT), "zlib": zlib.compress(TEXT), "raw": raw_deflate(TEXT)}[kind]
    inflater, out = Inflater(b"gzip" if kind == "gzip" else b"deflate"), b""
    for size in cuts:
        out += b"".join(inflater.feed(packed[:size]))
        packed = packed[size:]
    out += b"".join(inflater.feed(packed))
    assert out == TEXT
    assert inflater.whole


def test_pieces_are_bounded():
    sizes = [len(piece) for piece in Inflater(b"gzip").feed(gzip.compress(bytes(10 * PIECE)))]
    assert max(sizes) <= PIECE
    assert sum(sizes) == 10 * PIECE


def test_a_stream_cut_short_is_not_whole():
    inflater = Inflater(b"gzip")
    list(inflater.feed(gzip.compress(TEXT)[:-1]))
    assert not inflater.whole


@pytest.mark.parametrize("more", [[gzip.compress(b"x") + b"more"], [gzip.compress(b"x"), b"more"]], ids=["same chunk", "next chunk"])
def test_data_after_the_end_is_refused(more):
    inflater = Inflater(b"gzip")
    with pytest.raises(zlib.error):
        b"".join(piece for chunk in more for piece in inflater.feed(chunk))


def test_a_bomb_stays_small_in_memory():
    bomb = gzip.compress(bytes(200 << 20))
    tracemalloc.start()
    state = decode(bomb, b"gzip", 1 << 20).state
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert state == "truncated"
    assert peak < 8 << 20


def test_data_after_the_end_of_deflate_is_refused():
    with pytest.raises(zlib.error, match="after the end"):
        b"".join(Inflater(b"deflate").feed(zlib.compress(b"x") + b"more"))
