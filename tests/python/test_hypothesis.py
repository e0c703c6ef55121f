"""Random arrays, layouts and options against NumPy, ml_dtypes and the rules in plain Python."""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
from conftest import ARITHMETIC, FLOATS, INTEGERS, bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import stridecast as sc

codes = st.sampled_from(sorted(ARITHMETIC))


@st.composite
def arrays(draw, code=None):
    """An ndarray of any bits of an arithmetic type, with a random layout and byte order."""
    dtype = ARITHMETIC[draw(codes) if code is None else code]
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    count = math.prod(shape)
    raw = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    if dtype.kind == "b":
        raw = bytes(b & 1 for b in raw)
    x = np.frombuffer(raw, dtype).reshape(shape) if count else np.zeros(shape, dtype)
    if draw(st.booleans()):
        x = x.astype(dtype.newbyteorder(">"))
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    if draw(st.booleans()):
        spread = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
        key = (..., *(slice(None, None, draw(st.sampled_from([2, -2]))) for _ in x.shape))
        spread[key] = x
        x = spread[key]
    return x


def value_of(v):
    return float(v) if isinstance(v, np.inexact) or "float" in type(v).__name__ else int(v)


def wrapped(v, code):
    limits = np.iinfo(ARITHMETIC[code])
    if isinstance(v, float):
        end = 2**64 if code == "Q" else 2**63  # docs/decisions.md 1
        v = int(v) if math.isfinite(v) and -(2**63) <= int(v) < end else -(2**63)
    width = limits.bits
    low = v % 2**width
    return low - 2**width if limits.min < 0 and low >= 2 ** (width - 1) else low


def clamped(v, code):
    limits = np.iinfo(ARITHMETIC[code])
    if isinstance(v, float):
        if math.isnan(v):
            return 0
        if math.isinf(v):
            return limits.max if v > 0 else limits.min
    return min(max(int(v), limits.min), limits.max)


def fits(v, code):
    limits = np.iinfo(ARITHMETIC[code])
    return (
        not (isinstance(v, float) and not math.isfinite(v)) and limits.min <= int(v) <= limits.max
    )


@given(arrays(), st.sampled_from(sorted(INTEGERS)))
def test_to_integers(x, code):
    values = [value_of(v) for v in x.ravel()]
    assert sc.convert(x, code).numpy().ravel().tolist() == [wrapped(v, code) for v in values]
    saturated = sc.convert(x, code, overflow="saturate").numpy()
    assert saturated.ravel().tolist() == [clamped(v, code) for v in values]
    bad = [i for i, v in enumerate(values) if not fits(v, code)]
    try:
        result = sc.convert(x, code, overflow="raise")
    except OverflowError as error:
        assert bad, str(error)
        assert f"element {bad[0]}" in str(error)
    else:
        assert not bad
        assert result.numpy().ravel().tolist() == [int(v) for v in values]


def rounded(v, code):
    """`v` rounded once to nearest-even, by exact arithmetic; v is an int or a finite float."""
    info = ml_dtypes.finfo(ARITHMETIC[code])
    if v == 0:
        return v
    numerator, denominator = (v, 1) if isinstance(v, int) else v.as_integer_ratio()
    exponent = math.frexp(float(v) if isinstance(v, float) else 1.0)[1]
    if isinstance(v, int):
        exponent = abs(v).bit_length()
    ulp = max(exponent - info.nmant - 1, int(info.minexp) - info.nmant)
    if ulp >= 0:
        denominator <<= ulp
    else:
        numerator <<= -ulp
    whole, rest = divmod(abs(numerator), denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    if whole * Fraction(2) ** ulp > Fraction(float(info.max)):
        return math.copysign(math.inf, v)
    return math.copysign(math.ldexp(whole, ulp), v)


@given(arrays(), st.sampled_from(sorted(FLOATS)))
def test_to_floats(x, code):
    with np.errstate(invalid="ignore"):
        result = sc.convert(x, code).numpy().astype("f8")
    for v, got in zip((value_of(v) for v in x.ravel()), result.ravel().tolist(), strict=True):
        if isinstance(v, float) and not math.isfinite(v):
            assert math.isnan(got) if math.isnan(v) else got == v
        else:
            expected = rounded(v, code)
            assert got == expected and math.copysign(1, got) == math.copysign(1, expected), (v, got)


@given(arrays(), codes, st.sampled_from("KCFA"))
def test_astype_layout_is_numpys(x, code, order):
    ours = sc.astype(x, ARITHMETIC[code], order=order)
    theirs = np.empty_like(x, ARITHMETIC[code], order=order)
    assert (
        ours.dtype == theirs.dtype and ours.shape == theirs.shape and ours.strides == theirs.strides
    )


@given(arrays(), codes)
def test_out_is_fresh_is_copyto(x, code):
    fresh = sc.convert(x, code)
    out = np.zeros((2, *x.shape), ARITHMETIC[code])
    assert sc.convert(x, code, out=out) is out
    assert bits(out[0]) == bits(out[1]) == bits(fresh.numpy())


@given(arrays())
def test_copies_keep_every_bit(x):
    for result in (sc.copy(x), sc.copy(x, order="F"), sc.convert(x, x.dtype), sc.Buffer(x)):
        assert result.format == sc.Format.of(x)
        assert bits(result.numpy()) == bits(x)
    assert bits(sc.byteswap(x).numpy()) == bits(x.byteswap())
    assert bits(sc.astype(x, x.dtype.newbyteorder())) == bits(x.astype(x.dtype.newbyteorder()))


@given(arrays(code="q"), st.data())
def test_sums_of_integers_are_exact(x, data):
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    keepdims = data.draw(st.booleans())
    expected = x.astype("i8").sum(axis=axis, keepdims=keepdims)
    got = sc.reduce(x, "sum", axis=axis, keepdims=keepdims).numpy()
    assert got.shape == expected.shape and np.array_equal(got, expected)


@given(st.text(alphabet="<>=@!^()0123456789,bBhHiIlLqQefdgEZsxwT{}:ab[]$ ", max_size=20))
def test_no_text_does_harm(text):
    try:
        f = sc.Format(text)
    except sc.FormatError as error:
        assert error.kind and 0 <= error.position <= len(text.encode())
    else:
        assert sc.Format(f.text, f.itemsize) == f
        assert f.itemsize >= 0 and f.describe() is not None


@given(st.data())
def test_struct_dtypes_come_back(data):
    dtype = data.draw(hnp.nested_dtypes(max_itemsize=64))
    if dtype.hasobject or dtype.itemsize == 0:
        return
    x = np.zeros(3, dtype)
    x.view("u1")[...] = np.arange(x.nbytes) % 2
    try:
        b = sc.Buffer(x)
    except ValueError:  # characters that no format can have in a name
        assert any(c in str(dtype) for c in (":", "\\x00", "\\ud"))
        return
    assert b.itemsize == dtype.itemsize
    y = b.numpy()
    assert y.dtype.itemsize == dtype.itemsize and bits(y) == bits(x)
    assert bytes(sc.copy(b)) == x.tobytes()
    if dtype.names:
        assert y.dtype.names == dtype.names
        assert [y.dtype.fields[n][1] for n in dtype.names] == [
            dtype.fields[n][1] for n in dtype.names
        ]
