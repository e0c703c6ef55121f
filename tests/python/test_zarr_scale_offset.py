"""examples/zarr_codec: the Zarr codec scale_offset, as its specification says.

Compared with rational numbers, and bit for bit with zarr's own codec where zarr has one.
"""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from zarr_arrays import (
    CastValue,
    ScaleOffset,
    create,
    our_codecs,  # noqa: F401
    spec_of,
    stored,
    zarr,
    zarrs_own,
)
from zarr_rules import DTYPES, FLOATS, INTEGERS, cast_value, edges


@given(
    st.sampled_from(["f2", "f4", "f8", "i1", "u2", "i4", "u8"]).flatmap(
        lambda t: st.tuples(
            hnp.arrays(t, st.integers(1, 6)), *[hnp.from_dtype(np.dtype(t), allow_nan=False)] * 2
        )
    )
)
@example((np.array([-0.0], "f4"), np.float32(0), np.float32(2)))
@example((np.array([100], "i1"), np.int8(-100), np.int8(1)))
def test_scale_offset_is_bit_for_bit_zarrs(case):
    theirs = zarrs_own("ScaleOffset")
    x, offset, scale = case
    assume(scale != 0 and np.isfinite(float(offset)) and np.isfinite(float(scale)))
    assume(abs(int(scale)) != 1 or x.dtype.kind == "f")  # see the next test
    spec = spec_of(x.dtype, x.dtype.type(0))
    a, b = (c(offset=offset.item(), scale=scale.item()) for c in (ScaleOffset, theirs))
    assume(a.to_dict() != {"name": "scale_offset"})
    chunk = spec.prototype.nd_buffer.from_numpy_array(x)
    for step in ("_encode_sync", "_decode_sync"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                want = getattr(b, step)(chunk, spec).as_numpy_array()
            except ValueError:
                want = None
        if want is None:
            with pytest.raises(ValueError, match="scale_offset"):
                getattr(a, step)(chunk, spec)
            continue
        got = getattr(a, step)(chunk, spec).as_numpy_array()
        assert got.dtype == want.dtype
        assert np.array_equal(got, want, equal_nan=x.dtype.kind == "f")
        assert np.array_equal(np.signbit(got)[got == 0], np.signbit(want)[want == 0])


@given(
    st.sampled_from(INTEGERS).flatmap(
        lambda name: st.tuples(
            st.just(name),
            *[
                st.integers(
                    int(cast_value(-(2.0**70), name, "nearest-even", "clamp")),
                    int(cast_value(2.0**70, name, "nearest-even", "clamp")),
                )
            ]
            * 3,
        )
    )
)
@example(("int8", 100, -28, -1))  # 128 on the way to -128
def test_integers_stay_exact_or_raise(case):
    """Every step has to be in range: (x - offset), and its product; the quotient, and its sum."""
    name, x, offset, scale = case
    assume(scale != 0)
    dtype = DTYPES[name]
    codec, spec = ScaleOffset(offset=offset, scale=scale), spec_of(dtype, dtype.type(1))
    steps = (x - offset, (x - offset) * scale)
    inside = [cast_value(step, name, "nearest-even", None) for step in steps]
    array = np.array([x], np.uint64 if name == "uint64" else np.int64).astype(dtype)
    if None in inside:
        with pytest.raises(ValueError, match=f"which no {name} holds"):
            codec.encode_array(array, spec)
        return
    encoded = codec.encode_array(array, spec)
    assert encoded.dtype == dtype
    assert int(encoded[0]) == (x - offset) * scale
    assert int(codec.decode_array(encoded, spec)[0]) == x


@pytest.mark.parametrize(
    ("stored", "options", "says"),
    [
        (127, {"offset": 1}, "plus offset 1 is 128"),
        (-128, {"scale": -1}, "over scale -1 is 128"),
        (-128, {"offset": -1, "scale": -1}, "over scale -1 is 128"),  # and 127 after it
    ],
)
def test_stored_integers_out_of_range(stored, options, says):
    with pytest.raises(ValueError, match=says):
        ScaleOffset(**options).decode_array(np.array([stored], "i1"), spec_of("i1", np.int8(0)))


def test_integers_that_do_not_divide():
    codec, spec = ScaleOffset(scale=3), spec_of("i4", np.int32(0))
    with pytest.raises(ValueError, match="element 2, stored as 7, is no multiple of scale 3"):
        codec.decode_array(np.array([3, 6, 7], "i4"), spec)


@given(st.sampled_from(FLOATS), st.data())
def test_narrow_floats_round_after_every_step(name, data):
    """As if each operation were exact, and its result rounded to the array's type."""
    assume(name not in ("float32", "float64", "float8_e8m0fnu"))
    dtype = DTYPES[name]
    with np.errstate(over="ignore"):
        values = [x for x in edges("float64", name).astype(dtype) if np.isfinite(x)]
    x, offset, scale = (data.draw(st.sampled_from(values)) for _ in range(3))
    assume(scale != 0)
    codec, spec = ScaleOffset(offset=float(offset), scale=float(scale)), spec_of(dtype, 1.0)
    mode = "clamp" if np.isinf(np.array(np.inf).astype(dtype)) else None

    def exact(value):
        return cast_value(value, name, "nearest-even", mode)

    want = exact(Fraction(float(x)) - Fraction(float(offset)))
    assume(want is None or np.isfinite(want))
    want = None if want is None else exact(Fraction(want) * Fraction(float(scale)))
    if want is None:
        with pytest.raises(ValueError, match="has no infinity"):
            codec.encode_array(np.array([x]), spec)
    else:
        assert float(codec.encode_array(np.array([x]), spec)[0]) == want


def test_nothing_to_do_leaves_every_bit():
    x = np.array([-0.0, 1.0], "f4")
    codec, spec = ScaleOffset(), spec_of("f4", 0.0)
    assert codec.to_dict() == {"name": "scale_offset"}
    assert ScaleOffset.from_dict({"name": "scale_offset"}) == codec
    assert codec.decode_array(codec.encode_array(x, spec), spec).tobytes() == x.tobytes()


def test_offset_and_scale_are_of_the_arrays_type():
    with pytest.raises(
        ValueError, match=r"offset 0\.5 is no int32: the array's type has to hold it"
    ):
        zarr.create_array({}, shape=3, dtype="i4", filters=[ScaleOffset(offset=0.5)])
    with pytest.raises(ValueError, match="scale=0 would lose every value"):
        zarr.create_array({}, shape=3, dtype="i4", filters=[ScaleOffset(scale=0)])
    with pytest.raises(TypeError, match="is no scalar"):
        ScaleOffset(offset=[1])


def test_a_range_of_uint16_in_uint8():
    x = np.arange(1000, 1256).astype("u2")
    store, z = create(x, [ScaleOffset(offset=1000), CastValue(data_type="uint8")], fill_value=1000)
    assert stored(store, "u1").tolist() == list(range(256))
    assert np.array_equal(z[...], x)
    with pytest.raises(ValueError, match="the fill value 0 cannot be stored"):
        create(x, [ScaleOffset(offset=1000), CastValue(data_type="uint8")])
