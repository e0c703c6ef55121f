"""decode and encode against the steps that NumPy takes for the same."""

import warnings
from array import array

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import stridecast

STORED = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
FLOATS = ["f4", "f8"]


def numpy_decode(stored, dtype, scale, offset, missing, compute=None):
    """Convert, multiply, add; NaN where the stored item has the bits of a missing one."""
    compute = np.dtype(compute or (dtype if np.dtype(dtype).char in "fd" else "f8"))
    native = stored.astype(stored.dtype.newbyteorder("="))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = native.astype(compute) * np.asarray(scale, compute) + np.asarray(offset, compute)
        for value in missing:
            bits = np.array(value, native.dtype).tobytes()
            items = np.frombuffer(native.tobytes(), f"V{native.dtype.itemsize}")
            x[(items == np.void(bits)).reshape(native.shape)] = np.nan
        return x.astype(dtype)


def same(result, expected):
    np.testing.assert_array_equal(result, expected, strict=True)


# --- as formats use it -------------------------------------------------------------------------


def test_netcdf():
    """scale_factor, add_offset, _FillValue and missing_value of a packed, big-endian variable."""
    packed = np.array([[0, 1500, -32767], [-200, -32768, 32767]], ">i2")
    out = np.empty(packed.shape, "f4")
    result = stridecast.decode(
        packed, "f", scale=0.01, offset=273.15, missing=(-32767, -32768), out=out
    )
    assert result is out
    same(out, numpy_decode(packed, "f4", 0.01, 273.15, (-32767, -32768)))
    assert np.isnan(out[0, 2]) and np.isnan(out[1, 1])
    back = stridecast.encode(
        out, ">h", scale=0.01, offset=273.15, missing=-32767, overflow="raise"
    ).numpy()
    assert back.tolist() == [[0, 1500, -32767], [-200, -32767, 32767]]


def test_fits():
    """BZERO = 32768 has unsigned integers, BLANK is a missing one."""
    stored = np.array([-32768, -1, 0, 32767], ">i2")
    assert stridecast.decode(stored, "H", offset=32768).tolist() == [0, 32767, 32768, 65535]
    image = stridecast.decode(stored, "d", scale=2.5, offset=100, missing=-32768).numpy()
    same(image, np.array([np.nan, 97.5, 100, 100 + 2.5 * 32767]))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_quantised_tensor(axis):
    """(q - zero_point) * scale, each channel its own."""
    rng = np.random.default_rng(1)
    q = rng.integers(-128, 128, (6, 7, 8), "i1")
    n = q.shape[axis]
    scale = rng.uniform(0.01, 2, n).astype("f4")
    zero_point = rng.integers(-128, 128, n)
    along = [1, 1, 1]
    along[axis] = n
    offset = -zero_point * scale.astype("f8")
    x = stridecast.decode(q, "f", scale=scale, offset=offset, axis=axis).numpy()
    same(x, numpy_decode(q, "f4", scale.reshape(along), offset.reshape(along), ()))
    back = stridecast.encode(x, "b", scale=scale, offset=offset, axis=axis, overflow="saturate")
    assert (back.numpy() == q).all()


def test_times():
    days = np.array([0, 1, -1, 20000], "i2")
    at = stridecast.decode(days, np.dtype("M8[s]"), scale=86400, missing=-1).numpy()
    assert at.dtype == "M8[s]"
    same(at, np.array(["1970-01-01", "1970-01-02", "NaT", "2024-10-04"], "M8[s]"))
    assert stridecast.encode(at, "h", scale=86400, missing=-1).tolist() == days.tolist()
    epoch = np.datetime64("1970-01-02", "s")
    since = stridecast.decode(at, "d", missing=[86400, np.datetime64("NaT", "s")]).tolist()
    assert since[0] == 0 and np.isnan(since[1]) and np.isnan(since[2])
    assert np.isnan(stridecast.decode(at, "d", missing=epoch).tolist()[1])
    with pytest.raises(TypeError, match="in the unit of the items"):
        stridecast.decode(at, "d", missing=epoch.astype("M8[D]"))


# --- against NumPy -----------------------------------------------------------------------------


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(STORED))).newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    order = draw(st.permutations(range(len(shape))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    numbers = rng.integers(-100, 100, [2 * n for n in shape])
    steps = tuple(slice(None, None, draw(st.sampled_from([1, 2, -1, -2]))) for _ in shape)
    return numbers.astype(dtype)[steps].transpose(order)


NUMBERS = st.sampled_from([1.0, 0.5, 0.01, -3.7, 1e-3, 12345.678, 0.1])


@settings(max_examples=200, deadline=None)
@given(data=st.data(), stored=arrays(), dtype=st.sampled_from([*FLOATS, "f2", "i4", "i8"]))
def test_decode_is_three_steps(data, stored, dtype):
    compute = data.draw(st.sampled_from([None, "float32", "float64"]))
    axis = data.draw(st.one_of(st.none(), st.integers(-stored.ndim, stored.ndim - 1)))
    n = 1 if axis is None else stored.shape[axis]
    scale = data.draw(st.lists(NUMBERS, min_size=n, max_size=n))
    offset = data.draw(st.lists(NUMBERS, min_size=n, max_size=n))
    floats = dtype in (*FLOATS, "f2")
    # What does not fit an integer depends on the CPU in NumPy.
    assume(floats or np.abs(stored.astype("f8")).max() < 2**16)
    most = 3 if floats else 0  # NumPy leaves open what NaN becomes in an integer
    missing = data.draw(st.lists(st.sampled_from(stored.ravel().tolist()), max_size=most))
    along = [1] * stored.ndim
    if axis is not None:
        along[axis] = n
    expected = numpy_decode(
        stored, dtype, np.reshape(scale, along), np.reshape(offset, along), missing, compute
    )
    result = stridecast.decode(
        stored,
        np.dtype(dtype),
        scale=scale if axis is not None else scale[0],
        offset=offset if axis is not None else offset[0],
        missing=missing or None,
        axis=axis,
        compute=compute,
    )
    same(result.numpy(), expected)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), numbers=arrays(), dtype=st.sampled_from(STORED))
def test_encode_is_three_steps(data, numbers, dtype):
    compute = np.dtype(dtype if dtype in FLOATS else "f8")
    x = numbers.astype(data.draw(st.sampled_from(FLOATS)))
    if data.draw(st.booleans()):
        x.flat[0] = np.nan
    scale, offset = data.draw(NUMBERS), data.draw(NUMBERS)
    with np.errstate(all="ignore"):
        wide = (x.astype(compute) - compute.type(offset)) / compute.type(scale)
        if dtype in FLOATS:
            expected = wide
        else:
            limits = np.iinfo(dtype)
            wide = np.maximum(np.rint(wide), limits.min)
            fits = wide < float(limits.max)  # of 64 bits, that is 2**63 or 2**64
            expected = np.where(fits, wide, 0).astype(dtype)
            expected[~fits] = limits.max
    expected[np.isnan(x)] = 77
    result = stridecast.encode(
        x, np.dtype(dtype), scale=scale, offset=offset, missing=77, overflow="saturate"
    )
    same(result.numpy(), expected)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("layout", ["planes", "pixels", "transposed"])
def test_large(threads, layout):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 2**16, (3, 700, 900), "u2")
    axis = 0
    if layout == "pixels":
        image, axis = np.ascontiguousarray(image.transpose(1, 2, 0)), 2
    elif layout == "transposed":
        image = image.transpose(0, 2, 1)
    scale, offset = [0.5, 0.25, 3], [1, 2, 0.1]
    along = [1, 1, 1]
    along[axis] = 3
    expected = numpy_decode(image, "f4", np.reshape(scale, along), np.reshape(offset, along), (7,))
    result = stridecast.decode(
        image, "f", scale=scale, offset=offset, missing=7, axis=axis, order="C", threads=threads
    )
    same(result.numpy(), expected)


# --- arguments ---------------------------------------------------------------------------------


def test_numbers_of_every_kind():
    stored = array("h", [1, 2])
    for scale in (2, 2.0, np.float32(2), np.int8(2), np.array(2.0), [2], np.array([2], "f2")):
        assert stridecast.decode(stored, "d", scale=scale).tolist() == [2, 4]
    for scale in ([2, 3], (2, 3.0), np.array([2, 3], ">i2"), array("f", [2, 3])):
        assert stridecast.decode(stored, "d", scale=scale, axis=0).tolist() == [2, 6]
    assert stridecast.decode(stored, "d", offset=True).tolist() == [2, 3]


def test_missing_of_every_kind():
    large = array("Q", [2**64 - 1, 2**64 - 2])
    result = stridecast.decode(large, "d", missing=2**64 - 1).tolist()
    assert np.isnan(result[0]) and result[1] == 2.0**64
    result = stridecast.decode(array("f", [1e20, 1, np.nan]), "f", missing=np.float32(1e20))
    assert np.isnan(result.tolist()).tolist() == [True, False, True]
    # A NaN may be named, too.
    assert stridecast.decode(array("f", [1]), "f", missing=[np.nan, -1]).tolist() == [1]
    assert np.isnan(stridecast.decode(array("h", [-999]), "f", missing=-999.0).tolist()[0])
    assert np.isnan(stridecast.decode(np.array([-999], ">i2"), "f", missing=[-999]).tolist()[0])


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("h", 40000),
        ("h", 0.5),
        ("h", float("nan")),
        ("B", -1),
        ("f", 0.1),
        ("f", 2**24 + 1),
        ("q", 2**63),
        ("q", 2.0**70),
        ("d", 2**63 + 1),
        ("d", 10**400),
    ],
)
def test_missing_must_be_a_stored_value(code, missing):
    with pytest.raises(ValueError, match=r"no item of the stored format .* is exactly"):
        stridecast.decode(array(code, [0]), "f", missing=missing)
    with pytest.raises(ValueError, match="is exactly"):
        stridecast.encode(array("d", [0]), code, missing=missing)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"scale": [1, 2]}, ValueError, "scale has 2 values: say with axis="),
        ({"offset": [1, 2, 3, 4], "axis": 1}, ValueError, "offset has 4 values, but axis 1"),
        ({"scale": [1, 2], "axis": 2}, ValueError, "axis 2 .* none of the 2 axes"),
        ({"scale": [1, 2], "axis": 0.5}, TypeError, "axis must be an int"),
        ({"scale": [[1, 2]], "axis": 0}, TypeError, "scale must be a number"),
        ({"scale": np.ones((2, 2)), "axis": 0}, ValueError, "one dimension"),
        ({"scale": "2"}, TypeError, "scale must be a number"),
        ({"scale": np.array(2j)}, TypeError, "scale must be real numbers"),
        ({"scale": None, "offset": {}}, TypeError, "offset must be a number"),
        ({"scale": []}, ValueError, "needed"),
        ({"scale": float("inf")}, ValueError, "not finite"),
        ({"scale": 1e300}, ValueError, "compute in float64"),
        ({"compute": "float16"}, ValueError, "compute must be"),
        ({"missing": range(9)}, ValueError, "at most 8"),
        ({"missing": "x"}, TypeError, "missing must be a number"),
        ({"overflow": "clip"}, ValueError, "overflow must be"),
        ({"rounding": "up"}, ValueError, "rounding must be"),
        ({"speed": 1}, TypeError, "unexpected keyword"),
    ],
)
def test_errors(arguments, error, match):
    stored = np.zeros((2, 3), "i2")
    with pytest.raises(error, match=match):
        stridecast.decode(stored, "f", **arguments)


def test_encode_errors():
    x = array("d", [1, 2, 3])
    with pytest.raises(ValueError, match="must not be 0"):
        stridecast.encode(x, "h", scale=0)
    with pytest.raises(ValueError, match="at most 1"):
        stridecast.encode(x, "h", missing=[1, 2])
    with pytest.raises(OverflowError, match=r"element 1: 2"):
        stridecast.encode(x, "h", missing=2, overflow="raise")
    with pytest.raises(OverflowError, match=r"element 2: 3"):
        stridecast.encode(x, "b", scale=0.02, overflow="raise")
    with pytest.raises(TypeError, match="a format is needed"):
        stridecast.encode(x, None)


def test_pieces_draw_the_random_numbers_of_the_whole():
    x = np.full(3000, 0.3, "f4")
    whole = stridecast.encode(x, "b", rounding="stochastic", seed=5).numpy()
    assert 0.25 < whole.mean() < 0.35
    for seed, same in ((5, True), (6, False)):
        rest = stridecast.encode(x[999:], "b", rounding="stochastic", seed=seed, index_offset=999)
        assert np.array_equal(rest, whole[999:]) == same


@pytest.mark.parametrize("fmt", ["T{f:x:}", "Zf", "3s", "(2)f"])
def test_one_number_an_item(fmt):
    x = array("f", [1, 2])
    with pytest.raises(TypeError, match="one real number or time"):
        stridecast.encode(x, fmt)


def test_out_receives_a_broadcast_source():
    out = np.zeros((3, 2), ">f8")
    stridecast.decode(array("h", [1, 2]), None, scale=[1, 10, 100], axis=0, out=out)
    assert out.tolist() == [[1, 2], [10, 20], [100, 200]]
    with pytest.raises(ValueError, match="out has the format"):
        stridecast.decode(array("h", [1, 2]), "f", out=out)


def test_in_place_and_overlapping():
    memory = np.arange(8, dtype="i4")
    out = memory.view("f4")
    assert stridecast.decode(memory, "f", scale=0.5, out=out) is out
    assert out.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    with pytest.raises(BufferError, match="copy buf first"):
        stridecast.decode(memory, "f", out=out[::-1])


def test_plans_are_kept():
    stored = np.zeros(10, "i2")
    stridecast.clear_plan_cache()
    for scale in (1.0, 2.0, 1.0, 2.0):
        stridecast.decode(stored, "f", scale=scale)
    stats = stridecast.plan_cache_stats()
    assert (stats["hits"], stats["misses"]) == (2, 2)


def test_missing_times_beside_as_many_values_as_there_can_be():
    at = np.array([0, "NaT"], "M8[s]")
    got = stridecast.decode(at, "d", missing=list(range(100, 107))).tolist()
    assert got[0] == 0 and np.isnan(got[1])
    with pytest.raises(ValueError, match="at most 7"):
        stridecast.decode(at, "d", missing=list(range(100, 108)))


def test_nan_raises_on_its_way_to_a_time():
    nan = np.array([np.nan])
    for scale in (stridecast.decode, stridecast.encode):
        for overflow in (None, "saturate", "raise"):
            with pytest.raises(OverflowError, match="element 0"):
                scale(nan, np.dtype("M8[s]"), overflow=overflow, nan="raise")
