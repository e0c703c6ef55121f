"""byteswap: into a fresh result, into out, in place; every element on its own."""

import sys

import numpy as np
import pytest
from conftest import bits
from hypothesis import given
from hypothesis import strategies as st
from strategies import SWAPPABLE, arrays

import stridecast as sc

UNKNOWN = sc.Format("[posit$posit16$]", 2)


@given(arrays(dtypes=SWAPPABLE))
def test_it_is_numpys(x):
    expected = x.byteswap()
    result = sc.byteswap(x)
    assert result.format == sc.Format.of(x)
    assert bits(result.numpy()) == bits(expected)


@given(arrays(dtypes=SWAPPABLE), st.sampled_from([1, 3]))
def test_in_place(x, threads):
    expected = bits(x.byteswap())
    assert sc.byteswap(x, inplace=True, threads=threads) is x
    assert bits(x) == expected
    assert sc.byteswap(x, out=x) is x
    assert bits(x.byteswap()) == expected


@given(st.data())
def test_into_out(data):
    x = data.draw(arrays(dtypes=SWAPPABLE))
    out = data.draw(arrays(dtypes=[x.dtype], shape=x.shape))
    assert sc.byteswap(x, out=out) is out
    assert bits(out) == bits(x.byteswap())


def test_out_broadcasts():
    out = np.zeros((2, 3), "u2")
    sc.byteswap(np.array([1, 2, 3], "u2"), out=out)
    assert out.tolist() == [[256, 512, 768]] * 2


def test_structs_swap_each_element_and_keep_padding():
    dtype = np.dtype([("a", "u1"), ("b", ">u4"), ("c", "u2", (2,))], align=True)
    x = np.frombuffer(bytearray(range(2 * dtype.itemsize)), dtype)
    before = bytes(x.data.cast("B"))
    sc.byteswap(x, inplace=True)
    assert x["b"].tolist() == [0x07060504, 0x13121110]
    assert x["c"].tolist() == [[0x0809, 0x0A0B], [0x1415, 0x1617]]
    after = bytes(x.data.cast("B"))
    assert after[:4] == before[:4] and after[12:16] == before[12:16]


def test_padding_of_a_fresh_result_shows_nothing():
    dtype = np.dtype([("a", "u1"), ("b", "u4")], align=True)
    x = np.frombuffer(b"\xaa" * 64, dtype)
    assert bytes(sc.byteswap(x))[1:4] == bytes(3)


def test_a_result_that_is_the_source_moved():
    x = np.arange(5, dtype="u2")
    sc.byteswap(x[:-1], out=x[1:])
    assert x.tolist() == [0, 0, 256, 512, 768]


def test_suited_for_foreign_memory():
    data = bytearray(b"\0\1\0\2")
    assert sc.byteswap(memoryview(data).cast("H"), inplace=True).tolist() == [1, 2]
    assert data == b"\1\0\2\0"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda x: sc.byteswap(x, inplace=True, out=x), ValueError, "inplace=True and out="),
        (lambda x: sc.byteswap(bytes(x), inplace=True), BufferError, "buf is read-only"),
        (lambda x: sc.byteswap(x, out=bytes(8)), BufferError, "out is read-only"),
        (lambda x: sc.byteswap(x, out=np.zeros(4, ">u2")), ValueError, "'>H', not 'H'"),
        (lambda x: sc.byteswap(x, out=np.zeros(3, "u2")), ValueError, r"\b4\b"),
        (lambda x: sc.byteswap(x[::-1], out=x), BufferError, "share memory"),
        (lambda x: sc.byteswap(sc.Buffer(x).view(UNKNOWN)), TypeError, "byte order"),
        (lambda x: sc.byteswap(x, threads="2"), TypeError, "threads must be an int"),
        (lambda x: sc.byteswap(x, stream=True), TypeError, r"byteswap\(\).*'stream'"),
    ],
    ids=range(9),
)
def test_mistakes_say_what_and_where_and_write_nothing(call, error, says):
    x = np.arange(4, dtype="u2")
    count = sys.getrefcount(x)
    with pytest.raises(error, match=says):
        call(x)
    assert x.tolist() == [0, 1, 2, 3]
    assert sys.getrefcount(x) == count
