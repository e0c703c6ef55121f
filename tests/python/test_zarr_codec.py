"""examples/zarr_codec: the Zarr codec cast_value, as its specification says.

Values are compared with zarr_rules.py, which is the specification in rational numbers, and with the
packages cast-value-rs, cast-value and zarr's own codec where they are installed.
"""

import json
import pickle
import re
import warnings
from importlib.metadata import version

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version
from zarr_arrays import (
    NUMPY_NAMES,
    CastValue,
    ScaleOffset,
    create,
    our_codecs,  # noqa: F401
    spec_of,
    stored,
    zarr,
    zarrs_own,
)
from zarr_rules import (
    DTYPES,
    FLOATS,
    INTEGERS,
    ROUNDINGS,
    cast_value,
    edges,
    is_tie_of_powers,
    number,
    same,
)
from zarr_stridecast.casting import cast

bfloat16 = DTYPES["bfloat16"]

# Every pair of types


def check(values, source, target, rounding, out_of_range):
    """What the rules give a meaning converts to it, and everything else raises."""
    options = {"rounding": rounding, "out_of_range": out_of_range}
    wanted = [cast_value(number(x), target, rounding, out_of_range) for x in values]
    sound = np.array([want is not None for want in wanted])
    got = cast(values[sound], DTYPES[target], **options)
    assert got.dtype == DTYPES[target]
    for x, want, y in zip(values[sound], (w for w in wanted if w is not None), got, strict=True):
        assert same(number(y), want), (x, y, want)
    for i in np.flatnonzero(~sound):
        with pytest.raises(OverflowError, match="element 0"):
            cast(values[i : i + 1], DTYPES[target], **options)


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize(
    "source", ["float64", "float32", "int64", "uint8", "bfloat16", "float8_e5m2", "int4"]
)
def test_edges_of_every_target(source, target):
    values = edges(source, target)
    for rounding in ROUNDINGS:
        plain = [x for x in values if not is_tie_of_powers(number(x), target, rounding)]
        for out_of_range in (None, "clamp", "wrap") if target in INTEGERS else (None, "clamp"):
            check(np.array(plain, values.dtype), source, target, rounding, out_of_range)


@st.composite
def casts(draw, names):
    """Values of any type, the target, and the options."""
    source, target = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    dtype = DTYPES[source]
    known = edges(source, target)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    top = {"int2": 3, "uint2": 3, "int4": 15, "uint4": 15, "float4_e2m1fn": 15}.get(source, 63)
    few = source in INTEGERS[:2] + INTEGERS[6:8] or source[:6] in ("float4", "float6")
    any_bits = st.integers(0, top if few else np.iinfo(unsigned).max)
    random = np.array(draw(st.lists(any_bits, max_size=8)), unsigned).view(dtype)
    chosen = draw(st.lists(st.integers(0, len(known) - 1), min_size=1, max_size=8))
    values = np.concatenate([known[chosen], random])
    modes = [None, "clamp", "wrap"] if target in INTEGERS else [None, "clamp"]
    return values, source, target, draw(st.sampled_from(ROUNDINGS)), draw(st.sampled_from(modes))


@given(casts(list(DTYPES)))
def test_any_value_of_any_type(case):
    values, source, target, rounding, out_of_range = case
    assume(not any(is_tie_of_powers(number(x), target, rounding) for x in values))
    check(values, source, target, rounding, out_of_range)


@st.composite
def maps(draw, values, target):
    """Scalar map entries whose keys are often there."""
    keys = st.sampled_from(list(values))
    with np.errstate(over="ignore"):
        known = edges("int64", target).astype(DTYPES[target])
    results = st.sampled_from(list(known))
    return draw(st.lists(st.tuples(keys, results), max_size=3))


@given(casts(NUMPY_NAMES), st.data())
def test_the_same_as_cast_value_rs(case, data):
    rs = pytest.importorskip("cast_value_rs")
    if Version(version("cast-value-rs")) < Version("0.5.1"):
        pytest.skip("cast-value-rs before 0.5.1 errs where rounding meets the end of the range")
    values, _, target, rounding, out_of_range = case
    pairs = data.draw(maps(values, target))
    for part in (values, *np.split(values, len(values))):
        try:
            want = rs.cast_array(
                part,
                target_dtype=target,
                rounding_mode=rounding,
                out_of_range_mode=out_of_range,
                scalar_map_entries=[(number(k), number(v)) for k, v in pairs],
            )
        except ValueError:
            want = None
        options = {"rounding": rounding, "out_of_range": out_of_range, "pairs": pairs}
        if want is None:
            with pytest.raises(OverflowError):
                cast(part, DTYPES[target], **options)
        else:
            got = cast(part, DTYPES[target], **options)
            assert all(same(number(a), number(b)) for a, b in zip(got, want, strict=True))


@given(casts(NUMPY_NAMES))
def test_the_same_as_cast_value_where_that_converts(case):
    package = pytest.importorskip("cast_value")
    values, source, target, rounding, out_of_range = case
    # cast-value 0.2 compares int64 in float64 under these, and adds 0.5 before it floors.
    assume(not (source in ("int64", "uint64") and target in FLOATS and rounding != ROUNDINGS[0]))
    assume(not (source == "float64" and target in INTEGERS and rounding == "nearest-away"))
    for x in np.split(values, len(values)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                want = package.cast_array(
                    x,
                    target_dtype=DTYPES[target],
                    rounding_mode=rounding,
                    out_of_range_mode=out_of_range,
                )
        except (ValueError, FloatingPointError, OverflowError, RuntimeWarning):
            continue  # it refuses more than the specification does, such as clamping to infinity
        got = cast(x, DTYPES[target], rounding=rounding, out_of_range=out_of_range)
        assert same(number(got[0]), number(want[0]))


# The specification's own examples and sentences


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        ("nearest-even", [2, 2, -2, -2, 3, -3, 2, 0]),
        ("towards-zero", [1, 2, -1, -2, 2, -2, 1, 0]),
        ("towards-positive", [2, 3, -1, -2, 3, -2, 2, 1]),
        ("towards-negative", [1, 2, -2, -3, 2, -3, 1, 0]),
        ("nearest-away", [2, 3, -2, -3, 3, -3, 2, 0]),
    ],
)
def test_roundings(rounding, wanted):
    values = np.array([1.5, 2.5, -1.5, -2.5, 2.6, -2.6, 1.6, 0.49999999999999994])
    codec = CastValue(data_type="int8", rounding=rounding)
    store, _ = create(values, [codec])
    assert stored(store, "i1").tolist() == wanted


@pytest.mark.parametrize(
    ("value", "target", "out_of_range", "wanted"),
    [
        (128.0, "int8", None, None),
        (128.0, "int8", "clamp", 127),
        (128.0, "int8", "wrap", -128),
        (32768.0, "int16", "wrap", -32768),
        (32769.0, "int16", "wrap", -32767),
        (-32769.0, "int16", "wrap", 32767),
        (127.5, "int8", None, None),  # rounding comes first, and makes it 128
        (127.4, "int8", None, 127),
        (1e6, "float16", "clamp", np.inf),
        (1e6, "float16", None, None),
        (65519.0, "float16", None, 65504),  # in range after rounding
        (1e6, "float8_e4m3fnuz", "clamp", 240),  # has no infinity
        (np.inf, "float16", None, np.inf),
        (np.inf, "int8", "clamp", None),
        (np.nan, "int8", "clamp", None),
        (np.nan, "int8", "wrap", None),
        (np.nan, "float4_e2m1fn", "clamp", None),
        (np.inf, "float8_e4m3fnuz", "clamp", None),
        (2.0**63 + 2**11, "int16", "wrap", 2048),
        (-1e300, "uint8", "wrap", 0),
    ],
)
def test_out_of_range(value, target, out_of_range, wanted):
    codec = CastValue(data_type=target, out_of_range=out_of_range)
    if wanted is None:
        with pytest.raises(ValueError, match=f"encode float64 to {target}: element 0"):
            create(np.array([value]), [codec])
    else:
        store, _ = create(np.array([value]), [codec])
        assert float(stored(store, DTYPES[target])[0]) == wanted


def test_minus_zero_stays():
    store, _ = create(np.array([-0.0]), [CastValue(data_type="bfloat16")])
    assert np.signbit(stored(store, bfloat16).astype(float)).all()


def test_numpys_casts_as_a_configuration():
    zero = {"encode": [["NaN", 0], ["+Infinity", 0], ["-Infinity", 0]]}
    codec = CastValue(
        data_type="uint8", rounding="towards-zero", out_of_range="wrap", scalar_map=zero
    )
    store, _ = create(np.array([np.nan, np.inf, -np.inf, 257.9, -1.9]), [codec])
    assert stored(store, "u1").tolist() == [0, 0, 0, 1, 255]


# The scalar map


def test_missing_values_in_uint8():
    x = np.array([0, 100, np.nan, 2540.0])
    filters = [
        ScaleOffset(offset=-10, scale=0.1),
        CastValue(data_type="uint8", scalar_map={"encode": [["NaN", 0]], "decode": [[0, "NaN"]]}),
    ]
    store, z = create(x, filters, fill_value="NaN")
    assert stored(store, "u1").tolist() == [1, 11, 0, 255]
    assert np.array_equal(z[...], [0, 100, np.nan, 2540], equal_nan=True)


@pytest.mark.parametrize("size", [5, 100_005])
def test_the_map_comes_before_everything_else(size):
    """Keys that no cast takes, values that none would give; the first of equal keys counts."""
    pairs = [["NaN", 9], ["Infinity", 7], [1e300, 5], [2.5, -1], [2.5, -2]]
    pairs += [["0x7ff8000000000001", 3]]
    values = np.tile([np.nan, np.inf, 1e300, 2.5, 4], size // 5 + 1)[:size]
    codec = CastValue(data_type="int8", scalar_map={"encode": pairs})
    store, _ = create(values, [codec])
    assert np.array_equal(stored(store, "i1"), np.tile([9, 7, 5, -1, 4], size // 5 + 1)[:size])
    values[-1] = -np.inf
    with pytest.raises(ValueError, match=rf"element {size - 1}: .*scalar_map\['encode'\]"):
        create(values, [codec])


@pytest.mark.parametrize("order", ["F", "C", "strided"])
def test_the_map_in_any_layout(order):
    x = np.arange(4000.0).reshape(4, 1000) % 100
    view = x[:, ::-2] if order == "strided" else np.asarray(x, order=order)
    got = cast(view, np.dtype("i1"), pairs=[(np.float64(7), np.int8(-7))])
    assert np.array_equal(got, np.where(view == 7, -7, view))


def test_the_map_is_exact_for_large_integers():
    big = 2**53 + 1
    codec = CastValue(data_type="int64", scalar_map={"encode": [[big, 1]], "decode": [[1, big]]})
    values = np.array([big, big - 1, big + 1, 2**63 - 1], "u8")
    store, z = create(values, [codec])
    assert stored(store, "i8").tolist() == [1, big - 1, big + 1, 2**63 - 1]
    assert z[...].tolist() == values.tolist()


def test_zero_and_nan_keys_take_every_zero_and_nan():
    nans = np.array([0x7FC00000, 0xFFC00000, 0x7F800001, 0, 0x80000000], "u4").view("f4")
    codec = CastValue(data_type="int8", scalar_map={"encode": [["NaN", 1], [0, 2]]})
    store, _ = create(nans, [codec], fill_value=5)
    assert stored(store, "i1").tolist() == [1, 1, 1, 2, 2]


def test_values_of_the_map_by_their_bits():
    payload = "0x7f81"
    codec = CastValue(data_type="bfloat16", scalar_map={"encode": [[1, payload]]})
    store, _ = create(np.array([1.0, 2.0]), [codec])
    assert stored(store, "u2").tolist() == [0x7F81, 0x4000]


def test_maps_as_dicts_and_numbers():
    lists = CastValue(data_type="int8", scalar_map={"encode": [["NaN", 1], ["-Infinity", 2]]})
    dicts = CastValue(
        data_type=np.int8, scalar_map={"encode": {np.nan: np.int8(1), -np.inf: np.int64(2)}}
    )
    assert lists == dicts
    assert hash(lists) == hash(dicts)
    json.dumps(dicts.to_dict(), allow_nan=False)


# Metadata


@pytest.mark.parametrize(
    "configuration",
    [
        {"data_type": "uint8"},
        {"data_type": "int4", "rounding": "towards-zero", "out_of_range": "wrap"},
        {"data_type": "bfloat16", "out_of_range": "clamp"},
        {"data_type": "int16", "scalar_map": {"encode": [["NaN", -1]], "decode": [[-1, "NaN"]]}},
        {"data_type": "float32", "scalar_map": {"encode": []}},
    ],
)
def test_configurations_round_trip(configuration):
    data = {"name": "cast_value", "configuration": configuration}
    codec = CastValue.from_dict(json.loads(json.dumps(data)))
    assert codec.to_dict() == data
    assert pickle.loads(pickle.dumps(codec)) == codec
    assert CastValue.from_dict(codec.to_dict()) == codec


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"data_type": "uint8", "rounding": "up"}, "choose one of nearest-even"),
        ({"data_type": "uint8", "out_of_range": "saturate"}, "choose clamp or wrap"),
        ({"data_type": "float32", "out_of_range": "wrap"}, "use 'clamp'"),
        ({"data_type": "bool"}, "integers and floats only"),
        ({"data_type": "complex64"}, "integers and floats only"),
        ({"data_type": "uint8", "scalar_map": {"encode": [["NaN"]]}}, "no .from, to. pair"),
        ({"data_type": "uint8", "scalar_map": {"both": []}}, "no option 'both'"),
    ],
)
def test_configurations_that_make_no_sense(options, says):
    with pytest.raises(ValueError, match=says):
        CastValue(**options)


@pytest.mark.parametrize(
    ("scalar_map", "says"),
    [
        ({"encode": [["NaN", 256]]}, "value 256 is no uint8"),
        ({"encode": [["NaN", "NaN"]]}, "value 'NaN' is no uint8"),
        ({"encode": [["one", 1]]}, "key 'one' is no float32"),
        ({"decode": [[-1, 1.0]]}, "key -1 is no uint8"),
    ],
)
def test_maps_that_do_not_fit_the_types(scalar_map, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        create(np.zeros(3, "f4"), [CastValue(data_type="uint8", scalar_map=scalar_map)])


def test_options_of_a_later_version_are_refused():
    configuration = {"data_type": "uint8", "dither": True}
    with pytest.raises(ValueError, match="no option 'dither'"):
        CastValue.from_dict({"name": "cast_value", "configuration": configuration})
    with pytest.raises(ValueError, match="no option 'bias'"):
        ScaleOffset.from_dict({"name": "scale_offset", "configuration": {"bias": 1}})
    with pytest.raises(ValueError, match="needs 'data_type'"):
        CastValue.from_dict({"name": "cast_value", "configuration": {}})


def test_arrays_that_are_no_numbers_are_refused():
    for codec in (CastValue(data_type="uint8"), ScaleOffset(scale=2)):
        with pytest.raises(ValueError, match="cannot read bool"):
            zarr.create_array({}, shape=3, dtype=bool, filters=[codec])


def test_the_fill_value_is_cast_with_the_elements():
    missing = {"encode": [["NaN", 255]], "decode": [[255, "NaN"]]}
    codec = CastValue(data_type="uint8", scalar_map=missing)
    spec = codec.resolve_metadata(spec_of("f4", np.float32(np.nan)))
    assert spec.fill_value == np.uint8(255)
    assert spec.fill_value.dtype == np.uint8
    assert spec.dtype.to_native_dtype() == np.uint8
    assert codec.compute_encoded_size(400, spec_of("f4", 0)) == 100
    shifted = ScaleOffset(offset=5, scale=2).resolve_metadata(spec_of("i2", np.int16(7)))
    assert shifted.fill_value == 4


@pytest.mark.parametrize(
    ("fill", "says"),
    [
        (np.nan, "the fill value nan cannot be stored"),
        (300, "the fill value 300.0 cannot be stored"),
        (0.5, "is stored as 0 and would come back as 0.0: choose one that uint8 holds"),
    ],
)
def test_fill_values_that_do_not_come_back_are_refused(fill, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        CastValue(data_type="uint8").resolve_metadata(spec_of("f8", fill))


# Beside zarr's own codec


@pytest.mark.parametrize("target", ["int8", "uint16", "float16", "float64"])
def test_stored_bytes_are_those_of_zarrs_codec(target):
    pytest.importorskip("cast_value_rs")
    options = {"data_type": target, "out_of_range": "clamp", "rounding": "towards-negative"}
    options["scalar_map"] = {"encode": [["NaN", 1], ["Infinity", 2]], "decode": [[1, 3]]}
    theirs = zarrs_own("CastValue")(**options)
    x = np.array([np.nan, np.inf, -1e9, -2.5, 2.5, 1, 70000.5], "f4")
    (a, z), (b, w) = create(x, [CastValue(**options)]), create(x, [theirs])
    assert a["c/0"].to_bytes() == b["c/0"].to_bytes()
    assert np.array_equal(z[...], w[...], equal_nan=True)
    assert json.loads(a["zarr.json"].to_bytes()) == json.loads(b["zarr.json"].to_bytes())
