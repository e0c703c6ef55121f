"""reduce: against exact sums and NumPy's minima, and its promise of one bit pattern a shape."""

import math

import numpy as np
import pytest
from conftest import ARITHMETIC, bfloat16, bits

import stridecast as sc

CODES = ["f", "d", "q", "E"]


def values(code, *shape):
    rng = np.random.default_rng(len(shape) + ord(code))
    if code == "q":
        return rng.integers(-(2**40), 2**40, shape)
    return (rng.standard_normal(shape) * 100).astype(ARITHMETIC[code])


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (1,), (2, 0, 1), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes(code, axis, keepdims):
    x = values(code, 5, 7, 130)
    smallest = sc.reduce(x, "min", axis=axis, keepdims=keepdims)
    expected = x.astype("f8" if code == "E" else x.dtype).min(axis=axis, keepdims=keepdims)
    assert smallest.format == sc.Format(code)
    assert smallest.shape == expected.shape
    assert np.array_equal(smallest.numpy().astype(expected.dtype), expected)
    total = sc.reduce(x, "sum", axis=axis, keepdims=keepdims)
    wide = x.astype("i8" if code == "q" else "f8")
    expected = wide.sum(axis=axis, keepdims=keepdims)
    assert total.format == sc.Format(code) and total.shape == expected.shape
    tolerance = {"f": 1e-4, "d": 1e-12, "q": 0, "E": 8e-3}[code]
    scale = np.abs(wide).sum(axis=axis, keepdims=keepdims)
    assert (np.abs(total.numpy().astype(expected.dtype) - expected) <= tolerance * scale).all()


def tree_sum(x):
    """The documented order: leaves of 128 in 8 accumulators, leaves joined as a binary counter."""
    one = x.dtype.type

    def leaf(part):
        lanes = [one(-0.0)] * 8
        for i, v in enumerate(part):
            lanes[i % 8] = one(lanes[i % 8] + v)
        a, b, c, d, e, f, g, h = lanes
        return one(one(one(a + b) + one(c + d)) + one(one(e + f) + one(g + h)))

    stack = []
    for n, start in enumerate(range(0, len(x), 128), 1):
        total = leaf(x[start : start + 128])
        while n % 2 == 0:
            total, n = one(stack.pop() + total), n // 2
        stack.append(total)
    total = stack.pop() if stack else one(0)
    while stack:
        total = one(stack.pop() + total)
    return total


@pytest.mark.parametrize("code", ["f", "d"])
@pytest.mark.parametrize("n", [0, 1, 7, 128, 129, 1000, 1024, 5000])
def test_the_order_of_a_sum_is_the_documented_one(code, n):
    x = values(code, n)
    assert bits(sc.reduce(x, "sum").numpy()) == bits(np.array(tree_sum(x)))


@pytest.mark.parametrize("code", CODES)
def test_strides_threads_and_targets_change_no_bit(code):
    x = values(code, 300, 700)
    swapped = x.astype(x.dtype.newbyteorder())
    for axis in (None, 0, 1):
        expected = bytes(sc.reduce(x, "sum", axis=axis, threads=1))
        for other in (
            np.asfortranarray(x),
            np.repeat(x, 2, axis=1)[:, ::2],
            x[::-1][::-1],
            swapped,
        ):
            assert bytes(sc.reduce(other, "sum", axis=axis)) == expected
        for threads in (2, 4):
            assert bytes(sc.reduce(x, "sum", axis=axis, threads=threads)) == expected
    for target in sc.targets():
        sc.set_target(target)
        assert bytes(sc.reduce(x, "sum", axis=1)) == bytes(sc.reduce(x, "sum", axis=1, threads=3))


def test_exact_for_integers_and_wrap():
    assert sc.reduce(np.array([2**62, 2**62, 2**62]), "sum").item() == 3 * 2**62 - 2**64


def test_bfloat16_accumulates_in_float32():
    ones = np.ones(1000, bfloat16)
    assert sc.reduce(ones, "sum").item() == 1000.0  # bfloat16 alone would stop at 256
    x = values("E", 500)
    assert sc.reduce(x, "sum").item() == float(tree_sum(x.astype("f4")).astype(bfloat16))


@pytest.mark.parametrize("code", ["f", "d", "E"])
def test_nan_and_signed_zero(code):
    x = np.array([3.0, np.nan, -1.0]).astype(ARITHMETIC[code])
    assert math.isnan(sc.reduce(x, "min").item())
    assert math.isnan(sc.reduce(x, "sum").item())
    zero = np.array([-0.0]).astype(ARITHMETIC[code])
    assert math.copysign(1, sc.reduce(zero, "sum").item()) == -1
    assert math.copysign(1, sc.reduce(zero[:0], "sum").item()) == 1


def test_out_and_dtype():
    x = values("d", 3, 4)
    out = np.zeros(3)
    assert sc.reduce(x, "min", axis=1, out=out) is out
    assert np.array_equal(out, x.min(axis=1))
    assert sc.reduce(x, "min", dtype="d").item() == x.min()
    kept = np.zeros((3, 1))
    assert sc.reduce(x, "min", axis=1, out=kept) is kept
    with pytest.raises(ValueError):
        sc.reduce(x, "min", axis=0, out=out)
    with pytest.raises(BufferError, match="read-only"):
        sc.reduce(x, "min", axis=1, out=bytes(24))


@pytest.mark.parametrize("axis", [3, -4, (0, 0), (0, -3)])
def test_bad_axes(axis):
    with pytest.raises(ValueError, match="axis"):
        sc.reduce(values("f", 2, 3, 4), "sum", axis=axis)


AXES = [None, 0, 1, 2, (0, 2), (1, 2), (0, 1, 2)]
NUMPY = {"min": np.min, "max": np.max, "any": np.any, "all": np.all}


def three_axes(dtype):
    """Values, zeros and the limits, in memory order and not."""
    rng = np.random.default_rng(5)
    x = rng.integers(-100, 100, (5, 40, 33)).astype(dtype)
    x[rng.random(x.shape) < 0.3] = 0
    if x.dtype.kind in "iu":
        limits = np.iinfo(x.dtype)
        x[1, 2, 3], x[4, 5, 6] = limits.min, limits.max
    return [x, x.transpose(2, 0, 1), x[:, ::2, ::-1], x.astype(x.dtype.newbyteorder())]


@pytest.mark.parametrize("op", NUMPY)
@pytest.mark.parametrize("code", ARITHMETIC)
def test_what_order_does_not_change_is_what_numpy_finds(op, code):
    dtype = ARITHMETIC[code]
    for x in three_axes(dtype):
        for axis in AXES:
            got = sc.reduce(x, op, axis=axis)
            expected = NUMPY[op](x.astype("f8") if code == "E" else x, axis=axis)
            assert got.format == sc.Format("?" if op in ("any", "all") else code)
            assert np.array_equal(got.numpy().astype(expected.dtype), expected), (axis, x.strides)


@pytest.mark.parametrize("code", ARITHMETIC)
def test_counts_and_integer_sums_are_numpys(code):
    for x in three_axes(ARITHMETIC[code]):
        for axis in AXES:
            count = sc.reduce(x, "count_nonzero", axis=axis)
            wide = x.astype("f8") if code == "E" else x
            assert count.format == sc.Format("q")
            assert np.array_equal(count.numpy(), np.count_nonzero(wide, axis=axis))
            if x.dtype.kind in "biu":
                total = sc.reduce(x, "sum", axis=axis).numpy()
                expected = x.sum(axis=axis)
                assert total.dtype == expected.dtype and np.array_equal(total, expected)


@pytest.mark.parametrize("n", [1, 3, 64, 127, 1000, 4096, 70000])
def test_any_and_all_see_the_one_item_that_decides(n):
    for code, dtype in ARITHMETIC.items():
        for at in {0, n // 2, n - 1}:
            x = np.zeros(n, dtype)
            x[at] = 1
            assert sc.reduce(x, "any").item() is True, code
            assert sc.reduce(x, "count_nonzero").item() == 1
            y = np.ones(n, dtype)
            y[at] = 0
            assert sc.reduce(y, "all").item() is False, code
        assert sc.reduce(np.zeros(n, dtype), "any").item() is False
        assert sc.reduce(np.ones(n, dtype), "all").item() is True


@pytest.mark.parametrize("code", ["e", "E", "f", "d"])
def test_extremes_of_floats(code):
    dtype = ARITHMETIC[code]
    zeros = np.array([0.0, -0.0, 0.0]).astype(dtype)
    assert math.copysign(1, sc.reduce(zeros, "min").item()) == -1
    assert math.copysign(1, sc.reduce(zeros, "max").item()) == 1
    tiny = np.array([-0.0, -np.inf, 1e-7, np.inf]).astype(dtype)
    assert sc.reduce(tiny, "min").item() == -math.inf
    assert sc.reduce(tiny, "max").item() == math.inf
    for n in (1, 40, 300):
        for at in range(0, n, 7):
            for nan in (np.nan, -np.nan):
                x = np.arange(n).astype(dtype)
                x[at] = nan
                assert math.isnan(sc.reduce(x, "max").item()), (n, at)
                assert math.isnan(sc.reduce(x, "min").item()), (n, at)
                assert sc.reduce(x[at : at + 1], "any").item() is True  # NaN is not 0
    assert sc.reduce(-zeros[:1], "any").item() is False


@pytest.mark.parametrize("kind", ["M8[s]", "m8[ns]", ">M8[D]"])
def test_extremes_of_times_are_numpys_and_nat_wins(kind):
    x = np.random.default_rng(6).integers(-(2**62), 2**62, (7, 90)).astype(kind)
    x[2, 3], x[4, 5] = np.array([-(2**63) + 1, 2**63 - 1]).astype(kind)
    for axis in (None, 0, 1):
        for op in ("min", "max"):
            got = sc.reduce(x, op, axis=axis).numpy()
            assert got.dtype.newbyteorder("=") == x.dtype.newbyteorder("=")
            assert np.array_equal(got, NUMPY[op](x, axis=axis))
    x[3, 8] = "NaT"
    assert np.isnat(sc.reduce(x, "max").numpy())
    assert np.isnat(sc.reduce(x, "min").numpy())


def test_narrow_types_fold_in_wider_ones():
    import ml_dtypes

    x = np.array([1.5, -3.0, 0.0, 448.0]).astype(ml_dtypes.float8_e4m3fn)
    assert sc.reduce(x, "min").item() == -3.0
    assert sc.reduce(x, "max").item() == 448.0
    assert sc.reduce(x, "max").format == sc.Format("[ml_dtypes$float8_e4m3fn]")
    assert sc.reduce(x[:2], "sum").item() == -1.5
    assert sc.reduce(x, "count_nonzero").item() == 3
    y = np.array([-8, 7, 0]).astype(ml_dtypes.int4)
    assert (sc.reduce(y, "min").item(), sc.reduce(y, "max").item()) == (-8, 7)
    assert sc.reduce(np.repeat(y, 1000), "sum").item() == -1000


def test_reductions_of_nothing():
    empty = np.zeros((3, 0), "f4")
    assert sc.reduce(empty, "any", axis=1).tolist() == [False] * 3
    assert sc.reduce(empty, "all", axis=1).tolist() == [True] * 3
    assert sc.reduce(empty, "count_nonzero", axis=1).tolist() == [0] * 3
    with pytest.raises(ValueError, match="max of no elements"):
        sc.reduce(empty, "max", axis=1)
    assert sc.reduce(empty, "max", axis=0).shape == (0,)


def test_what_does_not_exist():
    with pytest.raises(TypeError):
        sc.reduce(np.array(["a"]), "sum")
    with pytest.raises(ValueError, match="'norminf', not 'median'"):
        sc.reduce(np.ones(3), "median")
    with pytest.raises(ValueError):
        sc.reduce(np.ones(0), "min")
    with pytest.raises(TypeError):
        sc.reduce(np.ones(3), "sum", skip=True)
