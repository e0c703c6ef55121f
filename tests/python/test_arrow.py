"""Arrow arrays in and out, beside pyarrow: which type is which, what is copied, nulls."""

import datetime

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stridecast as sc

pa = pytest.importorskip("pyarrow")

DAY = datetime.date(2020, 2, 29)


def label(value):
    """What a test's name says of a parameter."""
    return str(getattr(value, "dtype", getattr(value, "type", value)))[:24]


def times(dtype, *values):
    return np.array([np.datetime64("NaT") if v is None else v for v in values], "q").view(dtype)


# Format, values as NumPy has them, the Arrow type, and whether both lie in the same memory.
SAME = [
    ("b", np.array([-128, 0, 127], "i1"), "int8", True),
    ("h", np.array([-(2**15), 0, 7], "i2"), "int16", True),
    ("i", np.array([-(2**31), 0, 7], "i4"), "int32", True),
    ("q", np.array([-(2**63), 0, 7], "i8"), "int64", True),
    ("B", np.array([0, 255], "u1"), "uint8", True),
    ("H", np.array([0, 2**16 - 1], "u2"), "uint16", True),
    ("I", np.array([0, 2**32 - 1], "u4"), "uint32", True),
    ("Q", np.array([0, 2**64 - 1], "u8"), "uint64", True),
    ("e", np.array([0.5, np.inf], "f2"), "float16", True),
    ("f", np.array([0.1, -np.inf], "f4"), "float32", True),
    ("d", np.array([0.1, -0.0], "f8"), "float64", True),
    ("?", np.array([True, False, True] * 7), "bool_", False),
    ("[numpy$datetime64$s]", np.array([-1, 2**40], "M8[s]"), "timestamp:s", True),
    ("[numpy$datetime64$ms]", np.array([-1, 2**40], "M8[ms]"), "timestamp:ms", True),
    ("[numpy$datetime64$us]", np.array([-1, 2**40], "M8[us]"), "timestamp:us", True),
    ("[numpy$datetime64$ns]", np.array([-1, 2**40], "M8[ns]"), "timestamp:ns", True),
    ("[numpy$datetime64$D]", np.array([-(2**31), 2**31 - 1], "M8[D]"), "date32", False),
    ("[numpy$timedelta64$s]", np.array([-1, 2**40], "m8[s]"), "duration:s", True),
    ("[numpy$timedelta64$ms]", np.array([-1, 2**40], "m8[ms]"), "duration:ms", True),
    ("[numpy$timedelta64$us]", np.array([-1, 2**40], "m8[us]"), "duration:us", True),
    ("[numpy$timedelta64$ns]", np.array([-1, 2**40], "m8[ns]"), "duration:ns", True),
    ("3x", np.array([b"ab\0", b"\0\0c"], "V3"), "binary:3", True),
    ("(2)f", np.arange(6, dtype="f4").reshape(3, 2), "list:float32:2", True),
    ("(2)?", np.array([[True, False], [False, False]]), "list:bool_:2", False),
]


def arrow_type(text):
    kind, *rest = text.split(":")
    if kind in ("timestamp", "duration"):
        return getattr(pa, kind)(rest[0])
    if kind == "binary":
        return pa.binary(int(rest[0]))
    if kind == "list":
        return pa.list_(arrow_type(rest[0]), int(rest[1]))
    return getattr(pa, kind)()


def address_of(array):
    return pa.array(array).buffers()[-1].address


def buffer_of(fmt, values):
    return sc.Buffer(values.reshape(-1)).view(fmt) if values.ndim > 1 else sc.Buffer(values)


@pytest.mark.parametrize(("fmt", "values", "name", "zero_copy"), SAME, ids=label)
def test_the_table_of_types_in_both_directions(fmt, values, name, zero_copy):
    b = buffer_of(fmt, values)
    assert b.format == sc.Format(fmt)
    array = pa.array(b)
    array.validate(full=True)
    assert array.type == arrow_type(name)
    assert array.null_count == 0
    assert (address_of(b) == values.ctypes.data) is zero_copy

    back = sc.Buffer(array)
    assert back.format == sc.Format(fmt)
    assert back.numpy().tobytes() == values.tobytes()
    assert back.readonly is zero_copy
    if zero_copy:
        assert back.numpy().ctypes.data == values.ctypes.data
    # And without us: what pyarrow makes of the same values.
    if values.ndim == 1 and values.dtype.kind != "V":
        assert array.equals(pa.array(values))


ONLY_IN = [
    (pa.array([0, 86400000], pa.date64()), "[numpy$datetime64$ms]", [0, 86400000], True),
    (pa.array([1, 2], pa.time32("s")), "[numpy$timedelta64$s]", [1, 2], False),
    (pa.array([1, -2], pa.time32("ms")), "[numpy$timedelta64$ms]", [1, -2], False),
    (pa.array([1, 2], pa.time64("us")), "[numpy$timedelta64$us]", [1, 2], True),
    (pa.array([1, 2], pa.time64("ns")), "[numpy$timedelta64$ns]", [1, 2], True),
    # The values are UTC whatever the zone, which is left out.
    (pa.array([1, 2], pa.timestamp("us", "UTC")), "[numpy$datetime64$us]", [1, 2], True),
    (pa.array([1, 2], pa.timestamp("s", "Europe/Paris")), "[numpy$datetime64$s]", [1, 2], True),
    (pa.array([DAY, None], pa.date32()), "[numpy$datetime64$D]", [18321, -(2**63)], False),
]


@pytest.mark.parametrize(("array", "fmt", "integers", "zero_copy"), ONLY_IN, ids=label)
def test_types_that_leave_as_others(array, fmt, integers, zero_copy):
    b = sc.Buffer(array)
    assert b.format == sc.Format(fmt)
    assert b.view("q").tolist() == integers
    assert b.readonly is zero_copy


@pytest.mark.parametrize("kind", ["S", "V"])
def test_bytes_leave_as_fixed_size_binary(kind):
    array = pa.array(sc.Buffer(np.array([b"ab", b"c"], f"{kind}2")))
    assert array.type == pa.binary(2)
    assert array.to_pylist() == [b"ab", b"c\0"]
    assert pa.array(sc.Buffer(b"ab").view("c")).to_pylist() == [b"a", b"b"]


NULLS = [
    (pa.float16(), np.float16(np.nan)),
    (pa.float32(), np.float32(np.nan)),
    (pa.float64(), np.float64(np.nan)),
    (pa.timestamp("ns"), np.datetime64("NaT", "ns")),
    (pa.timestamp("s", "UTC"), np.datetime64("NaT", "s")),
    (pa.date32(), np.datetime64("NaT", "D")),
    (pa.date64(), np.datetime64("NaT", "ms")),
    (pa.time32("ms"), np.timedelta64("NaT", "ms")),
    (pa.time64("ns"), np.timedelta64("NaT", "ns")),
    (pa.duration("us"), np.timedelta64("NaT", "us")),
]


@pytest.mark.parametrize(("type", "missing"), NULLS, ids=str)
@pytest.mark.parametrize("start", [0, 1, 7, 8, 9, 70])
def test_nulls_become_nan_or_nat(type, missing, start):
    valid = np.random.default_rng(start).random(200) < 0.7
    numbers = np.arange(200) + 5
    storage = pa.int64() if type.bit_width == 64 else pa.int32()
    if pa.types.is_floating(type):
        whole = pa.array(numbers.astype(missing.dtype), mask=~valid)
    else:
        whole = pa.array(numbers, storage, mask=~valid).view(type)
    array = whole.slice(start, 100)
    valid, numbers = valid[start : start + 100], numbers[start : start + 100]
    b = sc.Buffer(array)
    expected = numbers.astype("q").astype(missing.dtype)
    expected[~valid] = missing
    np.testing.assert_array_equal(b.numpy(), expected)
    assert not b.readonly
    assert array.null_count == (~valid).sum()  # the source is untouched


def test_a_slice_without_its_nulls_is_not_copied():
    array = pa.array([None, 1.0, 2.0, 3.0]).slice(1)
    b = sc.Buffer(array)
    assert b.readonly and b.tolist() == [1, 2, 3]
    assert b.numpy().ctypes.data == array.buffers()[1].address + 8


@pytest.mark.parametrize("type", [pa.int8(), pa.uint64(), pa.bool_(), pa.binary(2)], ids=str)
def test_nulls_of_types_without_a_value_for_them(type):
    value = {pa.bool_(): True, pa.binary(2): b"ab"}.get(type, 1)
    array = pa.array([value, value, None, value, None], type)
    advice = {pa.bool_(): r"\.fill_null\(False\)", pa.binary(2): r"\.drop_null\(\)"}.get(
        type, r"\.fill_null\(0\)"
    )
    message = rf"buf: 2 items .* are null, the first at index 2.*{advice} does$"
    with pytest.raises(ValueError, match=message):
        sc.convert(array, "?")
    assert sc.Buffer(array.slice(0, 2)).size == 2
    with pytest.raises(ValueError, match=r"1 item .* is null, the first at index 0"):
        sc.Buffer(array.slice(4))


@pytest.mark.parametrize("start", [0, 1, 3, 8, 13])
def test_bools_from_any_bit_on(start):
    values = np.random.default_rng(1).random(300) < 0.5
    b = sc.Buffer(pa.array(values).slice(start, 200))
    assert b.format == sc.Format("?")
    np.testing.assert_array_equal(b.numpy(), values[start : start + 200])
    assert pa.array(b).equals(pa.array(values[start : start + 200]))


def test_any_byte_but_zero_leaves_as_true():
    b = sc.Buffer(bytes([0, 1, 2, 255])).view("?")
    assert pa.array(b).to_pylist() == [False, True, True, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "D"])
@pytest.mark.parametrize("order", "<>")
def test_nat_leaves_as_null(unit, order):
    values = np.array([1, 2, 3] * 30, f"{order}M8[{unit}]")
    values[::7] = "NaT"
    array = pa.array(sc.Buffer(values))
    array.validate(full=True)
    assert array.null_count == 13
    assert array.equals(pa.array(values.astype(f"M8[{unit}]")))
    np.testing.assert_array_equal(sc.Buffer(array).numpy(), values)
    if unit != "D" and order == "<":  # the bitmap is new, the values are not
        assert array.buffers()[1].address == values.ctypes.data


def test_dates_beyond_32_bits():
    days = times("M8[D]", 1, 2**31)
    with pytest.raises(OverflowError, match=r"32-bit.* element 1: 2147483648"):
        pa.array(sc.Buffer(days))
    structs = np.zeros(2, [("t", "M8[D]")])
    structs["t"] = days
    with pytest.raises(OverflowError, match="field 't'"):
        pa.array(sc.Buffer(structs))


REFUSED_IN = [
    (pa.array(["a"]), "string .*to_pylist"),
    (pa.array(["a"], pa.large_string()), "large_string"),
    (pa.array(["a"], pa.string_view()), "string_view"),
    (pa.array([b"a"]), "type binary .*fixed_size_binary"),
    (pa.array([b"a"], pa.large_binary()), "large_binary"),
    (pa.array([b"a"], pa.binary_view()), "binary_view"),
    (pa.array([1], pa.decimal128(5, 2)), "decimal .*float64"),
    (pa.array([1], pa.decimal256(50, 2)), "decimal"),
    (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "interval"),
    (pa.array([[1]]), "type list .*fixed-size list"),
    (pa.array([[1]], pa.large_list(pa.int8())), "large_list"),
    (pa.array([[1]], pa.list_view(pa.int8())), "list_view"),
    (pa.array([[(1, 2)]], pa.map_(pa.int8(), pa.int8())), "map"),
    (pa.UnionArray.from_sparse(pa.array([0], "i1"), [pa.array([1])]), "sparse union"),
    (pa.UnionArray.from_dense(pa.array([0], "i1"), pa.array([0], "i4"), [pa.array([1])]), "dense"),
    (pa.RunEndEncodedArray.from_arrays([2], [1]), "run-end"),
    (pa.nulls(2), "null .*cast"),
    (pa.array(["a"]).dictionary_encode(), "dictionary-encoded.*dictionary_decode"),
    (pa.chunked_array([[1], [2]]), "stream .*combine_chunks"),
    (pa.table({"a": [1]}), "stream"),
    (pa.array([{}], pa.struct([])), "no fields"),
    (pa.array([{"a": 1, "b": "x"}]), "string .*field 'b'"),
    (pa.array([{"a:b": 1}]), "'a:b' cannot name a field"),
    (pa.array([{"": 1}]), "cannot name a field"),
    (pa.array([[b"ab"]], pa.list_(pa.binary(2), 1)), "list of fixed-size binaries"),
    (pa.StructArray.from_arrays([[1], [2]], ["a", "a"]), "have the name 'a'"),
]


@pytest.mark.parametrize(("array", "message"), REFUSED_IN, ids=label)
def test_arrow_types_without_a_format(array, message):
    if isinstance(array, pa.Table):
        array = array.column(0)
    with pytest.raises(TypeError, match=message):
        sc.Buffer(array)


REFUSED_OUT = [
    (np.array([1], ml_dtypes.bfloat16), r"'E': convert it to 'f', .*\.view\(\"H\"\)"),
    (np.array([1], ml_dtypes.float8_e5m2), r"float8_e5m2.*\.view\(\"B\"\)"),
    (np.array([1], "c8"), r"'Zf'.*\.view\(\"\(2\)f\"\)"),
    (np.array([1], "c16"), r"'Zd'.*\.view\(\"\(2\)d\"\)"),
    (np.array([1], "g"), r"'g'.*\.view"),
    (np.array(["a"]), r"pyarrow.array\(buf.tolist\(\)\)"),
    (np.array([1], "M8[h]"), r"M8\[s\]"),
    (np.array([1], "M8[W]"), r"M8\[D\]"),
    (np.array([1], "M8[M]"), r"M8\[D\]"),
    (np.array([1], "M8[25us]"), r"datetime64\$25us.*M8\[us\]"),
    (np.array([1], "M8[ps]"), "nothing is finer than ns"),
    (np.zeros(1, "M8"), "no unit"),
    (np.array([1], "m8[D]"), r"m8\[s\]"),
    (np.array([1], "m8[Y]"), "differ in length"),
    (np.zeros(1, [("a", "i4"), ("b", "c8")]), "field 'b': Arrow has no type"),
    (np.zeros(1, [("a", [("b", "M8[h]")])]), r"field 'a\.b': Arrow has no type"),
]


@pytest.mark.parametrize(("array", "message"), REFUSED_OUT, ids=label)
def test_formats_without_an_arrow_type(array, message):
    b = sc.Buffer(array)
    with pytest.raises(TypeError, match=message):
        b.__arrow_c_array__()
    with pytest.raises(TypeError, match=message):
        b.__arrow_c_schema__()


def test_the_ways_out_that_messages_name():
    x = np.array([1, 2.5], ml_dtypes.bfloat16)
    assert pa.array(sc.Buffer(x).view("H")).type == pa.uint16()
    assert pa.array(sc.convert(x, "f")).to_pylist() == [1, 2.5]
    assert pa.array(sc.Buffer(np.array([1 + 2j])).view("(2)d")).to_pylist() == [[1, 2]]
    hours = sc.Buffer(np.array([1], "M8[h]"))
    assert pa.array(sc.Buffer(hours.numpy().astype("M8[s]"))).cast(pa.int64()).to_pylist() == [3600]


def test_shapes_that_no_arrow_array_has():
    with pytest.raises(ValueError, match="0 dimensions"):
        sc.Buffer(np.array(1)).__arrow_c_array__()
    with pytest.raises(ValueError, match="0 dimensions"):
        sc.Buffer(np.array(1)).__arrow_c_schema__()
    with pytest.raises(ValueError, match="no items"):
        sc.Buffer(np.zeros((2, 0))).__arrow_c_array__()
    with pytest.raises(TypeError, match="no name"):
        sc.Buffer(b"abcd").view("hh").__arrow_c_array__()


def test_dimensions_become_lists():
    x = np.arange(24, dtype="i2").reshape(2, 3, 4)
    for view in (x, x[:, ::-1], x.transpose(2, 0, 1), x[:0]):
        array = pa.array(sc.Buffer(view))
        array.validate(full=True)
        assert array.to_pylist() == view.tolist()
        assert sc.Buffer(array).numpy().tolist() == view.tolist()
    assert pa.array(sc.Buffer(x)).flatten().flatten().buffers()[1].address == x.ctypes.data


@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_strides(step):
    for dtype in ("i4", ">i4", "?", ">f8", "M8[us]", "M8[D]", "S3"):
        x = np.arange(50).astype("i8").astype(dtype)[::step]
        assert pa.array(sc.Buffer(x)).equals(pa.array(x.astype(x.dtype.newbyteorder("=")))) or (
            x.dtype.kind == "S"
            and pa.array(sc.Buffer(x)).to_pylist() == [v.ljust(3, b"\0") for v in x.tolist()]
        )


def test_rows_stored_by_pointers():
    testbuffer = pytest.importorskip("_testbuffer")
    pointers = testbuffer.ndarray(
        list(range(12)), shape=[3, 4], format="i", flags=testbuffer.ND_PIL
    )
    assert sc.Buffer(pointers).suboffsets
    assert pa.array(sc.Buffer(pointers)).to_pylist() == np.arange(12).reshape(3, 4).tolist()


RECORD = np.dtype(
    [
        ("a", "f4", (2, 3)),
        ("b", "M8[us]"),
        ("c", "?"),
        ("n", [("d", ">i2"), ("e", "M8[D]"), ("s", "S2")]),
        ("l", [("x", "f8"), ("y", "?")], 2),
    ],
    align=True,
)


def records(n):
    x = np.zeros(n, RECORD)
    rng = np.random.default_rng(n)
    x["a"] = rng.random((n, 2, 3))
    x["b"] = rng.integers(0, 2**40, n)
    x["c"] = rng.random(n) < 0.5
    x["n"]["d"] = np.arange(n)
    x["n"]["e"] = rng.integers(0, 2**14, n)
    x["n"]["s"] = b"xy"
    x["l"]["x"] = rng.random((n, 2))
    x["l"]["y"] = rng.random((n, 2)) < 0.5
    x["b"][::3] = "NaT"
    x["n"]["e"][::5] = "NaT"
    return x


@pytest.mark.parametrize("n", [0, 1, 100, 5000])
def test_structs_become_columns_and_again_records(n):
    x = records(n)
    array = pa.array(sc.Buffer(x))
    array.validate(full=True)
    assert array.type == pa.struct(
        [
            ("a", pa.list_(pa.list_(pa.float32(), 3), 2)),
            ("b", pa.timestamp("us")),
            ("c", pa.bool_()),
            ("n", pa.struct([("d", pa.int16()), ("e", pa.date32()), ("s", pa.binary(2))])),
            ("l", pa.list_(pa.struct([("x", pa.float64()), ("y", pa.bool_())]), 2)),
        ]
    )
    assert array.field("b").null_count == (n + 2) // 3
    for start in (0, 1, 9):
        back = sc.Buffer(array.slice(start)).numpy()
        for name in RECORD.names:
            compare(back[name], x[name][start:])


def test_structs_are_packed_records():
    array = pa.array([{"a": True, "b": 1.5}, {"a": False, "b": None}])
    b = sc.Buffer(array)
    assert str(b.format) == "^T{?:a:d:b:}"
    assert b.itemsize == 9 and not b.readonly
    assert b.field("a").tolist() == [True, False]
    assert np.isnan(b.field("b").tolist()[1])


def test_nulls_of_structs_and_lists_are_those_of_their_items():
    struct = pa.array([{"a": 1.0}, None, {"a": None}, {"a": 4.0}])
    np.testing.assert_array_equal(sc.Buffer(struct).field("a").numpy(), [1, np.nan, np.nan, 4])
    lists = pa.array([None, [1.0, None], None, [3.0, 4.0]], pa.list_(pa.float64(), 2)).slice(1)
    np.testing.assert_array_equal(sc.Buffer(lists).numpy(), [[1, np.nan], [np.nan, np.nan], [3, 4]])


def test_the_format_alone():
    class Typed:
        def __init__(self, b):
            self.b = b

        def __arrow_c_schema__(self):
            return self.b.__arrow_c_schema__()

    b = sc.Buffer(np.zeros((2, 3), [("a", "i4"), ("t", "M8[D]")]))
    assert pa.field(Typed(b)).type == pa.array(b).type
    assert pa.array(b).type.value_field.name == "item"


def test_operations_take_arrow_arrays():
    array = pa.array([1.0, 2.5, None])
    assert sc.convert(array, "E").tolist()[:2] == [1, 2.5]
    assert sc.Format.of(array) == sc.Format("d")
    assert sc.asarray(array).dtype == np.float64
    batch = pa.record_batch({"x": [1, 2], "y": [0.5, None]})
    assert str(sc.Format.of(batch)) == "^T{q:x:d:y:}"
    joined = sc.join({"a": pa.array([1, 2]), "b": pa.array([True, False])})
    assert joined.tolist() == [(1, True), (2, False)]
    out = np.zeros(2, "i4")
    sc.convert(pa.array([7, 8]), None, out=out)
    assert out.tolist() == [7, 8]
    with pytest.raises(BufferError, match="out is read-only: Arrow"):
        sc.convert(out, None, out=array)


def test_big_arrays_go_through_threads():
    n = 300_000
    valid = np.random.default_rng(0).random(n) < 0.5
    array = pa.array(np.arange(n, dtype="i4"), mask=~valid).view(pa.date32())
    b = sc.Buffer(array)
    expected = np.arange(n).astype("M8[D]")
    expected[~valid] = "NaT"
    np.testing.assert_array_equal(b.numpy(), expected)
    assert pa.array(b).equals(array)


ELEMENTS = [
    "?",
    "i1",
    "u2",
    "<i4",
    ">i4",
    "<u8",
    "f2",
    ">f4",
    "f8",
    "S3",
    "V2",
    "M8[us]",
    ">m8[ns]",
]


@st.composite
def dtypes(draw, depth=2):
    if depth == 0 or draw(st.booleans()):
        return np.dtype(draw(st.sampled_from(ELEMENTS)))
    names = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True))
    fields = []
    for name in names:
        shape = draw(st.sampled_from([(), (2,), (3, 1)]))
        fields.append((name, draw(dtypes(depth=depth - 1)), shape))
    return np.dtype(fields, align=draw(st.booleans()))


@given(dtypes(), st.integers(0, 40), st.sampled_from([1, -1, 2]), st.randoms())
def test_any_dtype_there_and_back(dtype, n, step, random):
    raw = bytearray(random.randbytes(dtype.itemsize * n))
    if "bool" in repr(dtype) or "?" in repr(dtype):
        raw = bytearray(byte & 1 for byte in raw)  # NumPy wants bools of 0 and 1
    x = np.frombuffer(raw, dtype, n)[::step]
    array = pa.array(sc.Buffer(x))
    array.validate(full=True)
    compare(sc.Buffer(array).numpy(), x)


def compare(got, want):
    """The same items, whatever the order of bytes and the padding."""
    if want.dtype.names:
        for name in want.dtype.names:
            compare(got[name], want[name])
    else:
        native = np.ascontiguousarray(want.astype(want.dtype.newbyteorder("=")))
        assert np.ascontiguousarray(got).tobytes() == native.tobytes()
