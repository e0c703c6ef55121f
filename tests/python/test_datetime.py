"""Datetimes and timedeltas in other units, as numbers, from Arrow and of Python's standard library.

The expectations are Python's integers and its datetime module; NumPy's results where NumPy is
right, and both sides' results where it is not (docs/numeric_policy.md lists those).
"""

import datetime as dt
from fractions import Fraction

import numpy as np
import pytest

import stridecast as sc

NAT = -(2**63)
MAX = 2**63 - 1
SECONDS = {
    "W": Fraction(604800),
    "D": Fraction(86400),
    "h": Fraction(3600),
    "m": Fraction(60),
    **{
        unit: Fraction(1, 1000**k)
        for k, unit in enumerate(["s", "ms", "us", "ns", "ps", "fs", "as"])
    },
}
UNITS = ["Y", "M", *SECONDS]
CALENDAR = ("Y", "M")


def times(values, dtype):
    return np.array(values, "i8").view(dtype)


def bits(array):
    return np.asarray(array).view("i8").tolist()


def months_of_day(day):
    date = dt.date.fromordinal(719163 + day)
    return (date.year - 1970) * 12 + date.month - 1


def day_of_months(months):
    return dt.date(1970 + months // 12, months % 12 + 1, 1).toordinal() - 719163


def expected(value, src, dst):
    """A datetime64 in another unit; within the years 1 to 9999 where the calendar has a part."""
    if src in CALENDAR and dst in CALENDAR:
        months = value * (12 if src == "Y" else 1)
        return months // (12 if dst == "Y" else 1)
    if src in CALENDAR:
        seconds = day_of_months(value * (12 if src == "Y" else 1)) * 86400
        return seconds // SECONDS[dst]
    if dst in CALENDAR:
        months = months_of_day(value * SECONDS[src] // 86400)
        return months // (12 if dst == "Y" else 1)
    return value * SECONDS[src] // SECONDS[dst]


def interesting(unit):
    """Values around days, months and years, within the years 1 to 9999 and int64."""
    days = [0, 1, -1, 59, 60, 364, 365, 789, 790, 11016, 11017, -719162, 2932896 - 31, -25508]
    for day in days:
        if unit == "Y":
            value = months_of_day(day) // 12
        elif unit == "M":
            value = months_of_day(day)
        else:
            value = day * 86400 // SECONDS[unit]
        for near in (-1, 0, 1):
            if abs(value + near) > MAX:
                continue
            try:
                expected(value + near, unit, "Y")
                expected(value + near, unit, "D")
            except (ValueError, OverflowError):
                continue
            yield int(value + near)


@pytest.mark.parametrize("dst", UNITS)
@pytest.mark.parametrize("src", UNITS)
def test_units_of_datetimes(src, dst):
    values = [v for v in interesting(src) if abs(expected(v, src, dst)) <= MAX]
    result = sc.astype(times([*values, NAT], f"M8[{src}]"), f"M8[{dst}]")
    assert bits(result) == [*(int(expected(v, src, dst)) for v in values), NAT]


@pytest.mark.parametrize("kind", ["M8", "m8"])
@pytest.mark.parametrize("src", ["Y", "M", "W", "3D", "h", "25s", "ms", "7us", "ns"])
@pytest.mark.parametrize("dst", ["Y", "5M", "W", "D", "h", "m", "11s", "ms", "us", "12s", "ns"])
def test_numpy_agrees_where_nothing_overflows(kind, src, dst):
    rng = np.random.default_rng(5)
    few = times(rng.integers(-60, 60, 500), f"{kind}[{src}]")
    far = times(rng.integers(-(2**20), 2**20, 500), f"{kind}[{src}]")
    for x in (few, far):
        ours = sc.astype(x, f"{kind}[{dst}]", overflow="nat")
        fits = ~np.isnat(ours)
        with np.errstate(all="ignore"):
            assert (ours[fits] == x[fits].astype(f"{kind}[{dst}]")).all()


@pytest.mark.parametrize(
    ("src", "dst", "last"),
    [
        ("s", "ns", MAX // 10**9),
        ("D", "ns", MAX // (86400 * 10**9)),
        ("W", "D", MAX // 7),
        ("h", "m", MAX // 60),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_overflow_by_its_rules(src, dst, last, sign):
    x = times([5, sign * last, sign * (last + 1)], f"M8[{src}]")
    with pytest.raises(OverflowError, match=f"element 2: {sign * (last + 1)} is out"):
        sc.astype(x, f"M8[{dst}]")
    end = sc.astype(x, f"M8[{dst}]", overflow="saturate")[2]
    assert end.view("i8") == sign * MAX
    assert np.isnat(sc.astype(x, f"M8[{dst}]", overflow="nat")).tolist() == [False, False, True]
    assert not np.isnat(sc.astype(x[:2], f"M8[{dst}]")).any()


def test_times_never_wrap():
    with pytest.raises(ValueError, match="times do not wrap"):
        sc.astype(times([1], "M8[s]"), "M8[ns]", overflow="wrap")


class TestWhereNumPyDiffers:
    def test_overflow(self):
        # NumPy up to 2.4 wraps, from 2.5 on it raises, a little earlier than need be.
        x = times([2**62], "M8[s]")
        with pytest.raises(OverflowError):
            sc.astype(x, "M8[ns]")

    def test_overflow_on_the_way_through_the_calendar(self):
        x = times([300000], "M8[Y]")  # the year 301970 in ns
        with pytest.raises(OverflowError):
            sc.astype(x, "M8[ns]")

    def test_overflow_on_the_way_to_a_multiple(self):
        # NumPy counts nanoseconds first, which wrap.
        x = times([1000], "M8[Y]")
        assert bits(sc.astype(x, "M8[12ns]")) == [day_of_months(12000) * 86400 * 10**9 // 12]

    def test_ratios_beyond_64_bits(self):
        x = times([-1000, 1000], "M8[ps]")
        try:
            numpys = x.astype("M8[Y]")
        except OverflowError as error:  # it cannot say how many picoseconds a year has
            numpys = error
        assert isinstance(numpys, OverflowError)
        assert bits(sc.astype(x, "M8[Y]")) == [-1, 0]

    def test_nat_in_floats_is_nan(self):
        x = times([7, NAT], "M8[s]")
        assert x.astype("f8")[1] == -(2.0**63)
        ours = sc.astype(x, "f8")
        assert ours[0] == 7
        assert np.isnan(ours[1])

    def test_nan_in_times_is_nat(self):
        x = np.array([7.9, np.nan])
        assert bits(sc.astype(x, "m8[s]")) == [7, NAT]

    def test_infinity_is_an_error(self):
        with pytest.raises(OverflowError, match="inf"):
            sc.astype(np.array([np.inf]), "m8[s]")
        assert bits(sc.astype(np.array([np.inf, -1e300]), "m8[s]", overflow="nat")) == [NAT, NAT]

    def test_a_point_is_no_span(self):
        x = times([1], "M8[D]")
        assert bits(x.astype("m8[s]")) == [1]  # not even a day's seconds
        with pytest.raises(TypeError, match="no span of time"):
            sc.astype(x, "m8[s]")


def test_spans_of_years_have_average_lengths():
    x = times([5, -7, NAT], "m8[Y]")
    assert bits(sc.astype(x, "m8[D]")) == bits(x.astype("m8[D]")) == [1826, -2557, NAT]
    with pytest.raises(TypeError, match="not allowed under casting"):
        sc.convert(x, "[numpy$timedelta64$D]", casting="same_kind")


def test_generic_spans_take_any_unit():
    x = times([5, NAT], "m8")
    assert bits(sc.astype(x, "m8[ms]")) == [5, NAT]
    with pytest.raises(TypeError, match="needs a unit"):
        sc.convert(times([5], "m8[s]"), "[numpy$timedelta64$]")


@pytest.mark.parametrize(
    "src", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", "f2", "f4", "f8", "g", "c8", "c16"]
)
def test_numbers_become_spans_and_come_back(src):
    x = np.array([0, 1, 1, 0, 1] if src == "?" else [0, 1, 7, 100, 127], src)
    span = sc.astype(x, "m8[s]")
    assert bits(span) == x.real.astype("i8").tolist()
    assert (sc.astype(span, src) == x).all()


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "bfloat16", "int4"])
def test_types_of_ml_dtypes_become_spans(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([1, 2, -3], getattr(ml_dtypes, dtype))
    span = sc.convert(x, "[numpy$timedelta64$s]")
    assert span.view("q").tolist() == [1, 2, -3]
    assert (sc.convert(span, sc.Buffer(x).format).numpy() == x).all()


def test_integers_that_are_too_narrow():
    x = times([1, NAT], "m8[s]")
    with pytest.raises(OverflowError, match="element 1: NaT"):
        sc.astype(x, "i4")
    assert sc.astype(x, "i4", overflow="wrap").tolist() == [1, 0]
    assert sc.astype(x, "i8").tolist() == [1, NAT]


@pytest.mark.parametrize("overflow", [None, "saturate", "nat"])
def test_equal_values_are_asked_for_whatever_overflow_says(overflow):
    options = {"overflow": overflow, "casting": "same_value"}
    span = "[numpy$timedelta64$s]"
    for x, text in [
        (times([2**62], "M8[s]"), "[numpy$datetime64$ns]"),
        (np.array([2**64 - 1], "u8"), span),
        (np.array([2.0**63], "f4"), span),
    ]:
        with pytest.raises((OverflowError, ValueError)):
            sc.convert(x, text, **options)
    with pytest.raises(TypeError, match="not floored"):
        sc.convert(np.array(["2020-01-01T00:00:01"], "S19"), "[numpy$datetime64$D]", **options)


def test_the_least_long_double_would_be_nat():
    with pytest.raises(OverflowError):
        sc.convert(np.array([-(2.0**63)], "g"), "[numpy$timedelta64$s]")
    assert bits(sc.astype(np.array([-(2.0**62)], "g"), "m8[s]")) == [-(2**62)]


class TestScaling:
    def test_keeps_units(self):
        with pytest.raises(TypeError, match="keeps their type and unit"):
            sc.decode(np.array(["2000-01-01"], "M8[D]"), "[numpy$datetime64$ns]")
        days = sc.encode(times([5, NAT], "m8[D]"), "[numpy$timedelta64$D]", scale=0.5)
        assert days.view("q").tolist() == [10, NAT]

    def test_missing_times(self):
        x = times([5, 7, NAT], "M8[s]")
        for missing in (7, np.datetime64(7, "s")):
            assert np.isnan(sc.decode(x, "d", missing=missing).numpy()).tolist() == [
                False,
                True,
                True,
            ]
        with pytest.raises(TypeError, match="in the unit of the items"):
            sc.decode(x, "d", missing=np.datetime64(7, "ms"))

    def test_overflow(self):
        x = np.array([1e30, -1e30, 7, np.nan])
        span = "[numpy$timedelta64$s]"
        assert sc.decode(x, span, overflow="saturate").view("q").tolist() == [MAX, -MAX, 7, NAT]
        assert sc.decode(x, span, overflow="nat").view("q").tolist() == [NAT, NAT, 7, NAT]
        with pytest.raises(OverflowError):
            sc.decode(x, span)
        with pytest.raises(ValueError, match="destinations of times"):
            sc.decode(x, "i", overflow="nat")
        with pytest.raises(ValueError, match="do not saturate or become NaT"):
            sc.reduce(np.arange(3), "sum", overflow="nat")


class TestStandardLibrary:
    def test_dates(self):
        days = [dt.date(1, 1, 1), dt.date(1970, 1, 1), dt.date(9999, 12, 31)]
        x = np.array(days, "M8[D]")
        stored = sc.convert(x, "[datetime$date$]")
        assert stored.itemsize == 4
        assert stored.view("i").tolist() == [day.toordinal() - 719163 for day in days]
        assert (sc.convert(stored, "[numpy$datetime64$D]").numpy() == x).all()

    @pytest.mark.parametrize("value", [NAT, -719163, 2932897])
    def test_dates_end_with_the_year_9999_and_know_no_nat(self, value):
        with pytest.raises(OverflowError):
            sc.convert(times([value], "M8[D]"), "[datetime$date$]")

    def test_datetimes(self):
        x = np.array(["0001-01-01", "2024-02-29T12:34:56.789", "9999-12-31T23:59:59.999"], "M8[ms]")
        stored = sc.convert(x, "[datetime$datetime$us]")
        assert stored.view("q").tolist() == x.astype("M8[us]").view("i8").tolist()
        aware = sc.convert(x, "[datetime$datetime$us,UTC]")
        assert (sc.convert(aware, "[numpy$datetime64$ms]").numpy() == x).all()

    def test_timedeltas(self):
        x = np.array([dt.timedelta(days=-3, microseconds=7)], "m8[us]")
        stored = sc.convert(x, "[datetime$timedelta$us]")
        assert (sc.convert(stored, "[numpy$timedelta64$us]").numpy() == x).all()


class TestArrow:
    def test_timestamps_dates_times_and_durations(self):
        pa = pytest.importorskip("pyarrow")
        cases = [
            (pa.timestamp("us", "Europe/Paris"), "[numpy$datetime64$ns]", 1000),
            (pa.timestamp("s"), "[numpy$datetime64$ms]", 1000),
            (pa.date32(), "[numpy$datetime64$s]", 86400),
            (pa.time32("s"), "[numpy$timedelta64$ms]", 1000),
            (pa.time64("ns"), "[numpy$timedelta64$ns]", 1),
            (pa.duration("ms"), "[numpy$timedelta64$us]", 1000),
        ]
        for kind, text, factor in cases:
            stored = pa.int64 if kind.bit_width == 64 else pa.int32
            array = pa.array([5, None, 11], stored()).cast(kind)
            assert sc.convert(array, text).view("q").tolist() == [5 * factor, NAT, 11 * factor]

    def test_back(self):
        pa = pytest.importorskip("pyarrow")
        x = times([5, NAT], "M8[h]")
        array = pa.array(sc.convert(x, "[numpy$datetime64$s]"))
        assert array.type == pa.timestamp("s")
        assert array.cast(pa.int64()).to_pylist() == [18000, None]


class TestFields:
    NAMES = (
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "microsecond",
        "weekday",
        "dayofyear",
    )

    def test_against_the_standard_library(self):
        rng = np.random.default_rng(3)
        values = rng.integers(-62135596800000000, 253402300800000000, 3000)
        parts = sc.datetime_fields(times(values, "M8[us]"), self.NAMES)
        for i, value in enumerate(values.tolist()):
            moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value)
            for name in self.NAMES[:7]:
                assert parts[name][i] == getattr(moment, name)
            assert parts["weekday"][i] == moment.weekday()
            assert parts["dayofyear"][i] == moment.timetuple().tm_yday

    def test_iso_weeks(self):
        days = np.arange("1999-12-20", "2031-01-20", dtype="M8[D]")
        parts = sc.datetime_fields(days, ["isoyear", "isoweek"])
        wanted = [day.isocalendar() for day in days.tolist()]
        assert parts["isoyear"].tolist() == [day.year for day in wanted]
        assert parts["isoweek"].tolist() == [day.week for day in wanted]

    def test_shapes_and_dtypes(self):
        x = np.arange(24).reshape(2, 3, 4).astype("M8[D]")[:, ::-1, 1:]
        parts = sc.datetime_fields(x, ["day"], dtype="q")
        assert parts["day"].format.text == "q"
        assert (parts["day"].numpy() == x.view("i8") + 1).all()
        assert sc.datetime_fields(x[0, 0, 0], ["day"])["day"].shape == ()
        assert sc.datetime_fields(x[:0], ["day", "year"])["year"].shape == (0, 3, 3)

    @pytest.mark.parametrize("unit", ["100ns", "16us", "3us", "90m", "7s", "5ms"])
    def test_multiples(self, unit):
        rng = np.random.default_rng(4)
        micros = rng.integers(-62135596800000000, 253402300800000000, 500)
        x = times(micros, "M8[us]").astype(f"M8[{unit}]")
        parts = sc.datetime_fields(x, ["year", "dayofyear", "second", "millisecond", "microsecond"])
        x = sc.astype(x, "M8[us]", overflow="nat")
        for i, moment in enumerate(x.tolist()):
            assert parts["year"][i] == moment.year
            assert parts["dayofyear"][i] == moment.timetuple().tm_yday
            assert parts["second"][i] == moment.second
            assert parts["millisecond"][i] == moment.microsecond // 1000
            assert parts["microsecond"][i] == moment.microsecond

    def test_errors(self):
        x = np.array(["2024-01-01", "NaT"], "M8[s]")
        with pytest.raises(OverflowError, match="element 1: NaT"):
            sc.datetime_fields(x, ["year"])
        assert sc.datetime_fields(x, ["year"], nat=-1)["year"].tolist() == [2024, -1]
        with pytest.raises(ValueError, match=r"'years' is no field.*'dayofyear'"):
            sc.datetime_fields(x, ["years"])
        with pytest.raises(TypeError, match="not one str"):
            sc.datetime_fields(x, "year")
        with pytest.raises(TypeError, match="one datetime"):
            sc.datetime_fields(np.arange(3), ["year"])
        with pytest.raises(ValueError, match=r"'i' or 'q'"):
            sc.datetime_fields(x, ["year"], dtype="h")
