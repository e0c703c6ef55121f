"""Datetimes: units, texts, calendar fields and time since an epoch, beside NumPy's and other ways.

A result is compared with every peer's before anything is timed: a peer with another one is named
and left out. Peers that allocate their result do so here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import stridecast
from stridecast_bench.cases.basic import SMALL
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import (
    DESTINATION_OFFSET,
    Batch,
    Case,
    Planned,
    Unable,
    Work,
    aligned,
    timed,
)
from stridecast_bench.peers.libraries import find_pandas, find_pyarrow, find_xarray

#: Pairs of units that rows ask for, with how far apart the times of the source are: within the
#: years 1970 to 2240.
STEPS = {
    ("s", "ns"): 500_000,
    ("ns", "s"): 500_000 * 10**9,
    ("ns", "D"): 500_000 * 10**9,
    ("D", "M"): 6,
    ("D", "Y"): 6,
    ("M", "D"): 1,
}
#: Those that are to run at the speed of memory.
STREAMED = (("s", "ns"), ("ns", "s"))
STREAM_SIZES = {"1Mi": 1 << 20, "16Mi": 1 << 24}
SIX_FIELDS = ["year", "month", "day", "hour", "weekday", "dayofyear"]

#: What judge.py asks less of.
FACTS = {"avx2": 1.0} if stridecast.active_target() in ("AVX2", "SSE2") else {}

#: Makes a peer's result once, for the comparison.
Result = Callable[[], np.ndarray]
Peer = tuple[Batch, Result]


def _times(count: int, unit: str, step: int) -> np.ndarray:
    times = aligned(count, np.dtype(f"M8[{unit}]"))
    times.view("i8")[:] = np.random.default_rng(20).integers(0, SMALL, count) * step
    return times


def _case(
    name: str, ours: Peer, peers: dict[str, Peer], source: np.ndarray, level: str = ""
) -> Case:
    """A case of the peers whose results are ours."""
    wanted = ours[1]()
    kept, others = {}, {}
    for peer, (batch, result) in peers.items():
        found = result()
        same = found.shape == wanted.shape and (found == wanted).all()
        if same:
            kept[peer] = batch
        else:
            others[peer] = f"{found.reshape(-1)[:1]} for {wanted.reshape(-1)[:1]}"
    if "numpy" not in kept:
        raise AssertionError(f"{name}: NumPy has another result: {others}")
    work = Work.between(source, wanted, level)
    return Case(name, ours[0], kept, 0.3, facts=FACTS, other_results=others, work=work)


def _fills(batch: Batch, out: np.ndarray) -> Peer:
    def result() -> np.ndarray:
        out.view(np.uint8).fill(0xA5)
        batch(1)
        return out.copy()

    return batch, result


# Units


def _arrow_cast(source: object, kind: object, *, safe: bool, numpy: str) -> Peer:
    compute = find_pyarrow()[1]
    call = compute.get_function("cast").call  # with less around it than compute.cast
    make = compute.CastOptions.safe if safe else compute.CastOptions.unsafe
    names = {"cast": call, "arrays": [source], "options": make(kind)}
    return timed(
        "cast(arrays, options)", **names
    ), lambda: call(names["arrays"], names["options"]).to_numpy(zero_copy_only=False).astype(numpy)


def _arrow_type(unit: str) -> object | None:
    pyarrow = find_pyarrow()[0]
    if unit == "D":
        return pyarrow.date32()
    return pyarrow.timestamp(unit) if unit in ("s", "ms", "us", "ns") else None


def units(name: str, src: str, dst: str, count: int = SMALL, level: str = "") -> Case:
    times = _times(count, src, STEPS[src, dst])
    out = aligned(count, np.dtype(f"M8[{dst}]"), DESTINATION_OFFSET)
    names = {"convert": stridecast.convert, "a": times, "o": out}
    ours = timed(f'convert(a, "[numpy$datetime64${dst}]", out=o)', **names)
    copyto = timed('copyto(o, a, casting="unsafe")', copyto=np.copyto, a=times, o=out)
    peers = {"numpy": _fills(copyto, out)}
    if find_pyarrow() is not None:
        kinds = _arrow_type(src), _arrow_type(dst)
        if src != "D" and None not in kinds:
            source = find_pyarrow()[0].array(times)
            finer = (src, dst) == ("s", "ns")  # with a check for overflow, as ours
            peers["pyarrow"] = _arrow_cast(source, kinds[1], safe=finer, numpy=f"M8[{dst}]")
    return _case(name, _fills(ours, out), peers, times, level)


def units_cases() -> Iterator[Planned]:
    for src, dst in STEPS:
        yield Planned(f"time-units/{src}-{dst}", units, src, dst)


def _stream(name: str, library: BenchLibrary, src: str, dst: str, count: int) -> Case:
    times = _times(count, src, STEPS[src, dst])
    out = aligned(count, np.dtype(f"M8[{dst}]"), DESTINATION_OFFSET)
    other = aligned(count, out.dtype, DESTINATION_OFFSET)
    names = {"convert": stridecast.convert, "a": times, "o": out}
    ours = timed(f'convert(a, "[numpy$datetime64${dst}]", out=o)', **names)
    peers = {
        "stream": library.stream(times, other, non_temporal=False),
        "stream-nt": library.stream(times, other, non_temporal=True),
    }
    return Case(name, ours, peers, 1.0, facts=FACTS, work=Work.between(times, out))


def stream_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    if library is None:
        return
    for size, count in STREAM_SIZES.items():
        for src, dst in STREAMED:
            yield Planned(f"time-stream/{size}/{src}-{dst}", _stream, library, src, dst, count)


# Texts


def _texts(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """YYYY-MM-DDTHH:MM:SS of each time, and the times."""
    times = _times(SMALL, "s", 500_000)
    texts = aligned(SMALL, np.dtype(f"{kind}19"))
    texts[:] = np.datetime_as_string(times).astype(texts.dtype)
    return texts, times


def _parse(name: str, kind: str) -> Case:
    texts, times = _texts(kind)
    out = aligned(SMALL, times.dtype, DESTINATION_OFFSET)
    ours = timed(
        'convert(a, "[numpy$datetime64$s]", out=o)',
        **{"convert": stridecast.convert, "a": texts, "o": out},
    )
    copyto = timed('copyto(o, a, casting="unsafe")', copyto=np.copyto, a=texts, o=out)
    peers = {"numpy": _fills(copyto, out)}
    if find_pyarrow() is not None:
        pyarrow = find_pyarrow()[0]
        strings = pyarrow.array(texts.astype(str).tolist(), pyarrow.string())
        kind = pyarrow.timestamp("s")
        peers["pyarrow"] = _arrow_cast(strings, kind, safe=True, numpy="M8[s]")
    return _case(name, _fills(ours, out), peers, texts)


def _write(name: str, kind: str) -> Case:
    texts, times = _texts(kind)
    out = aligned(SMALL, texts.dtype, DESTINATION_OFFSET)
    code = "19s" if kind == "S" else "19w"
    names = {"convert": stridecast.convert, "a": times, "o": out}
    ours = timed(f'convert(a, "{code}", out=o)', **names)
    numpys = timed("write(a)", write=np.datetime_as_string, a=times)
    peers = {"numpy": (numpys, lambda: np.datetime_as_string(times).astype(texts.dtype))}
    if find_pyarrow() is not None:
        pyarrow, compute = find_pyarrow()
        call = compute.get_function("cast").call
        arrays = [pyarrow.array(times)]
        options = compute.CastOptions.safe(pyarrow.string())
        batch = timed("cast(arrays, options)", cast=call, arrays=arrays, options=options)

        def result() -> np.ndarray:  # with a space where ISO 8601 has a T
            written = call(arrays, options).to_numpy(zero_copy_only=False)
            return np.char.replace(written.astype("U19"), " ", "T").astype(texts.dtype)

        peers["pyarrow"] = batch, result
    return _case(name, _fills(ours, out), peers, times)


def text_cases() -> Iterator[Planned]:
    for word, kind in (("bytes", "S"), ("unicode", "U")):
        yield Planned(f"time-text/parse/{word}", _parse, kind)
        yield Planned(f"time-text/write/{word}", _write, kind)


# Calendar fields


def _numpy_fields(a: np.ndarray) -> list[np.ndarray]:
    """The six fields by NumPy's datetime arithmetic."""
    years, months, days = a.astype("M8[Y]"), a.astype("M8[M]"), a.astype("M8[D]")
    return [
        years.view("i8") + 1970,
        months.view("i8") % 12 + 1,
        (days - months).view("i8") + 1,
        (a - days).astype("m8[h]").view("i8"),
        (days.view("i8") + 3) % 7,
        (days - years).view("i8") + 1,
    ]


def _fields(name: str) -> Case:
    times = _times(SMALL, "ns", 500_000 * 10**9 + 123_456_789)
    fields = stridecast.datetime_fields
    names = {"fields": fields, "a": times, "six": SIX_FIELDS}
    ours = timed("fields(a, six)", **names)
    numpys = timed("fields(a)", fields=_numpy_fields, a=times)
    peers = {"numpy": (numpys, lambda: np.stack(_numpy_fields(times)))}
    if find_pyarrow() is not None:
        pyarrow, pc = find_pyarrow()
        calls = [pc.year, pc.month, pc.day, pc.hour, pc.day_of_week, pc.day_of_year]
        array = pyarrow.array(times)
        batch = timed("[call(a) for call in calls]", a=array, calls=calls)
        peers["pyarrow"] = batch, lambda: np.stack([call(array).to_numpy() for call in calls])
    pandas = find_pandas()
    if pandas is not None:
        moments = pandas.Series(times).dt
        theirs = ["year", "month", "day", "hour", "day_of_week", "day_of_year"]
        batch = timed("[getattr(dt, one) for one in six]", dt=moments, six=theirs)
        peers["pandas"] = batch, lambda: np.stack([getattr(moments, one) for one in theirs])
    wanted = np.stack([part.numpy() for part in fields(times, SIX_FIELDS).values()])
    return _case(name, (ours, lambda: wanted), peers, times)


# Time since an epoch

DAYS = "days since 1850-01-01"


def _decode_days(a: np.ndarray, floats: np.ndarray, whole: np.ndarray, out: np.ndarray) -> None:
    """NumPy's steps, without a temporary array."""
    np.multiply(a, 86400e9, out=floats)
    np.rint(floats, out=floats)
    np.copyto(whole, floats, casting="unsafe")
    np.add(np.datetime64("1850-01-01", "ns"), whole.view("m8[ns]"), out=out)


def _decode_time(name: str) -> Case:
    decode = getattr(stridecast, "decode_time", None)
    if decode is None:
        raise Unable("this stridecast has no decode_time()")
    days = aligned(SMALL, np.dtype("f8"))
    # Sixteenths of days, whose nanoseconds float64 holds: else NumPy's steps round differently.
    days[:] = np.random.default_rng(20).integers(0, 100_000 * 16, SMALL) / 16
    out = aligned(SMALL, np.dtype("M8[ns]"), DESTINATION_OFFSET)
    floats, whole = np.empty_like(days), np.empty(SMALL, "i8")
    ours = timed("decode(a, units, out=o)", decode=decode, a=days, units=DAYS, o=out)
    names = {"steps": _decode_days, "a": days, "f": floats, "w": whole, "o": out}
    peers = {"numpy": _fills(timed("steps(a, f, w, o)", **names), out)}
    xarray = find_xarray()
    if xarray is not None:
        call = xarray.coding.times.decode_cf_datetime
        batch = timed("decode(a, units)", decode=call, a=days, units=DAYS)
        peers["xarray"] = batch, lambda: call(days, DAYS)
    return _case(name, _fills(ours, out), peers, days)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {
    "time-units": lambda _: units_cases(),
    "time-stream": stream_cases,
    "time-text": lambda _: text_cases(),
    "time-fields": lambda _: iter([Planned("time-fields/six", _fields)]),
    "time-epoch": lambda _: iter([Planned("time-epoch/float64-days", _decode_time)]),
}
