"""Datetimes as ISO 8601 texts and back: all units, layouts and errors.

Every text in NumPy's own tests of datetimes is among them.
"""

import ast
import datetime as dt
from importlib import resources

import numpy as np
import pytest

import stridecast as sc

NAT = -(2**63)
UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]


def times(values, unit):
    return np.array(values, "i8").view(f"M8[{unit}]")


def random_times(unit, count=400):
    rng = np.random.default_rng(11)
    values = rng.integers(-(2**63) + 1, 2**63 - 1, count) >> rng.integers(0, 63, count)
    return times([*values.tolist(), NAT, 0, -1, 2**63 - 1, 1 - 2**63], unit)


@pytest.mark.parametrize("kind", ["S", "U"])
@pytest.mark.parametrize("unit", [*UNITS, "25us", "7D", "3M"])
def test_what_is_written_is_read(unit, kind):
    x = random_times(unit)
    texts = sc.astype(x, f"{kind}60")
    assert (sc.astype(texts, x.dtype).view("i8") == x.view("i8")).all()


@pytest.mark.parametrize("unit", UNITS)
def test_texts_are_numpys(unit):
    rng = np.random.default_rng(12)
    days = {"Y": 366, "M": 31, "W": 7, "D": 1}
    lasts = {u: 2_900_000 // n for u, n in days.items()}
    last = lasts.get(unit, 2**40 if unit in ("h", "m", "s") else 2**62)
    first = 0 if unit in ("ps", "fs", "as") else -719162 // days.get(unit, 1)
    x = times(rng.integers(first, last if unit not in ("h", "m", "s") else 2**31, 300), unit)
    wanted = np.datetime_as_string(x)
    assert sc.astype(x, wanted.dtype).tolist() == wanted.tolist()
    assert sc.astype(x, wanted.astype("S").dtype).tolist() == wanted.astype("S").tolist()


def test_a_z_behind_times_of_day():
    x = times([0, NAT], "s")
    assert sc.astype(x, "S20", timezone="UTC").tolist() == [b"1970-01-01T00:00:00Z", b"NaT"]
    assert sc.astype(x, "S20", timezone="naive").tolist() == [b"1970-01-01T00:00:00", b"NaT"]
    assert sc.astype(times([0], "D"), "S20", timezone="UTC").tolist() == [b"1970-01-01"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-02-29T12:34:56", "2024-02-29T12:34:56"),
        ("2024-02-29 12:34:56", "2024-02-29T12:34:56"),
        ("2024-02-29T12:34:56Z", "2024-02-29T12:34:56"),
        ("2024-02-29T12:34:56+01:30", "2024-02-29T11:04:56"),
        ("2024-02-29T12:34:56-0800", "2024-02-29T20:34:56"),
        ("2024-02-29T12:34:56.999999999999999999999", "2024-02-29T12:34:56"),
        ("20240229T123456", "2024-02-29T12:34:56"),
        ("20240229", "2024-02-29T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00"),
        ("2024", "2024-01-01T00:00:00"),
        ("-2024-02-29", "-2024-02-29T00:00:00"),
        ("NaT", "NaT"),
        ("", "NaT"),
    ],
)
def test_forms_that_are_read(text, value):
    for kind in ("S", "U", ">U"):
        x = np.array([text, "1999-01-01"]).astype(f"{kind}48")
        assert sc.astype(x, "M8[s]").astype(str).tolist() == [value, "1999-01-01T00:00:00"]


def test_a_coarser_unit_floors():
    x = np.array(["2024-02-29T23:59:59.999", "1969-12-31T23:59:59.999"])
    assert sc.astype(x, "M8[s]").view("i8").tolist() == [1709251199, -1]
    assert sc.astype(x, "M8[D]").view("i8").tolist() == [19782, -1]
    assert sc.astype(x, "M8[M]").view("i8").tolist() == [649, -1]


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        ("2024-13-01", 5, "a month is 01 to 12"),
        ("2023-02-29", 8, "no such day"),
        ("2024-02-29T24:00:00", 11, "an hour"),
        ("2024-02-29T23:60:00", 14, "a minute"),
        ("2024-02-29T23:00:60", 17, "a second"),
        ("2024-02-29x", 10, "'T' or one space"),
        ("2024-2-29", 6, "a digit"),
        ("202402", 6, "with a sign"),
        ("today", 0, "'today' and 'now'"),
        ("2024-02-29T23:00:00Z!", 20, "more than a time"),
        ("yesterday", 0, "a digit"),
    ],
)
@pytest.mark.parametrize("kind", ["S", "U", ">U"])
def test_errors_say_which_item_and_which_character(text, position, why, kind):
    x = np.array(["2024-02-29", "NaT", text, "also wrong"]).astype(f"{kind}30")
    with pytest.raises(ValueError) as caught:
        sc.astype(x, "M8[s]")
    message = str(caught.value)
    assert message.startswith(
        f"element 2: '{text.replace(chr(39), '')}' is no time, at character {position}"
    )
    assert why in message
    assert np.isnat(sc.astype(x, "M8[s]", errors="nat")).tolist() == [False, True, True, True]


def test_times_outside_the_unit():
    x = np.array(["2262-04-12", "1970-01-01"], "S10")
    with pytest.raises(OverflowError, match="element 0: '2262-04-12'"):
        sc.astype(x, "M8[ns]")
    assert sc.astype(x, "M8[ns]", overflow="saturate").view("i8").tolist() == [2**63 - 1, 0]
    assert np.isnat(sc.astype(x, "M8[ns]", overflow="nat")).tolist() == [True, False]


def test_texts_that_are_too_short_for_a_time():
    with pytest.raises(OverflowError, match=r"element 1: 1970-01-01T00:00:00 has more characters"):
        sc.astype(times([NAT, 0], "s"), "S18")
    assert sc.astype(times([NAT, 0], "s"), "S19").tolist() == [b"NaT", b"1970-01-01T00:00:00"]


def test_a_length_is_chosen_as_numpy_does():
    x = times([NAT, 0], "ms")
    for kind in ("S", "U"):
        assert sc.astype(x, kind).dtype == x.astype(kind).dtype
        assert sc.astype(x, kind).tolist() == x.astype(kind).tolist()
    assert sc.astype(np.array(["abc"]), "S").tolist() == [b"abc"]
    assert sc.astype(x, "M8").dtype == x.dtype


def test_characters_beyond_ascii_are_no_digits():
    x = np.array(["\uff12024-02-29"])
    with pytest.raises(ValueError, match=r"element 0: .* is no time, at character 0"):
        sc.astype(x, "M8[D]")


def test_strided_texts_in_structs():
    dtype = np.dtype([("id", "u1"), ("when", ">U19"), ("x", "<f4")])
    rows = np.zeros((4, 5), dtype)
    wanted = times(np.arange(20).reshape(4, 5) * 1000003, "s")
    rows["when"] = np.datetime_as_string(wanted)
    rows["x"] = 2.5
    result = sc.convert(
        rows[::-2, 1:], "T{>[numpy$datetime64$ms]:when:d:x:}", missing_fields="zero"
    )
    assert (result.field("when").numpy() == wanted[::-2, 1:].astype("M8[ms]")).all()
    assert (result.field("x").numpy() == 2.5).all()
    back = sc.convert(result, "T{23s:when:}", missing_fields="zero").field("when").numpy()
    assert back[0, 0].startswith(str(wanted[3, 1]).encode())


def test_the_standard_library_reads_what_we_write():
    rng = np.random.default_rng(13)
    x = times(rng.integers(-62135596800000000, 253402300800000000, 2000), "us")
    for value, text in zip(x.tolist(), sc.astype(x, "U26").tolist(), strict=True):
        assert dt.datetime.fromisoformat(text) == value


def literals_of_numpys_tests():
    """Every np.datetime64("text"[, "unit"]) and np.array([texts], "M8[unit]") there."""
    try:
        source = resources.files("numpy._core.tests").joinpath("test_datetime.py").read_text()
    except (ModuleNotFoundError, FileNotFoundError):
        return []
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        try:
            values = [ast.literal_eval(argument) for argument in node.args]
            values += [ast.literal_eval(k.value) for k in node.keywords if k.arg == "dtype"]
        except ValueError:
            continue
        if node.func.attr == "datetime64" and values and isinstance(values[0], str):
            unit = values[1] if len(values) == 2 and isinstance(values[1], str) else None
            found.add((values[0], unit))
        elif node.func.attr == "array" and len(values) == 2 and str(values[1]).startswith("M8["):
            texts = values[0] if isinstance(values[0], list) else [values[0]]
            found |= {(text, values[1][3:-1]) for text in texts if isinstance(text, str)}
    return sorted(found, key=str)


FINER = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}
NUMPYS = literals_of_numpys_tests()


@pytest.mark.filterwarnings("ignore:no explicit representation of timezones")
@pytest.mark.skipif(not NUMPYS, reason="this NumPy was installed without its tests")
def test_every_text_in_numpys_own_tests():
    compared = 0
    for text, unit in NUMPYS:
        if text in ("today", "now"):
            continue
        try:
            wanted = np.datetime64(text) if unit is None else np.datetime64(text, unit)
        except (ValueError, TypeError, OverflowError):
            continue  # a unit that is none, or one that NumPy needs a rule of casting for
        if np.datetime_data(wanted.dtype)[0] == "generic":
            continue
        try:
            got = sc.astype(np.array([text]), wanted.dtype)
        except OverflowError:  # where NumPy wraps
            base, multiple = np.datetime_data(wanted.dtype)
            seconds = int(np.datetime64(text, "s").astype("i8"))
            assert abs(seconds) * FINER[base] // multiple >= 2**63
            continue
        assert got.view("i8")[0] == wanted.view("i8"), (text, unit)
        compared += 1
    assert compared > 100
