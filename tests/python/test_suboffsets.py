"""Rows stored by pointers (PEP 3118's suboffsets): read, indexed, exported again, copied."""

import ctypes
import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_buffer import PyBuffer

import stridecast as sc

testbuffer = pytest.importorskip("_testbuffer", reason="this Python lacks _testbuffer")


def pointer_rows(shape, fmt="i", writable=False):
    """An array of 0, 1, 2, ... whose first dimension is one of pointers."""
    flags = testbuffer.ND_PIL | (testbuffer.ND_WRITABLE if writable else 0)
    count = int(np.prod(shape))
    items = [(i, i / 2) for i in range(count)] if fmt == "hd" else list(range(count))
    return testbuffer.ndarray(items, shape=list(shape), format=fmt, flags=flags)


def plain(shape):
    return np.arange(np.prod(shape), dtype="i4").reshape(shape)


def exported(pointers, shape, strides, suboffsets, keep):
    """ints behind pointers, described as the caller says."""
    sizes = [(ctypes.c_ssize_t * len(shape))(*values) for values in (shape, strides, suboffsets)]
    info = PyBuffer(
        buf=pointers.ctypes.data,
        len=4 * int(np.prod(shape)),
        itemsize=4,
        readonly=1,
        ndim=len(shape),
        format=b"i",
        shape=ctypes.addressof(sizes[0]),
        strides=ctypes.addressof(sizes[1]),
        suboffsets=ctypes.addressof(sizes[2]),
    )
    make = ctypes.pythonapi.PyMemoryView_FromBuffer
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    KEPT.append((pointers, keep, sizes, info))
    return make(ctypes.addressof(info))


KEPT = []  # what the views above point to, for the rest of the run


def pointers_of(b):
    """The addresses of the rows."""
    return [b[i].numpy().ctypes.data for i in range(len(b))]


def test_a_buffer_has_what_the_exporter_has():
    rows = pointer_rows((2, 3, 4))
    view, b = memoryview(rows), sc.Buffer(rows)
    assert b.suboffsets == view.suboffsets == (0, -1, -1)
    assert (b.shape, b.strides, b.size, b.nbytes) == (view.shape, view.strides, 24, view.nbytes)
    assert b.tolist() == view.tolist()
    assert "suboffsets=(0, -1, -1)" in repr(b)
    assert sc.Buffer(plain((2, 3))).suboffsets == ()


def test_it_is_exported_again():
    b = sc.Buffer(pointer_rows((2, 3)))
    view = memoryview(b)
    assert view.suboffsets == (0, -1) and view.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert view[1, 2] == 5 and not view.contiguous
    assert sc.Buffer(view).tolist() == b.tolist()
    for flags in (
        testbuffer.PyBUF_STRIDES,
        testbuffer.PyBUF_ND,
        testbuffer.PyBUF_SIMPLE,
        testbuffer.PyBUF_C_CONTIGUOUS,
        testbuffer.PyBUF_ANY_CONTIGUOUS,
    ):
        with pytest.raises(BufferError):
            testbuffer.ndarray(b, getbuf=flags)
    again = testbuffer.ndarray(b, getbuf=testbuffer.PyBUF_INDIRECT | testbuffer.PyBUF_FORMAT)
    assert again.suboffsets == (0, -1) and again.tolist() == b.tolist()


INDICES = [0, -1, slice(None), slice(None, None, -1), slice(1, None), slice(2, 0, -1), ...]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_indexing_as_numpy(n):
    shape = (3, 4, 5)
    rows, x = pointer_rows(shape), plain(shape)
    b = sc.Buffer(rows)
    for key in itertools.product(INDICES, repeat=n):
        if sum(part is ... for part in key) > 1:
            continue
        got, expected = b[key], x[key]
        if isinstance(expected, np.ndarray):
            assert got.shape == expected.shape and got.tolist() == expected.tolist()
            assert sc.copy(got).tolist() == expected.tolist()
            assert memoryview(got).tolist() == expected.tolist()
        else:
            assert type(got) is int and got == expected


@pytest.mark.parametrize("key", [slice(None, None, -1), (slice(1, None), slice(None, None, 2))])
def test_indexing_twice(key):
    rows, x = pointer_rows((4, 6)), plain((4, 6))
    b = sc.Buffer(rows)
    for inner in itertools.product(INDICES, repeat=2):
        if sum(part is ... for part in inner) > 1:
            continue
        expected = x[key][inner]
        got = b[key][inner]
        assert (got.tolist() if isinstance(got, sc.Buffer) else got) == expected.tolist()


def test_a_selected_row_is_ordinary_memory():
    rows = pointer_rows((2, 3))
    row = sc.Buffer(rows)[1]
    assert row.suboffsets == () and row.tolist() == [3, 4, 5]
    assert row.numpy().tolist() == [3, 4, 5]
    assert [part.tolist() for part in sc.Buffer(rows)] == [[0, 1, 2], [3, 4, 5]]


def test_pointers_behind_a_plain_dimension():
    # Two tables of pointers, one after the other: the middle dimension is the one of pointers.
    row_of = [pointer_rows((3, 4)) for _ in range(2)]
    tables = [sc.Buffer(rows) for rows in row_of]
    pointers = np.array([pointers_of(table) for table in tables])
    b = exported(pointers, (2, 3, 4), (24, 8, 4), (-1, 0, -1), keep=row_of)
    expected = [table.tolist() for table in tables]
    assert sc.Buffer(b).tolist() == expected == sc.copy(b).tolist()
    for i, j in itertools.product(range(2), range(3)):
        assert sc.Buffer(b)[i, j].tolist() == expected[i][j]
    column = sc.Buffer(b)[:, 1]
    assert column.suboffsets == (0, -1)
    assert column.tolist() == [part[1] for part in expected] == sc.copy(column).tolist()
    assert sc.Buffer(b)[:, ::-1, 2].tolist() == [[r[2] for r in part[::-1]] for part in expected]


def test_pointers_to_pointers():
    rows = [pointer_rows((3, 4)) for _ in range(2)]
    inner = [np.array(pointers_of(sc.Buffer(part))) for part in rows]
    outer = np.array([part.ctypes.data for part in inner])
    b = sc.Buffer(exported(outer, (2, 3, 4), (8, 8, 4), (0, 0, -1), keep=(rows, inner)))
    expected = [sc.Buffer(part).tolist() for part in rows]
    assert b.tolist() == expected == sc.copy(b).tolist()
    assert b[1].suboffsets == (0, -1) and b[1].tolist() == expected[1]
    assert b[1, 2].tolist() == expected[1][2]
    assert b[:, ::-1, 1:].tolist() == [[r[1:] for r in part[::-1]] for part in expected]
    with pytest.raises(BufferError, match=r"stridecast\.copy"):
        b[:, 1]  # two pointers for one dimension


def test_transposing_asks_for_a_copy():
    b = sc.Buffer(pointer_rows((2, 3)))
    with pytest.raises(BufferError, match=r"transpose.*stridecast\.copy\(buf\)"):
        b.T  # noqa: B018
    assert sc.copy(b).T.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_ndarrays_ask_for_a_copy():
    b = sc.Buffer(pointer_rows((2, 3)))
    for call in (b.numpy, lambda: sc.asarray(b), lambda: sc.asarray(pointer_rows((2, 3)))):
        with pytest.raises(BufferError, match=r"an ndarray.*stridecast\.copy\(buf\)"):
            call()
    assert sc.copy(b).numpy().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_functions_that_give_ndarrays_copy():
    rows = pointer_rows((2, 3))
    assert sc.astype(rows, "f4").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert sc.ascontiguous(rows).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert sc.ascontiguous(sc.Buffer(rows)[:, ::-1], "d", order="F").tolist() == [
        [2, 1, 0],
        [5, 4, 3],
    ]


@pytest.mark.parametrize("order", ["C", "F", "K", "A"])
def test_copies_and_conversions(order):
    rows = pointer_rows((3, 4, 5))
    expected = plain((3, 4, 5))
    for source, x in ((rows, expected), (sc.Buffer(rows)[::-1, 1:, ::2], expected[::-1, 1:, ::2])):
        copied, converted = sc.copy(source, order=order), sc.convert(source, "d", order=order)
        assert np.array_equal(copied.numpy(), x) and np.array_equal(converted.numpy(), x)
        assert copied.strides == np.empty(x.shape, "i4", "F" if order == "F" else "C").strides
        assert copied.suboffsets == ()
        assert sc.byteswap(source).tolist() == x.byteswap().tolist()
    assert sc.reduce(sc.copy(rows), "sum").item() == expected.sum()


def test_as_the_destination():
    out = pointer_rows((3, 4), writable=True)
    x = np.arange(12.0)[::-1].reshape(3, 4)
    assert sc.convert(x, None, out=out) is out
    assert out.tolist() == x.tolist()
    sc.copy(np.full(4, 7, "i4"), out=sc.Buffer(out)[1:])
    assert out.tolist() == [x[0].tolist(), [7] * 4, [7] * 4]
    mask = np.array([True, False, False, True])
    sc.copy(np.full(4, 9, "i4"), out=out, where=mask)
    assert out.tolist()[2] == [9, 7, 7, 9]
    with pytest.raises(BufferError, match="read-only"):
        sc.copy(x.astype("i4"), out=pointer_rows((3, 4)))


def test_a_mask_of_pointers():
    mask = pointer_rows((2, 3), fmt="B")  # 0, 1, 2, ...: the first is not selected
    assert sc.copy(np.full((2, 3), 8), where=mask).tolist() == [[0, 8, 8], [8, 8, 8]]


def test_in_place():
    rows = pointer_rows((2, 3), writable=True)
    swapped = plain((2, 3)).byteswap().tolist()
    assert sc.byteswap(rows, inplace=True) is rows
    assert rows.tolist() == swapped


def test_errors_name_the_item():
    rows = pointer_rows((20, 30))
    with pytest.raises(OverflowError, match=r"element 256.*256"):
        sc.convert(rows, "B", overflow="raise")


def test_fields():
    b = sc.Buffer(pointer_rows((2, 3), fmt="hd"))
    parts = {name: sc.Buffer(b).view("T{h:n:6xd:x:}").field(name) for name in ("n", "x")}
    assert parts["n"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert parts["x"].tolist() == [[0, 0.5, 1], [1.5, 2, 2.5]]
    assert parts["x"].suboffsets == (8, -1)
    split = sc.split(b.view("T{h:n:6xd:x:}"))
    assert {name: part.tolist() for name, part in split.items()} == {
        name: part.tolist() for name, part in parts.items()
    }
    out = {"x": np.zeros((2, 3), "f4"), "n": np.zeros((2, 3))}
    sc.split(b.view("T{h:n:6xd:x:}"), out=out)
    assert out["n"].tolist() == [[0, 1, 2], [3, 4, 5]] and out["x"][1].tolist() == [1.5, 2, 2.5]
    joined = sc.join({"x": parts["x"], "n": parts["n"]})
    assert joined.tolist()[1] == [(1.5, 3), (2.0, 4), (2.5, 5)]


def test_views_of_another_format():
    b = sc.Buffer(pointer_rows((2, 4), fmt="i"))
    assert b.view("I").suboffsets == (0, -1)
    assert b.view("<H").tolist()[0] == [0, 0, 1, 0, 2, 0, 3, 0]
    one_dimension = sc.Buffer(pointer_rows((3,)))
    assert one_dimension.tolist() == [0, 1, 2]
    if one_dimension.suboffsets:
        with pytest.raises(ValueError, match="contiguous last"):
            one_dimension.view("h")


def test_empty_and_single():
    assert sc.copy(pointer_rows((1, 1))).tolist() == [[0]]
    assert sc.Buffer(pointer_rows((1, 1))).item() == 0
    empty = exported(np.zeros(1, "u8"), (2, 0), (8, 4), (0, -1), keep=None)
    assert sc.Buffer(empty).tolist() == [[], []] == sc.copy(empty).tolist()
    assert sc.Buffer(empty)[1].shape == (0,)


@given(st.data())
def test_random_selections(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple))
    b, x = sc.Buffer(pointer_rows(shape)), plain(shape)
    for _ in range(data.draw(st.integers(1, 3))):
        key = tuple(
            slice(*(data.draw(st.none() | st.integers(-4, 4)) for _ in range(2)), step)
            for step in data.draw(
                st.lists(st.sampled_from([1, 2, -1, -2]), min_size=b.ndim, max_size=b.ndim)
            )
        )
        b, x = b[key], x[key]
        assert b.tolist() == x.tolist()
    assert sc.copy(b).tolist() == x.tolist()
    assert sc.convert(b, "d").tolist() == x.tolist()


def test_lifetime_and_references():
    rows = pointer_rows((2, 3))
    before = sys.getrefcount(rows)
    for _ in range(5):
        b = sc.Buffer(rows)
        part, view = b[:, 1:], memoryview(b)
        with pytest.raises(BufferError):
            b.T  # noqa: B018
        with pytest.raises(BufferError):
            b.numpy()
        del b, part, view
        sc.copy(rows)
        with pytest.raises(TypeError):
            sc.convert(rows, "3s")
    assert sys.getrefcount(rows) == before
    with sc.Buffer(rows) as b:
        kept = b[1:]
    assert kept.tolist() == [[3, 4, 5]]
