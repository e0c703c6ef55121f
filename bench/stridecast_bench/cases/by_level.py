"""The work that programs spend their time in, with its bytes in L1, L2, L3 and memory.

Each case is made by its family's own file (cast.py, relayout.py, strided.py, scale.py, times.py,
texts.py, reduce.py); here is which, in which sizes, and the structs that come apart into columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

import stridecast
from stridecast_bench.cases import cast, reduce, relayout, scale, strided, texts, times
from stridecast_bench.cases.basic import expect_equal
from stridecast_bench.cases.types import dtype_of
from stridecast_bench.levels import Level, levels
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import Batch, Case, Planned, Work, timed

Library = BenchLibrary | None

#: Big-endian sources as files and networks have them, and what becomes of them.
SWAPPED = (
    ("int16", "int16"),
    ("int32", "int32"),
    ("float32", "float32"),
    ("float64", "float64"),
    ("int16", "float32"),
    ("int32", "float32"),
    ("int64", "float32"),
    ("float32", "float64"),
    ("float64", "float32"),
    ("float32", "float16"),
    ("float32", "bfloat16"),
    ("bfloat16", "float32"),
)


def cast_cases(library: Library) -> Iterator[Planned]:
    """The hot pairs of cast.py, and big-endian sources, which have a > in their names."""
    pairs = [(src, dst, dtype_of(src)) for src, dst in cast.HOT]
    pairs += [(f">{src}", dst, dtype_of(src).newbyteorder(">")) for src, dst in SWAPPED]
    for level, (src, dst, dtype) in product(levels().values(), pairs):
        count = level.items(dtype.itemsize, dtype_of(dst).itemsize)
        name = f"cast/{level.name}/{src}/{dst}"
        yield Planned(name, cast.beside_peers, dtype, dst, count, library, level.name)


def side_of_square(level: Level, itemsize: int) -> int:
    """An odd multiple of 8: rows of a power of two compete for cache sets, as square/ shows."""
    side = math.isqrt(level.items(itemsize, itemsize))
    return max(8, side // 16 * 16 - 8)


def relayout_cases(library: Library) -> Iterator[Planned]:
    """Transposes, and images whose channels come first."""
    for level in levels().values():
        for size, dtype in relayout.UNSIGNED.items():
            side = side_of_square(level, size)
            name = f"relayout/{level.name}/transpose/{size}"
            yield Planned(name, relayout.square, side, dtype, library, level.name)
        for src, dst in (("uint8", "uint8"), ("uint8", "float32")):
            pixels = level.items(3 * dtype_of(src).itemsize, 3 * dtype_of(dst).itemsize)
            shape = (math.isqrt(pixels), math.isqrt(pixels), 3)
            name = f"relayout/{level.name}/hwc-chw/{src}-{dst}"
            arguments = (shape, relayout.CHANNELS_FIRST, src, dst, library, level.name)
            yield Planned(name, relayout.image, *arguments)


def byteswap_cases(library: Library) -> Iterator[Planned]:
    """In place: what is written is what was read."""
    for level, size in product(levels().values(), (2, 4, 8)):
        count = level.items(size, 0)
        name = f"byteswap/{level.name}/{size}"
        yield Planned(name, strided.byteswap, size, count, library, level.name)


def scale_cases() -> Iterator[Planned]:
    """Packed int16 of both byte orders to float32, and back to big-endian ones."""
    for level in levels().values():
        count = level.items(2, 4)
        for order, label in ((">", ">int16"), ("=", "int16")):
            dtype = np.dtype("i2").newbyteorder(order)
            name = f"scale/{level.name}/{label}/float32"
            yield Planned(name, scale.decode, count, dtype, level.name)
        yield Planned(f"scale/{level.name}/float32/>int16", scale.encode, count, level.name)


#: A packed record of 27 bytes, whose fields lie unaligned.
RECORD = np.dtype([(field, src) for field, src, _ in strided.STRUCT_FIELDS])
FIELD = "x"


def _records(count: int) -> np.ndarray:
    """Values, not any bytes: a signalling NaN might not pass everywhere as it is."""
    records = relayout.scattered((count,), RECORD)
    random = np.random.default_rng(20)
    for field in ("x", "y"):
        records[field] = np.resize(random.standard_normal(min(count, 1 << 16)), count)
    return records


def _field(name: str, count: int, library: Library, level: str) -> Case:
    """One field of many structs, packed: a strided copy of unaligned items."""
    src = _records(count)[FIELD]
    out = relayout.destination(src.shape, src.dtype)
    loops = relayout.plain_loops(library, src, out)
    return relayout.relayout(name, src, out, fills=loops, level=level)


def _in_turn(batches: list[Batch]) -> Batch:
    """All of them once for one call."""
    return lambda n: sum(batch(1) for _ in range(n) for batch in batches)


Columns = dict[str, np.ndarray]


def _copy_columns(records: np.ndarray, columns: Columns) -> None:
    for field, column in columns.items():
        np.copyto(column, records[field])


def _split(name: str, count: int, library: Library, level: str) -> Case:
    """Every field into an array of its own, which was there before."""
    records = _records(count)
    wanted = {field: records[field].copy() for field in RECORD.names}
    outs: dict[str, Columns] = {}

    def columns_of(who: str) -> Columns:
        return outs.setdefault(who, {field: np.zeros_like(x) for field, x in wanted.items()})

    names = {"a": records, "o": columns_of("numpy")}
    peers = {"numpy": timed("copy(a, o)", copy=_copy_columns, **names)}
    if library is not None:
        there = columns_of("c++").items()
        peers["c++"] = _in_turn([library.naive_copy(records[field], x) for field, x in there])
    ours = timed("split(a, out=o)", split=stridecast.split, a=records, o=columns_of("stridecast"))

    def check() -> None:
        for who, fill in {"stridecast": ours, **peers}.items():
            fill(1)
            for field, column in outs[who].items():
                expect_equal(column, wanted[field], f"{name}.{field} by {who}")

    written = sum(column.nbytes for column in wanted.values())
    work = Work(count * len(wanted), records.nbytes, written, "struct", "columns", level)
    return Case(name, ours, peers, 0.3, check, work=work)


def struct_cases(library: Library) -> Iterator[Planned]:
    """A field of packed structs, and all of them."""
    makers: tuple[tuple[str, Callable[..., Case], int], ...] = (
        ("field", _field, RECORD[FIELD].itemsize),
        ("split", _split, RECORD.itemsize),
    )
    for level, (label, make, written) in product(levels().values(), makers):
        count = level.items(RECORD.itemsize, written)
        yield Planned(f"struct/{level.name}/{label}", make, count, library, level.name)


def time_cases() -> Iterator[Planned]:
    for level, (src, dst) in product(levels().values(), (("s", "ns"), ("ns", "D"), ("ns", "s"))):
        count = level.items(8, 8)
        name = f"time/{level.name}/{src}-{dst}"
        yield Planned(name, times.units, src, dst, count, level.name)


def text_cases() -> Iterator[Planned]:
    for level, (src, dst) in product(levels().values(), texts.TEXTS):
        count = level.items(np.dtype(src).itemsize, np.dtype(dst).itemsize)
        yield Planned(f"text/{level.name}/{src}-{dst}", texts.text, src, dst, count, level.name)


REDUCED = (*reduce.INTEGERS, *reduce.NARROW, "float32", "float64")


def _reduce_cases(op: str, library: Library) -> Iterator[Planned]:
    reduce.ignore_overflows()
    for level, type_name in product(levels().values(), REDUCED):
        count = level.items(dtype_of(type_name).itemsize, 0)
        name = f"{op}/{level.name}/{type_name}"
        arguments = (op, type_name, reduce.FLAT, count, library, level.name)
        yield Planned(name, reduce.beside_peers, *arguments)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[Library], Iterator[Planned]]] = {
    "cast": cast_cases,
    "relayout": relayout_cases,
    "byteswap": byteswap_cases,
    "scale": lambda _: scale_cases(),
    "struct": struct_cases,
    "time": lambda _: time_cases(),
    "text": lambda _: text_cases(),
    "sum": lambda library: _reduce_cases("sum", library),
    "argmax": lambda library: _reduce_cases("argmax", library),
}
