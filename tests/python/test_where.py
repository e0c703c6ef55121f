"""where=: only the selected items are converted, and of the others no byte is touched."""

import sys
import warnings

import ml_dtypes
import numpy as np
import pytest
from conftest import ARITHMETIC, bits, sample
from hypothesis import given
from hypothesis import strategies as st
from strategies import arrays, masks

import stridecast as sc


@given(st.data())
def test_into_out_it_is_copyto(data):
    x = data.draw(arrays())
    out = data.draw(arrays(dtypes=[x.dtype], shape=x.shape))
    mask = data.draw(masks(x.shape))
    threads = data.draw(st.sampled_from([1, 2]))
    expected = np.array(out)
    np.copyto(expected, x, where=mask)
    assert sc.copy(x, out=out, where=mask, threads=threads) is out
    assert bits(out) == bits(expected)


@given(st.data())
def test_a_fresh_result_is_zero_elsewhere(data):
    x = data.draw(arrays())
    mask = data.draw(masks(x.shape))
    expected = np.zeros(x.shape, x.dtype)
    np.copyto(expected, x, where=mask)
    assert bits(sc.copy(x, where=mask, order="K").numpy()) == bits(expected)


@pytest.mark.parametrize("src", ["?", "h", "Q", "E", "f", "d"])
@pytest.mark.parametrize("dst", ["b", "I", "e", "f", "d"])
def test_conversions(src, dst):
    x = sample(ARITHMETIC[src])
    mask = np.arange(x.size) % 3 == 1
    out = np.full(x.size, 7).astype(ARITHMETIC[dst])
    expected = out.copy()
    np.copyto(expected, x.astype(ARITHMETIC[dst]), where=mask)
    assert sc.convert(x, dst, out=out, where=mask) is out
    assert bits(out) == bits(expected)


def test_a_mask_may_be_any_buffer_of_bytes():
    x = np.arange(1, 5, dtype="i4")
    masks_of_one_kind = [
        np.array([1, 0, 0, 1], bool),
        np.array([-3, 0, 0, 2], "i1"),
        np.array([255, 0, 0, 1], "u1"),
        b"\1\0\0\1",
        bytearray(b"\2\0\0\4"),
        memoryview(b"\1\0\0\1"),
        sc.Buffer(np.array([1, 9, 0, 9, 0, 9, 1, 9], "u1"))[::2],
    ]
    for mask in masks_of_one_kind:
        assert sc.convert(x, "d", where=mask).tolist() == [1.0, 0.0, 0.0, 4.0]


def test_true_and_false():
    x = np.arange(1, 5)
    for mask in (True, np.True_, np.array(True), b"\1"):
        assert sc.copy(x, where=mask).tolist() == [1, 2, 3, 4]
    for mask in (False, np.False_, np.array([False])):
        assert sc.copy(x, where=mask).tolist() == [0, 0, 0, 0]
    out = np.full(4, 9)
    assert sc.copy(x, out=out, where=False).tolist() == [9, 9, 9, 9]


def test_it_broadcasts_to_the_result():
    x = np.arange(6).reshape(2, 3)
    rows = np.array([[True], [False]])
    assert sc.copy(x, where=rows).tolist() == [[0, 1, 2], [0, 0, 0]]
    out = np.full((4, 2, 3), -1)
    sc.copy(x, out=out, where=np.array([True, False, True]))
    assert (out == [[0, -1, 2], [3, -1, 5]]).all()


def test_no_value_that_is_not_selected_is_reported():
    x = np.array([1.0, np.nan, 300.0, 4.0])
    options = {"overflow": "raise", "nan": "raise"}
    selected = np.array([True, False, False, True])
    assert sc.convert(x, "b", where=selected, **options).tolist() == [1, 0, 0, 4]
    with pytest.raises(OverflowError, match=r"element 2.*300"):
        sc.convert(x, "b", where=np.array([True, False, True, True]), **options)


def test_structs_are_selected_whole():
    x = np.array([(1, 2.5), (3, 4.5)], "i4,f8")
    out = np.frombuffer(bytearray(b"\xaa" * 32), np.dtype([("f0", "i8"), ("f1", "f8")])).copy()
    sc.convert(x, None, out=out, where=b"\0\1")
    assert out.tobytes()[:16] == b"\xaa" * 16 and out[1].tolist() == (3, 4.5)


@pytest.mark.parametrize("shape", [(5, 1000), (70, 90, 11)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8", ml_dtypes.bfloat16])
def test_large_arrays_with_threads(shape, dtype):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 100, shape).astype(dtype)
    mask = rng.random(shape) < 0.5
    for y, m in ((x, mask), (x.T, mask.T), (x[::-1], mask)):
        expected = np.zeros(y.shape, "f8")
        np.copyto(expected, y.astype("f8"), where=m)
        for threads in (1, 2):
            assert np.array_equal(sc.convert(y, "d", where=m, threads=threads).numpy(), expected)


@pytest.mark.parametrize(
    ("mask", "error", "says"),
    [
        (np.ones(4, "f4"), TypeError, r"where must have the format '\?'.*not 'f'"),
        (np.ones(4, "i2"), TypeError, "one-byte integers, not 'h'"),
        (np.ones(4, "i1,i1"), TypeError, "where must"),
        (np.ones(3, bool), ValueError, r"where has the shape \(3,\).*\(4,\)"),
        (np.ones((1, 4), bool), ValueError, r"\(1, 4\).*\(4,\)"),
        ([True] * 4, TypeError, "where: a buffer is needed"),
        (1, TypeError, "where: a buffer is needed"),
    ],
    ids=range(7),
)
def test_mistakes_say_what_and_where_and_write_nothing(mask, error, says):
    x, out = np.arange(4), np.full(4, 9)
    counts = [sys.getrefcount(o) for o in (x, out, mask)]
    for call in (
        lambda: sc.copy(x, out=out, where=mask),
        lambda: sc.convert(x, "d", where=mask),
    ):
        with pytest.raises(error, match=says):
            call()
    assert out.tolist() == [9] * 4
    assert [sys.getrefcount(o) for o in (x, out, mask)] == counts


def test_a_mask_in_the_memory_of_the_result_is_refused():
    out = np.array([1, 0, 1, 1], "u1")
    for overlap in (None, "copy"):
        with pytest.raises(BufferError, match="where"):
            sc.copy(np.arange(5, 9, dtype="u1"), out=out, where=out, overlap=overlap)
    assert out.tolist() == [1, 0, 1, 1]
    x = np.array([3, 0, 5], "u1")  # a mask that is the source is fine
    assert sc.copy(x, where=x).tolist() == [3, 0, 5]


def test_a_mask_whose_code_reshapes_the_operands():
    x, out = np.arange(12.0).reshape(2, 1, 6), np.zeros((2, 1, 6), "f4")

    class Mask:
        @property
        def __array_interface__(self):
            with warnings.catch_warnings(action="ignore"):  # NumPy advises against it
                x.shape = out.shape = (12,)
            return {"version": 3, "shape": (6,), "typestr": "|b1", "data": bytes([1, 0] * 3)}

    sc.convert(x, "f", out=out, where=Mask())
    assert out.tolist() == [0, 0, 2, 0, 4, 0, 6, 0, 8, 0, 10, 0]
