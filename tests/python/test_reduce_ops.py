"""What each operation of reduce finds, against NumPy where it is exact and against exact numbers
where it rounds; over every type, layout and choice of axes."""

import math
from fractions import Fraction
from itertools import product

import ml_dtypes
import numpy as np
import pytest
from conftest import ARITHMETIC, FLOATS, INTEGERS
from hypothesis import given
from hypothesis import strategies as st
from strategies import laid_out, shapes

import stridecast as sc

COMPLEX = {"Zf": np.dtype("c8"), "Zd": np.dtype("c16")}
NUMBERS = ARITHMETIC | COMPLEX
TIMES = ["M8[us]", "m8[25s]", ">M8[D]"]
AXES = [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), ()]
#: Relative to the largest magnitude that was folded, or to the sum of all of them.
TOLERANCE = {"e": 1e-3, "E": 8e-3, "f": 1e-6, "Zf": 1e-6}


def numbers(code, shape, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 20
    if code in COMPLEX:
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(NUMBERS[code])


def wide(x):
    """The same numbers in a type in which NumPy calculates well."""
    return x.astype("c16" if x.dtype.kind == "c" else "f8")


def layouts(x):
    """The same array at other places in memory."""
    yield x
    yield x.transpose(2, 0, 1)
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=2)[:, :, ::2]
    yield x[::-1, :, ::-1]
    yield x.astype(x.dtype.newbyteorder())
    unaligned = np.zeros(x.nbytes + 1, "u1")[1:].view(f"V{x.itemsize}").view(x.dtype)
    unaligned[...] = x.ravel()
    yield unaligned.reshape(x.shape)


SHAPES = [(5, 7, 130), (17, 40, 3), (3, 200, 9), (1, 1, 1)]


def cases(code):
    for shape in SHAPES:
        yield from product(layouts(numbers(code, shape)), AXES)


def assert_close(got, expected, tolerance, scale):
    got = got.numpy().astype(expected.dtype)
    assert got.shape == expected.shape
    assert (np.abs(got - expected) <= tolerance * scale).all() or np.array_equal(got, expected)


@pytest.mark.parametrize("code", NUMBERS)
def test_means_variances_and_norms(code):
    tolerance = TOLERANCE.get(code, 1e-14)
    real = "f" if code == "Zf" else "d" if code == "Zd" or code not in FLOATS else code
    for x, axis in cases(code):
        w = wide(x)
        largest = np.abs(w).max()
        total = np.abs(w).sum(axis=axis)
        mean = sc.reduce(x, "mean", axis=axis)
        assert mean.format == sc.Format(code if code in FLOATS or code in COMPLEX else "d")
        assert_close(mean, np.asarray(w.mean(axis=axis)), tolerance, largest)
        for op, ddof in (("var", 0), ("std", 0), ("var", 0.5)):
            got = sc.reduce(x, op, axis=axis, ddof=ddof)
            assert got.format == sc.Format(real)
            expected = getattr(w, op)(axis=axis, ddof=ddof)
            assert_close(got, np.asarray(expected), 8 * tolerance, max(largest, largest**2))
        if code == "e" and total.max() > 60000:
            continue  # beyond float16
        assert_close(sc.reduce(x, "norm1", axis=axis), np.asarray(total), tolerance, total)
        root = np.asarray(np.sqrt((np.abs(w) ** 2).sum(axis=axis)))
        assert_close(sc.reduce(x, "norm2", axis=axis), root, tolerance, root)
        most = np.asarray(np.abs(w).max(axis=axis))
        assert_close(sc.reduce(x, "norminf", axis=axis), most, tolerance, most)


@pytest.mark.parametrize("code", INTEGERS | {"?"})
def test_products_of_integers_wrap_as_numpys(code):
    for x, axis in cases(code):
        got = sc.reduce(x, "prod", axis=axis).numpy()
        expected = x.prod(axis=axis)
        assert got.dtype == expected.dtype and np.array_equal(got, expected)


@pytest.mark.parametrize("code", ["f", "d", "E", "e"])
def test_products_of_floats(code):
    for x, axis in cases(code):
        y = np.exp2(np.sign(x.astype("f8")) * 0.05).astype(x.dtype)
        expected = y.astype("f8").prod(axis=axis)
        if code == "e" and not 1e-4 < expected.min() <= expected.max() < 60000:
            continue
        tolerance = {"e": 4e-3, "E": 3e-2, "f": 6e-8 * y.size, "d": 2e-16 * y.size}[code]
        assert_close(sc.reduce(y, "prod", axis=axis), np.asarray(expected), tolerance, expected)


@pytest.mark.parametrize("code", NUMBERS)
def test_minmax_and_arg_extremes_are_numpys(code):
    for x, axis in cases(code):
        w = x if code not in "eE" else x.astype("f4")
        if axis == ():
            continue
        low, high = w.min(axis=axis), w.max(axis=axis)
        both = sc.reduce(x, "minmax", axis=axis)
        assert both.format == sc.Format(code) and both.shape == (2, *low.shape)
        assert np.array_equal(both.numpy().astype(w.dtype), np.stack([low, high]))
        if isinstance(axis, tuple):
            continue
        for op in ("argmin", "argmax"):
            got = sc.reduce(x, op, axis=axis)
            assert got.format == sc.Format("q")
            assert np.array_equal(got.numpy(), getattr(w, op)(axis=axis)), (op, x.strides, axis)


@pytest.mark.parametrize("op", ["argmin", "argmax"])
def test_indices_of_several_axes_are_in_their_c_order(op):
    x = numbers("f", (4, 5, 6)).round(-1)  # with many equal items
    for layout in layouts(x):
        got = sc.reduce(layout, op, axis=(0, 2)).numpy()
        flat = np.moveaxis(layout, 1, 0).reshape(layout.shape[1], -1)
        assert np.array_equal(got, getattr(flat, op)(axis=1))
        kept = sc.reduce(layout, op, axis=(0, 2), keepdims=True)
        assert kept.shape == (1, layout.shape[1], 1)


@pytest.mark.parametrize("code", ["?", "b", "h", "i", "q", "e", "E", "f", "d", "Zf", "Zd"])
@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 4096, 9000])
def test_the_first_of_equal_items_is_the_one(code, n):
    x = np.zeros(n, NUMBERS[code])
    assert sc.reduce(x, "argmax").item() == 0 == sc.reduce(x, "argmin").item()
    for at in sorted({0, n // 3, n - 1}):
        x[...] = 0
        x[at:] = 1
        assert sc.reduce(x, "argmax").item() == at
        assert sc.reduce(1 - x if code != "?" else ~x, "argmin").item() == at


@pytest.mark.parametrize("code", ["e", "E", "f", "d", "Zf", "Zd"])
@pytest.mark.parametrize("n", [1, 7, 130, 2100])
def test_nan_wins_wherever_it_is(code, n):
    for at in {0, 1 % n, n // 2, n - 1}:
        x = numbers(code, (n,))
        x[at] = np.nan
        if n > 8:
            x[n - 1] = np.nan  # a later one does not count
        first = int(np.flatnonzero(np.isnan(wide(x)))[0])
        assert sc.reduce(x, "argmin").item() == first == sc.reduce(x, "argmax").item()
        for op in ("min", "max", "sum", "mean", "var", "norm1", "norm2", "norminf"):
            assert np.isnan(wide(sc.reduce(x, op).numpy())), op


def test_zeros_are_equal_where_an_index_is_asked_for():
    for code in FLOATS:
        x = np.array([0.0, -0.0, 0.0, -0.0]).astype(NUMBERS[code])
        assert sc.reduce(x, "argmin").item() == 0 == sc.reduce(x, "argmax").item()
        assert sc.reduce(x[1:], "argmin").item() == 0 == sc.reduce(x[1:], "argmax").item()


def multiplied(items):
    """The exact product of complex numbers."""
    real, imaginary = Fraction(1), Fraction(0)
    for item in items:
        a, b = Fraction(float(item.real)), Fraction(float(item.imag))
        real, imaginary = real * a - imaginary * b, real * b + imaginary * a
    return complex(real, imaginary)


@pytest.mark.parametrize("code", COMPLEX)
def test_products_of_complex_numbers(code):
    x = numbers(code, (3, 4, 50))
    x /= np.abs(x)
    tolerance = 200 * float(np.finfo(x.dtype).eps)
    for y in layouts(x):
        for axis in AXES[:5]:
            got = sc.reduce(y, "prod", axis=axis).numpy()
            packed = np.ascontiguousarray(y)
            assert got.tobytes() == sc.reduce(packed, "prod", axis=axis).numpy().tobytes()
            if axis is None:
                assert abs(got[()] - multiplied(x.ravel())) < tolerance
            else:
                assert np.allclose(got, wide(y).prod(axis=axis), atol=tolerance)
    assert sc.reduce(x[:, :, :0], "prod").item() == 1
    # Zeros of either sign: lanes that hold no item must not change them.
    signs = np.random.default_rng(3).choice([-1.0, -0.0, 0.0, 1.0], (2, 40))
    z = np.empty(40, x.dtype)
    z.real, z.imag = signs
    for n in range(1, 41):
        along = sc.reduce(z[:n], "prod").numpy()
        across = sc.reduce(np.repeat(z[:n, None], 3, axis=1), "prod", axis=0).numpy()
        assert across.tobytes() == 3 * along.tobytes()
    one = np.array([3 - 4j], x.dtype)
    assert sc.reduce(one, "prod").item() == 3 - 4j
    where = np.zeros(x.shape, bool)
    where[1, 2, 3] = True
    assert sc.reduce(x, "prod", where=where).numpy()[()] == x[1, 2, 3]


@pytest.mark.parametrize("code", ["Zf", "Zd", "Ze"])
def test_a_complex_number_is_0_where_both_parts_are(code):
    x = np.zeros((3, 40), "c16" if code == "Zd" else "c8")
    x[1, 7] = complex(0, 5)
    x[2, 9] = complex(-0.0, -0.0)
    y = sc.convert(x, "Ze") if code == "Ze" else x
    assert sc.reduce(y, "any", axis=1).tolist() == [False, True, False]
    assert sc.reduce(y, "count_nonzero").item() == 1
    assert not sc.reduce(y, "all").item()
    if code != "Ze":
        for z in (x[:, 1::2], x[:, ::2], x.T, x[::-1]):
            assert sc.reduce(z, "count_nonzero").item() == np.count_nonzero(z)
            assert sc.reduce(z, "any").item() == z.any()
            assert sc.reduce(z + 1, "all").item()


def test_complex_numbers_compare_by_real_part_first():
    x = np.array([1 + 5j, 2 - 1j, 2 + 3j, 1 - 9j], "c8")
    assert sc.reduce(x, "max").item() == 2 + 3j and sc.reduce(x, "min").item() == 1 - 9j
    x[1] = complex(0, math.nan)
    found = sc.reduce(x, "max").item()
    assert math.isnan(found.real) and math.isnan(found.imag)
    # Equal zeros leave it to the imaginary parts; the result's zero has no sign.
    zeros = np.array([complex(-0.0, 5), complex(0.0, 3)], "c8")
    assert sc.reduce(zeros, "min").item() == 3j
    assert math.copysign(1, sc.reduce(zeros, "max").item().real) == 1


@pytest.mark.parametrize("kind", TIMES)
def test_times(kind):
    x = np.random.default_rng(6).integers(-(10**6), 10**6, (5, 7, 90)).astype(kind)
    for layout, axis in product(layouts(x), [None, 0, 1, 2]):
        native = layout.astype(layout.dtype.newbyteorder("="))
        for op in ("argmin", "argmax"):
            assert np.array_equal(
                sc.reduce(layout, op, axis=axis).numpy(), getattr(native, op)(axis=axis)
            )
        mean = sc.reduce(layout, "mean", axis=axis).numpy().astype(native.dtype)
        ticks = native.view("i8")
        n = ticks.size // mean.size
        exact = [Fraction(int(total), n) for total in np.ravel(ticks.sum(axis=axis))]
        assert mean.view("i8").ravel().tolist() == [round(value) for value in exact]
    assert sc.reduce(x, "mean").format == sc.Format.of(x.dtype)
    assert sc.reduce(x, "any").item() is True
    assert sc.reduce(x, "count_nonzero").item() == np.count_nonzero(x)
    x[2, 3, 4] = "NaT"
    x[3, 3, 4] = "NaT"
    flat = 2 * 7 * 90 + 3 * 90 + 4
    assert sc.reduce(x, "argmin").item() == flat == sc.reduce(x, "argmax").item()
    assert np.isnat(sc.reduce(x, "mean").numpy())


def test_times_add_up_exactly_or_not_at_all():
    days = np.array([3, -1, 5], "m8[D]")
    assert sc.reduce(days, "sum").numpy() == np.timedelta64(7, "D")
    big = np.array([2**62, 2**62, -(2**62)], "m8[ns]")
    assert sc.reduce(big, "sum").numpy() == np.timedelta64(2**62, "ns")  # no order overflows
    with pytest.raises(OverflowError, match="does not fit the 64 bits"):
        sc.reduce(big[:2], "sum")
    far = np.array([2**63 - 1, 2**63 - 1], "M8[s]")
    assert sc.reduce(far, "mean").numpy() == far[0]
    assert np.isnat(sc.reduce(np.array([1, "NaT"], "m8[s]"), "sum").numpy())
    with pytest.raises(TypeError, match="sum is not defined"):
        sc.reduce(far, "sum")


def test_means_of_large_integers_do_not_wrap():
    x = np.full(1000, 2**63 - 1)
    assert sc.reduce(x, "mean").item() == float(2**63)
    assert sc.reduce(np.full(10, 2**64 - 1, "u8"), "mean").item() == float(2**64)
    assert sc.reduce(np.array([2**53, 1, 1]), "mean").item() == (2**53 + 2) / 3


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "float6_e2m3fn", "float4_e2m1fn"])
def test_narrow_floats_are_folded_in_float32(name):
    dtype = np.dtype(getattr(ml_dtypes, name))
    x = numbers("f", (4, 50, 6)).clip(-3, 3).astype(dtype)
    w = x.astype("f4")
    for axis in AXES:
        assert np.array_equal(
            sc.reduce(x, "mean", axis=axis).numpy().astype("f4"),
            np.asarray(sc.reduce(w, "mean", axis=axis).numpy().astype(dtype)).astype("f4"),
        )
        assert (
            np.array_equal(
                sc.reduce(x, "norminf", axis=axis).numpy().astype("f4"), np.abs(w).max(axis=axis)
            )
            or axis == ()
        )
    assert sc.reduce(x, "argmax").item() == w.argmax()
    four = np.array([-8, 7, 3]).astype(ml_dtypes.int4)
    assert sc.reduce(four, "mean").item() == 2 / 3
    assert sc.reduce(four, "prod").item() == -168
    assert sc.reduce(four, "argmin").item() == 0


def exact(x):
    return sum(map(Fraction, x.ravel().tolist()), Fraction(0))


@pytest.mark.parametrize("code", ["f", "d"])
def test_pairwise_sums_err_no_more_than_numpys(code):
    """Over 1,000 vectors whose sums cancel, in units of the sum of magnitudes. Which of two trees
    of one depth has the largest error is a matter of luck, hence the margins."""
    errors = {"ours": [], "numpy": []}
    rng = np.random.default_rng(11)
    for _ in range(1000):
        n = int(rng.integers(2, 900))
        x = (rng.standard_normal(n) * np.exp2(rng.integers(-20, 20, n))).astype(NUMBERS[code])
        x[n // 2 :] = -x[: n - n // 2] * NUMBERS[code].type(1 + 2**-12)
        reference = exact(x)
        scale = float(sum(map(abs, map(Fraction, x.tolist()))))
        for who, total in (("ours", sc.reduce(x, "sum").item()), ("numpy", float(x.sum()))):
            errors[who].append(abs(float(Fraction(total) - reference)) / scale)
    assert max(errors["ours"]) <= max(errors["numpy"]) * 1.5
    assert sum(errors["ours"]) <= sum(errors["numpy"]) * 1.15


@given(st.data())
def test_any_layout_and_axes(data):
    code = data.draw(st.sampled_from(sorted(NUMBERS)))
    shape = data.draw(shapes(max_dims=4, max_side=6))
    x = data.draw(laid_out(numbers(code, shape, data.draw(st.integers(0, 99)))))
    axes = tuple(k for k in range(len(shape)) if data.draw(st.booleans()))
    keepdims = data.draw(st.booleans())
    exactly = {"max": np.max, "min": np.min, "any": np.any, "all": np.all}
    w = x.astype("f4") if code in "eE" else x
    for op, function in exactly.items():
        if x.size == 0 and op in ("max", "min"):
            continue
        got = sc.reduce(x, op, axis=axes, keepdims=keepdims).numpy()
        expected = function(w, axis=axes, keepdims=keepdims)
        assert got.shape == expected.shape
        assert np.array_equal(got.astype(expected.dtype), expected)
    contiguous = np.ascontiguousarray(x)
    for op in ("sum", "mean", "var", "norm2"):
        first = sc.reduce(contiguous, op, axis=axes, keepdims=keepdims)
        assert bytes(sc.reduce(x, op, axis=axes, keepdims=keepdims)) == bytes(first)
