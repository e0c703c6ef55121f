"""Reductions of long doubles, which keep their 64 bits of mantissa, and of pairs of them: against
NumPy where it is exact, and against exact numbers where both round."""

import math
from fractions import Fraction

import numpy as np
import pytest

import stridecast as sc

LONG = np.dtype("g")
PAIR = np.dtype("G")
EPSILON = Fraction(1, 2**63)
AXES = [None, 0, 1, -1, (0, 2), ()]

pytestmark = pytest.mark.skipif(
    np.finfo(LONG).nmant != 63, reason="long double is not x87's 80 bits here"
)


def numbers(shape, dtype=LONG, seed=0):
    """Numbers that float64 does not hold."""
    rng = np.random.default_rng(seed)

    def real():
        return rng.standard_normal(shape).astype(LONG) * (1 + LONG.type(2) ** -60)

    return real() if dtype == LONG else (real() + 1j * real()).astype(PAIR)


def layouts(x):
    """The same array at other places in memory."""
    yield x
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=-1)[..., ::2]
    yield x[::-1, :, ::-1].copy()[::-1, :, ::-1]


def exact(x):
    """A long double as a fraction."""
    mantissa, exponent = np.frexp(x)
    return Fraction(int(mantissa * LONG.type(2) ** 64)) * Fraction(2) ** (int(exponent) - 64)


def close(got, expected, scale):
    return abs(exact(got) - expected) <= 8 * EPSILON * scale


@pytest.mark.parametrize("dtype", [LONG, PAIR])
@pytest.mark.parametrize("op", ["min", "max", "argmin", "argmax", "any", "all"])
def test_what_is_exact_is_numpys(op, dtype):
    x = numbers((5, 7, 9), dtype)
    for y in layouts(x):
        for axis in [None, 0, 1, -1]:
            got = sc.reduce(y, op, axis=axis).numpy()
            assert np.array_equal(got, np.asarray(getattr(np, op)(x, axis=axis))), (axis, y.strides)


@pytest.mark.parametrize("dtype", [LONG, PAIR])
def test_layouts_and_threads_change_no_bit(dtype):
    x = numbers((40, 3, 300), dtype)
    for op in ("sum", "prod", "mean", "var", "std", "norm1", "norm2", "norminf"):
        for axis in AXES:
            expected = sc.reduce(x, op, axis=axis).numpy()
            for y in layouts(x):
                for threads in (1, 3):
                    got = sc.reduce(y, op, axis=axis, threads=threads).numpy()
                    assert got.tobytes() == expected.tobytes(), (op, axis)


def test_sums_are_exact_to_64_bits():
    for n in (1, 7, 128, 129, 1000, 5000):
        x = numbers(n)
        items = [exact(item) for item in x]
        size = sum(map(abs, items))
        assert close(sc.reduce(x, "sum").numpy()[()], sum(items), size)
        assert close(sc.reduce(x, "mean").numpy()[()], sum(items) / n, size / n)
        assert close(sc.reduce(x, "norm1").numpy()[()], size, size)
        squares = sum(item * item for item in items)
        assert close(sc.reduce(x, "norm2").numpy()[()] ** 2, squares, squares)
        mean = sum(items) / n
        variance = sum((item - mean) ** 2 for item in items) / n
        assert close(sc.reduce(x, "var").numpy()[()], variance, squares / n)
        assert exact(sc.reduce(x, "norminf").numpy()[()]) == max(map(abs, items))


def test_products():
    x = numbers(40)
    product = math.prod(exact(item) for item in x)
    assert close(sc.reduce(x, "prod").numpy()[()], product, 40 * abs(product))
    z = np.array([1 + 2j, 3 - 1j, 2j, -1], PAIR)
    assert sc.reduce(z, "prod").numpy()[()] == 10 - 10j  # (5 + 5j) * -2j
    assert sc.reduce(z[:0], "prod").numpy()[()] == 1


def test_float64_may_be_summed_in_long_double():
    x = np.array([1e16, 1, -1e16] * 50)
    assert sc.reduce(x, "sum", dtype="g").numpy()[()] == 50
    assert sc.reduce(x.astype("c16"), "sum", dtype="Zg").numpy()[()] == 50


def test_nan_masks_and_initial():
    x = numbers((4, 6))
    x[1, 2] = np.nan
    assert np.isnan(sc.reduce(x, "max").numpy())
    assert sc.reduce(x, "argmin").item() == 8
    assert sc.reduce(x, "max", skipna=True).numpy()[()] == np.nanmax(x)
    count = sc.reduce(x, "sum", skipna=True, axis=1).numpy()
    assert np.allclose(count, np.nansum(x, axis=1), rtol=1e-18)
    where = np.arange(24).reshape(4, 6) % 3 == 0
    assert sc.reduce(x, "min", where=where).numpy()[()] == x[where].min()
    assert np.allclose(sc.reduce(x, "prod", where=where, initial=2).numpy(), 2 * x[where].prod())
    z = x.astype(PAIR)
    assert sc.reduce(z, "argmax", where=where).item() == np.flatnonzero(where)[x[where].argmax()]


@pytest.mark.parametrize("algorithm", ["compensated", "reproducible"])
@pytest.mark.parametrize("dtype", [LONG, PAIR])
def test_other_algorithms_have_no_long_double(algorithm, dtype):
    with pytest.raises(TypeError, match="there are only pairwise sums of format"):
        sc.reduce(numbers(3, dtype), "sum", algorithm=algorithm)
