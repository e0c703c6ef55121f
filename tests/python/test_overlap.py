"""Source and result in the same memory: what is safe works, what is not is refused or copied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stridecast as sc


@st.composite
def views(draw, memory, dtype, shape):
    """A view of `shape` somewhere in `memory`, whose items do not share bytes."""
    itemsize = np.dtype(dtype).itemsize
    axes = draw(st.permutations(range(len(shape))))
    strides, covered = [0] * len(shape), itemsize
    for axis in axes:
        strides[axis] = covered + draw(st.sampled_from([0, 0, 0, 1, 2, itemsize, 5]))
        covered = strides[axis] * shape[axis]
    lowest = highest = 0
    for axis in range(len(shape)):
        if draw(st.booleans()):
            strides[axis] = -strides[axis]
        reach = strides[axis] * (shape[axis] - 1)
        lowest, highest = lowest + min(reach, 0), highest + max(reach, 0)
    room = memory.size - (highest - lowest) - itemsize
    start = draw(st.integers(0, room)) - lowest
    return np.ndarray(shape, dtype, memory, start, strides)


@st.composite
def pairs(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=0, max_size=3).map(tuple))
    memory = (np.arange(4000, dtype="u4") * 37 % 251).astype("u1")
    src = draw(views(memory, draw(st.sampled_from(["u1", "i2", "u4"])), shape))
    dst = draw(views(memory, draw(st.sampled_from(["u1", "i2", "u4"])), shape))
    if draw(st.booleans()):  # as close as can be
        dst = np.ndarray(shape, dst.dtype, memory, 500, dst.strides)
        src = np.ndarray(shape, src.dtype, memory, 500 + draw(st.integers(-9, 9)), src.strides)
    return memory, src, dst


@given(pairs())
def test_overlap_copy_is_right_whatever_the_views(pair):
    _, src, dst = pair
    expected = src.astype(dst.dtype)
    assert sc.convert(src, None, out=dst, overlap="copy") is dst
    assert np.array_equal(dst, expected)


@given(pairs())
def test_what_is_not_refused_is_right_and_what_is_does_overlap(pair):
    memory, src, dst = pair
    before, expected = memory.copy(), src.astype(dst.dtype)
    try:
        sc.convert(src, None, out=dst)
    except BufferError as error:
        assert "overlap='copy'" in str(error)
        assert np.shares_memory(src, dst)
        assert np.array_equal(memory, before)
    else:
        assert np.array_equal(dst, expected)


def test_shifted_copies_choose_their_direction():
    for dtype in ("u1", "i2", "f8", "c16"):
        for shift in (1, 3, 17):
            for n in (40, 5000):
                up, down = np.arange(n).astype(dtype), np.arange(n).astype(dtype)
                sc.copy(up[:-shift], out=up[shift:])
                sc.copy(down[shift:], out=down[:-shift])
                assert np.array_equal(up[shift:], np.arange(n - shift).astype(dtype))
                assert np.array_equal(down[:-shift], np.arange(shift, n).astype(dtype))


def test_in_place_conversions():
    x = np.array([1.5, -2.5, 3.5], "f4")
    sc.convert(x, "i", out=x.view("i4"))
    assert x.view("i4").tolist() == [1, -2, 3]
    y = np.arange(4, dtype="f8")
    sc.convert(y, "f", out=y.view("f4")[:4])
    assert y.view("f4")[:4].tolist() == [0, 1, 2, 3]
    z = np.arange(16, dtype="f4")
    sc.convert(z[:8], "d", out=z.view("f8"))  # wider: the last item first
    assert z.view("f8").tolist() == list(range(8))


def test_apart_in_one_allocation():
    data = np.arange(10, dtype="f4")
    sc.convert(data[:5], None, out=data[5:])
    assert data.tolist() == [0, 1, 2, 3, 4] * 2


def test_a_reversal_in_place_needs_a_copy():
    x = np.arange(5)
    with pytest.raises(BufferError, match=r"out shares memory with buf.*overlap='copy'"):
        sc.copy(x[::-1], out=x)
    assert x.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(BufferError, match="share"):
        sc.copy(x[::-1], out=x, overlap="refuse")
    assert sc.copy(x[::-1], out=x, overlap="copy") is x
    assert x.tolist() == [4, 3, 2, 1, 0]


def test_a_transpose_in_place():
    x = np.arange(9).reshape(3, 3)
    with pytest.raises(BufferError):
        sc.copy(x.T, out=x)
    sc.copy(x.T, out=x, overlap="copy")
    assert x.tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def test_with_a_mask():
    x = np.arange(6)
    mask = np.array([1, 1, 0, 1, 1], bool)
    sc.copy(x[:-1], out=x[1:], where=mask, overlap="copy")
    assert x.tolist() == [0, 0, 1, 3, 3, 4]


def test_fields_beside_each_other_do_not_overlap():
    x = np.array([(1, 2), (3, 4)], "i4,i4")
    sc.copy(x["f0"], out=x["f1"])
    assert x.tolist() == [(1, 1), (3, 3)]


def test_a_result_whose_items_share_memory_is_refused():
    out = np.lib.stride_tricks.as_strided(np.zeros(4), (3, 2), (8, 8))
    for overlap in (None, "copy"):
        with pytest.raises(BufferError, match="destination"):
            sc.copy(np.ones((3, 2)), out=out, overlap=overlap)
    with pytest.raises(BufferError):
        sc.copy(np.ones(3), out=np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,)))
