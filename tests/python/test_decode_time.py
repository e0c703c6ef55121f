"""decode_time and encode_time against exact fractions, and against cftime where that is exact."""

import warnings
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stridecast

NAT = np.iinfo("i8").min
# Seconds.
UNITS = {
    "weeks": Fraction(604800),
    "days": Fraction(86400),
    "hours": Fraction(3600),
    "minutes": Fraction(60),
    "seconds": Fraction(1),
    "milliseconds": Fraction(1, 10**3),
    "microseconds": Fraction(1, 10**6),
    "nanoseconds": Fraction(1, 10**9),
}
TIMES = {
    "W": Fraction(604800),
    "D": Fraction(86400),
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "25us": Fraction(25, 10**6),
    "ns": Fraction(1, 10**9),
    "ps": Fraction(1, 10**12),
    "as": Fraction(1, 10**18),
}
# In seconds since 1970-01-01, of the proleptic Gregorian calendar.
EPOCHS = {
    "1970-01-01": Fraction(0),
    "1850-01-01": Fraction(-3786825600),
    "1900-01-01 00:00:0.0": Fraction(-2208988800),
    "2000-01-01T12:00:00Z": Fraction(946728000),
    "2000-01-01 12:00 -6": Fraction(946728000 + 6 * 3600),
    "0001-01-01": Fraction(-62135596800),
    "1969-12-31 23:59:59.999999999": Fraction(-1, 10**9),
    "1970-01-01 00:00:00.000000000000000001": Fraction(1, 10**18),
}
COUNTS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ml_dtypes.bfloat16]
PROLEPTIC = {"calendar": "proleptic_gregorian"}

units_texts = st.builds(
    lambda unit, epoch: (f"{unit} since {epoch}", UNITS[unit], EPOCHS[epoch]),
    st.sampled_from(list(UNITS)),
    st.sampled_from(list(EPOCHS)),
)


def exact_time(count, unit, epoch, time):
    """The one rounding: integers down, floats to the nearest, ties to even."""
    if count != count:
        return NAT
    if isinstance(count, float) and count in (float("inf"), float("-inf")):
        return NAT
    exact = (Fraction(count) * unit + epoch) / time
    result = round(exact) if isinstance(count, float) else exact.__floor__()
    return result if abs(result) < 2**63 else NAT


def items(array):
    """As Python's ints and floats, which hold them exactly."""
    wide = "f8" if array.dtype.kind not in "iu" else "O"
    with np.errstate(invalid="ignore"):  # signalling NaNs
        return array.astype(wide).ravel().tolist()


@st.composite
def count_arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(COUNTS)))
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = [2 * n for n in shape]
    if draw(st.booleans()):
        bits = rng.integers(0, 256, [*size, dtype.itemsize], "u1")
        array = bits.view(dtype)[..., 0]
    else:
        scale = 10.0 ** draw(st.integers(-3, 9))
        wide = rng.uniform(-scale, scale, size)
        if dtype.kind == "u":
            wide = np.abs(wide)
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            wide = np.clip(wide, float(info.min) / 2, float(info.max) / 2)
        with np.errstate(all="ignore"):
            array = wide.astype(dtype)
    if draw(st.booleans()) and dtype.kind != "V":
        array = array.astype(dtype.newbyteorder(">"))
    steps = tuple(slice(None, None, draw(st.sampled_from([1, 2, -1, -2]))) for _ in shape)
    return array[steps].transpose(draw(st.permutations(range(len(shape)))))


@settings(max_examples=400, deadline=None)
@given(counts=count_arrays(), units=units_texts, time=st.sampled_from(list(TIMES)))
def test_decode_rounds_once(counts, units, time):
    text, unit, epoch = units
    result = stridecast.decode_time(
        counts, text, dtype=np.dtype(f"M8[{time}]"), overflow="nat", **PROLEPTIC
    ).numpy()
    assert result.dtype == np.dtype(f"M8[{time}]") and result.shape == counts.shape
    expected = [exact_time(count, unit, epoch, TIMES[time]) for count in items(counts)]
    assert result.view("i8").ravel().tolist() == expected


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    units=units_texts,
    time=st.sampled_from(list(TIMES)),
    dtype=st.sampled_from(COUNTS),
)
def test_encode_rounds_once(data, units, time, dtype):
    text, unit, epoch = units
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shift = data.draw(st.integers(0, 60))
    times = rng.integers(-(2**63) + 1, 2**63 - 1, 40) >> shift
    times[rng.integers(0, 40)] = NAT
    order = data.draw(st.sampled_from("<>"))
    array = times.astype(order + "i8").view(f"{order}M8[{time}]")[::-1]
    integral = dtype.kind in "iu"
    options = {"missing": 7} if integral else {}
    result = stridecast.encode_time(array, text, dtype, overflow="saturate", **PROLEPTIC, **options)
    for got, value in zip(items(result.numpy()), times[::-1].tolist(), strict=True):
        if value == NAT:
            assert got == 7 if integral else got != got
            continue
        exact = (value * TIMES[time] - epoch) / unit
        if integral:
            info = np.iinfo(dtype)
            assert got == min(max(round(exact), info.min), info.max)
        else:
            assert_nearest(got, exact, dtype)


def assert_nearest(got, exact, dtype):
    largest = Fraction(float(ml_dtypes.finfo(dtype).max))
    if abs(exact) >= largest:
        assert abs(Fraction(got)) == largest
        return
    value = np.array([got]).astype(dtype)
    for towards in (-np.inf, np.inf):
        other = float(np.nextafter(value, np.array([towards]).astype(dtype))[0])
        if not np.isfinite(other):
            continue
        ours, theirs = abs(Fraction(got) - exact), abs(Fraction(other) - exact)
        assert ours < theirs or (ours == theirs and value.view(f"u{dtype.itemsize}")[0] % 2 == 0)


@settings(max_examples=200, deadline=None)
@given(
    data=st.data(),
    units=units_texts,
    dtype=st.sampled_from([d for d in COUNTS if np.dtype(d).kind in "iu"]),
)
def test_integers_come_back(data, units, dtype):
    """Where the time is fine enough for every count."""
    text, unit, epoch = units
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    info = np.iinfo(dtype)
    counts = np.array([int(x) for x in rng.uniform(info.min / 2, info.max / 2, 50)]).astype(dtype)
    counts = (counts.astype("i8") >> data.draw(st.integers(0, 63))).astype(dtype)
    fits = [name for name, length in TIMES.items() if unit % length == 0 and epoch % length == 0]
    time = data.draw(st.sampled_from([*fits, "as"]))
    times = stridecast.decode_time(
        counts, text, dtype=f"[numpy$datetime64${time}]", overflow="nat", **PROLEPTIC
    )
    known = times.numpy().view("i8") != NAT
    back = stridecast.encode_time(
        times.numpy()[known], text, np.dtype(dtype), casting="same_value", **PROLEPTIC
    )
    assert back.tolist() == counts[known].tolist()


# --- cftime ------------------------------------------------------------------------------------

CFTIME_UNITS = ["days", "hours", "minutes", "seconds", "milliseconds", "microseconds"]


def cftime_micros(cftime, counts, units, calendar):
    """Microseconds since 1970-01-01, elapsed ones, as datetime64 counts them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dates = cftime.num2date(counts, units, calendar=calendar)
        return np.asarray(
            cftime.date2num(dates, "microseconds since 1970-01-01", calendar=calendar)
        ).astype("i8")


@pytest.mark.parametrize("calendar", ["standard", "gregorian", "proleptic_gregorian"])
@pytest.mark.parametrize("unit", CFTIME_UNITS)
def test_integers_as_cftime(unit, calendar):
    cftime = pytest.importorskip("cftime", reason="the oracle of this test")
    rng = np.random.default_rng(1)
    for epoch in ["1850-01-01", "0001-01-01", "1582-10-15", "1500-2-29", "1-3-1 6:30", "2000-6-1"]:
        if calendar == "proleptic_gregorian" and epoch == "1500-2-29":
            continue
        for size in (10**3, 10**6, 10**9):
            # To the years 1 to 9999, which all of this holds.
            seconds = rng.integers(0, min(size, 60 * 10**9), 20) * (86400 if size < 10**7 else 1)
            counts = (seconds // UNITS[unit]).astype("i8")
            counts = counts[counts * UNITS[unit] < 8000 * 365 * 86400]
            text = f"{unit} since {epoch}"
            ours = stridecast.decode_time(counts, text, calendar=calendar, dtype=np.dtype("M8[us]"))
            theirs = cftime_micros(cftime, counts, text, calendar)
            assert ours.numpy().view("i8").tolist() == theirs.tolist(), text


def test_floats_as_cftime_to_its_microsecond():
    cftime = pytest.importorskip("cftime", reason="the oracle of this test")
    rng = np.random.default_rng(2)
    text = "days since 1850-01-01"
    counts = rng.uniform(0, 100000, 500)
    ours = stridecast.decode_time(counts, text, dtype=np.dtype("M8[us]")).numpy().view("i8")
    theirs = cftime_micros(cftime, counts, text, "standard")
    assert np.abs(ours - theirs).max() <= 1
    # Where they differ, the fraction says who is right.
    for count, value in zip(counts.tolist(), ours.tolist(), strict=True):
        exact = (Fraction(count) * 86400 - 3786825600) * 10**6
        assert value == round(exact)


def test_the_calendars_differ_before_1582():
    day = np.array([0], "i4")
    decode = stridecast.decode_time
    standard = decode(day, "days since 0001-01-01", dtype=np.dtype("M8[D]")).numpy()
    assert str(standard[0]) == "0000-12-30"
    proleptic = decode(day, "days since 0001-01-01", dtype=np.dtype("M8[D]"), **PROLEPTIC).numpy()
    assert str(proleptic[0]) == "0001-01-01"
    after = decode(np.array([0, 1]), "days since 1582-10-04", dtype=np.dtype("M8[D]")).numpy()
    assert after.astype(str).tolist() == ["1582-10-14", "1582-10-15"]


# --- formats, options, errors ------------------------------------------------------------------


def test_names_of_epochs():
    def at(count, units):
        array = np.array([count], "f8")
        return str(stridecast.decode_time(array, units, dtype=np.dtype("M8[s]")).numpy()[0])

    assert at(2440587.5, "julian day") == "1970-01-01T00:00:00"
    assert at(40587, "MJD") == "1970-01-01T00:00:00"
    assert at(0, "gps seconds") == "1980-01-06T00:00:00"
    assert at(61, "excel") == "1900-03-01T00:00:00"
    assert at(45292.5, "Excel") == "2024-01-01T12:00:00"
    assert at(1.7e9, "unix") == "2023-11-14T22:13:20"
    assert at(1.7e12, "unix ms") == "2023-11-14T22:13:20"


def test_missing_values():
    counts = np.array([0, -32767, 12, -9999], ">i2")
    times = stridecast.decode_time(
        counts, "hours since 2000-01-01", missing=[-32767, -9999], dtype=np.dtype("M8[s]")
    ).numpy()
    assert times.astype(str).tolist() == [
        "2000-01-01T00:00:00",
        "NaT",
        "2000-01-01T12:00:00",
        "NaT",
    ]
    back = stridecast.encode_time(times, "hours since 2000-01-01", ">h", missing=-9999)
    assert back.tolist() == [0, -9999, 12, -9999]
    # netCDF's own fill values would be far out of range.
    for dtype, fill in [("f8", 9.969209968386869e36), ("f4", 9.969209968386869e36), ("i8", 2**62)]:
        stored = np.array([1, fill, 2], dtype)
        times = stridecast.decode_time(
            stored, "days since 0001-01-01", missing=stored[1].item(), dtype=np.dtype("M8[s]")
        )
        assert np.isnat(times.numpy()).tolist() == [False, True, False]
        back = stridecast.encode_time(
            times, "days since 0001-01-01", np.dtype(dtype), missing=stored[1].item()
        )
        assert (back.numpy() == stored).all()
    long = np.array([1, 5, np.nan], np.longdouble)
    times = stridecast.decode_time(long, "days since 1970-01-01", missing=5)
    assert np.isnat(times.numpy()).tolist() == [False, True, True]
    assert stridecast.encode_time(times, "days since 1970-01-01", "g", missing=5).tolist() == [
        1,
        5,
        5,
    ]


def test_a_time_that_becomes_the_missing_value():
    times = np.array(["1970-01-06", "NaT"], "M8[D]")
    for fmt in ("q", "h", "d", "f"):
        with pytest.raises(OverflowError, match="missing"):
            stridecast.encode_time(times, "days since 1970-01-01", fmt, missing=5)
        back = stridecast.encode_time(
            times, "days since 1970-01-01", fmt, missing=5, overflow="saturate"
        )
        assert back.tolist() == [5, 5]


def test_nat_in_integers():
    times = np.array(["1970-01-02", "NaT"], "M8[D]")
    with pytest.raises(
        OverflowError, match="element 1: NaT is none of the numbers; give a missing value"
    ):
        stridecast.encode_time(times, "days since 1970-01-01", "i")
    assert np.isnan(stridecast.encode_time(times, "days since 1970-01-01", "f").numpy()[1])


def test_overflow():
    days = np.array([0, 200000, -200000], "i4")
    with pytest.raises(OverflowError, match="element 1: 200000 is out of the destination's range"):
        stridecast.decode_time(days, "days since 1970-01-01")
    most = np.iinfo("i8").max
    saturated = stridecast.decode_time(days, "days since 1970-01-01", overflow="saturate").numpy()
    assert saturated.view("i8").tolist() == [0, most, -most]
    nat = stridecast.decode_time(days, "days since 1970-01-01", overflow="nat").numpy()
    assert np.isnat(nat).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="wrap"):
        stridecast.decode_time(days, "days since 1970-01-01", overflow="wrap")
    infinite = np.array([np.inf, -np.inf, np.nan])
    with pytest.raises(OverflowError, match="element 0"):
        stridecast.decode_time(infinite, "days since 1970-01-01")
    saturated = stridecast.decode_time(infinite, "days since 1970-01-01", overflow="saturate")
    assert saturated.numpy().view("i8").tolist() == [most, -most, NAT]
    times = np.array(["1970-06-01"], "M8[D]")
    with pytest.raises(OverflowError):
        stridecast.encode_time(times, "days since 1970-01-01", "b")
    assert stridecast.encode_time(
        times, "days since 1970-01-01", "b", overflow="saturate"
    ).tolist() == [127]
    with pytest.raises(ValueError, match="nat"):
        stridecast.encode_time(times, "days since 1970-01-01", "b", overflow="nat")


def test_exact_counts():
    times = np.array(["1970-01-01T12", "1970-01-02T12"], "M8[h]")
    units = "days since 1970-01-01"
    assert stridecast.encode_time(times, units, "i").tolist() == [0, 2]  # ties to even
    with pytest.raises(ValueError, match=r"element 0: .* has no equal"):
        stridecast.encode_time(times, units, "i", casting="same_value")
    halves = stridecast.encode_time(times, units, "f", casting="same_value")
    assert halves.tolist() == [0.5, 1.5]
    thirds = np.array([8], "M8[h]")
    for fmt in ("d", "f", "e"):
        with pytest.raises(ValueError):
            stridecast.encode_time(thirds, units, fmt, casting="same_value")
    with pytest.raises(ValueError, match="casting"):
        stridecast.encode_time(times, units, "i", casting="safe")


def test_unsigned_counts_have_64_bits():
    counts = np.array([2**63, 2**64 - 1, 5], "u8")
    times = stridecast.decode_time(counts, "ns since 1970-01-01", dtype=np.dtype("M8[s]")).numpy()
    assert times.view("i8").tolist() == [2**63 // 10**9, (2**64 - 1) // 10**9, 0]
    back = stridecast.encode_time(times, "ns since 1970-01-01", "Q").tolist()
    assert back == [2**63 // 10**9 * 10**9, (2**64 - 1) // 10**9 * 10**9, 0]


@pytest.mark.parametrize("dtype", [ml_dtypes.float8_e5m2, ml_dtypes.int4, ml_dtypes.uint4])
def test_narrow_counts(dtype):
    counts = np.array([0, 1, 2, 7]).astype(dtype)
    times = stridecast.decode_time(counts, "days since 1970-01-01", missing=2).numpy()
    days = [str(t)[:10] for t in times]
    assert days == ["1970-01-01", "1970-01-02", "NaT", "1970-01-08"]
    back = stridecast.encode_time(times, "days since 1970-01-01", np.dtype(dtype), missing=2)
    assert back.numpy().astype("f4").tolist() == [0, 1, 2, 7]


def test_out_and_where_it_lies():
    counts = np.arange(12, dtype="i8").reshape(3, 4)
    out = np.empty((4, 3), ">M8[s]").T
    result = stridecast.decode_time(counts, "days since 1970-01-01", out=out)
    assert result is out
    assert (out == counts.astype("M8[D]")).all()
    # In place, items of the same size.
    memory = counts.copy()
    stridecast.decode_time(memory, "days since 1970-01-01", out=memory.view("M8[s]"))
    assert (memory == counts * 86400).all()
    wide = np.zeros((2, 3, 4), "M8[D]")
    stridecast.decode_time(counts[0], "days since 1970-01-01", out=wide)
    assert (wide == counts[0].astype("M8[D]")).all()
    shifted = np.arange(9, dtype="i8")
    with pytest.raises(BufferError, match="shares memory"):
        stridecast.decode_time(
            shifted[:-1].reshape(2, 4).T,
            "days since 1970-01-01",
            out=shifted[1:].view("M8[D]").reshape(4, 2),
        )
    empty = stridecast.decode_time(np.empty((0, 3)), "days since 1970-01-01")
    assert empty.shape == (0, 3)
    scalar = stridecast.decode_time(np.array(1.5), "days since 1970-01-01").numpy()
    assert scalar.shape == () and str(scalar[()]) == "1970-01-02T12:00:00.000000000"


def test_threads_and_large_arrays():
    rng = np.random.default_rng(3)
    days = rng.uniform(0, 80000, 300_000)
    days[rng.integers(0, days.size, 1000)] = np.nan
    one = stridecast.decode_time(days, "days since 1850-01-01", threads=1).numpy()
    two = stridecast.decode_time(days, "days since 1850-01-01", threads=2).numpy()
    assert (one.view("i8") == two.view("i8")).all()
    back = stridecast.encode_time(one, "days since 1850-01-01", "d", threads=2).numpy()
    assert (np.isnan(back) == np.isnan(days)).all()
    assert np.nanmax(np.abs(back - days)) <= 80000 * 2.0**-53


@pytest.mark.parametrize("unit", ["Y", "M", "5M"])
def test_years_and_months_have_no_fixed_length(unit):
    with pytest.raises(TypeError, match=r"decode to '\[numpy\$datetime64\$D\]'"):
        stridecast.decode_time(np.zeros(1), "days since 1970-01-01", dtype=np.dtype(f"M8[{unit}]"))
    with pytest.raises(TypeError, match=r"convert to '\[numpy\$datetime64\$D\]'"):
        stridecast.encode_time(np.zeros(1, f"M8[{unit}]"), "days since 1970-01-01", "i")


def test_equal_values_are_asked_for_whatever_overflow_says():
    times = np.array(["3000-01-01"], "M8[D]")
    for overflow in (None, "saturate"):
        with pytest.raises(ValueError):
            stridecast.encode_time(
                times, "days since 2000-01-01", "b", overflow=overflow, casting="same_value"
            )


@pytest.mark.parametrize(
    ("units", "match"),
    [
        ("days", "position 4: 'since' is expected"),
        ("months since 2000-01-01", r"datetime64\[M\]"),
        ("years since 2000-01-01", "no fixed length"),
        ("days since 2001-02-29", "this month has 28 days"),
        ("days since 1582-10-10", "proleptic_gregorian"),
        ("days since 2000-01-01 25:00", "position 22"),
    ],
)
def test_units_that_are_none(units, match):
    with pytest.raises(ValueError, match=match):
        stridecast.decode_time(np.zeros(2), units)


def test_what_is_refused():
    units = "days since 2000-01-01"
    with pytest.raises(ValueError, match="cftime"):
        stridecast.decode_time(np.zeros(2), units, calendar="noleap")
    with pytest.raises(TypeError, match="units must be a str, not int"):
        stridecast.decode_time(np.zeros(2), 5)
    with pytest.raises(TypeError, match="one integer or real number"):
        stridecast.decode_time(np.zeros(2, "c16"), units)
    with pytest.raises(TypeError, match="one integer or real number"):
        stridecast.decode_time(np.zeros(2, "?"), units)
    with pytest.raises(TypeError, match="one integer or real number"):
        stridecast.decode_time(np.zeros(2, "M8[s]"), units)
    for dtype in ("M8", "m8[s]", "f8"):
        with pytest.raises(TypeError, match="datetime64 of some unit"):
            stridecast.decode_time(np.zeros(2), units, dtype=np.dtype(dtype))
    with pytest.raises(TypeError, match="datetime64 of some unit"):
        stridecast.encode_time(np.zeros(2), units, "d")
    with pytest.raises(ValueError, match="no item of the stored format"):
        stridecast.decode_time(np.zeros(2, "i2"), units, missing=1.5)
    with pytest.raises(ValueError, match="at most 8"):
        stridecast.decode_time(np.zeros(2, "i2"), units, missing=list(range(9)))
    with pytest.raises(ValueError, match="at most 1"):
        stridecast.encode_time(np.zeros(2, "M8[s]"), units, "i", missing=[1, 2])
    with pytest.raises(TypeError, match="a format is needed"):
        stridecast.encode_time(np.zeros(2, "M8[s]"), units, None)
