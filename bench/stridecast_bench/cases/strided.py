"""Cases whose items lie apart or change their bytes: strided sources, byteswaps, structs; and the
same work on two threads.

Beside NumPy, and where memory decides beside streams that touch the same cache lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import stridecast
from stridecast_bench.cases.basic import LARGE, SMALL, dtype_of, expect_equal, values
from stridecast_bench.cases.relayout import (
    MIB,
    UNSIGNED,
    destination,
    filled_as_numpy,
    our_batch,
    plain_loops,
    relayout,
    scattered,
    uncached_destination,
)
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import Batch, Case, Planned, Work, aligned, timed
from stridecast_bench.peers import is_selected, loops

#: Views of `memory` (1-D, `span(kind)` bytes an item) by the names of their kinds.
STRIDES = {f"stride{step}": step for step in range(2, 9)}
KINDS = ("reversed", *STRIDES, "field13")
#: A field of 13-byte structs that starts at an odd offset and may end with its struct.
FIELD_STRIDE, FIELD_OFFSET = 13, 5


def item_span(kind: str, itemsize: int) -> int:
    """Bytes from one item to the next."""
    return FIELD_STRIDE if kind == "field13" else STRIDES.get(kind, 1) * itemsize


def strided_view(kind: str, dtype: np.dtype, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A source of this kind, and the bytes that it lies in."""
    memory = scattered((count * item_span(kind, dtype.itemsize),), UNSIGNED[1])
    if kind == "field13":
        layout = {"names": ["x"], "formats": [dtype], "offsets": [FIELD_OFFSET]}
        struct = np.dtype({**layout, "itemsize": FIELD_STRIDE})
        return memory.view(struct)["x"], memory
    items = memory.view(dtype)
    return items[::-1] if kind == "reversed" else items[:: STRIDES[kind]], memory


def line_streams(
    library: BenchLibrary | None, memory: np.ndarray, dst: np.ndarray
) -> dict[str, Batch]:
    """Streams that read every cache line of `memory` once and write `dst`."""
    if library is None or not is_selected("stream"):
        return {}
    return {
        "stream": library.stream_lines(memory, dst, non_temporal=False),
        "stream-nt": library.stream_lines(memory, uncached_destination(dst), non_temporal=True),
    }


def _strided(
    name: str,
    kind: str,
    src_type: np.dtype,
    dst_type: np.dtype,
    count: int,
    library: BenchLibrary | None,
) -> Case:
    src, memory = strided_view(kind, src_type, count)
    if src_type != dst_type:  # numbers that both types hold
        src[:] = values("float32", "float32", count)
    out = destination((count,), dst_type)
    large = count == LARGE
    return relayout(
        name,
        src,
        out,
        beside=("torch", "numba"),
        fills=plain_loops(library, src, out),
        streams=line_streams(library, memory, out) if large else None,
        seconds=0.4 if large else 0.1,
    )


def strided_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """Strided to contiguous in cache and from memory: copies of every size, and two casts."""
    float32 = np.dtype(np.float32)
    for where, count in (("16Ki", SMALL), ("16Mi", LARGE)):
        for size, dtype in UNSIGNED.items():
            for kind in KINDS:
                name = f"strided/{where}/{size}/{kind}"
                yield Planned(name, _strided, kind, dtype, dtype, count, library)
        for dst in ("float64", "bfloat16"):
            for kind in ("reversed", "stride2", "stride3", "stride4", "stride5"):
                name = f"strided/{where}/float32-{dst}/{kind}"
                yield Planned(name, _strided, kind, float32, dtype_of(dst), count, library)


def byteswap(
    name: str,
    size: int,
    count: int,
    library: BenchLibrary | None,
    level: str = "",
    threads: int | None = None,
) -> Case:
    """In place; `threads`, if any, beside streams alone: nobody else has them."""
    a = scattered((count,), UNSIGNED[size])
    call = "byteswap(a, inplace=True, threads=t)"
    ours = timed(call, byteswap=stridecast.byteswap, a=a, t=threads)
    swaps = {}
    if threads is None:
        ours = timed("byteswap(a, inplace=True)", byteswap=stridecast.byteswap, a=a)
        swaps = {"numpy": timed("byteswap(True)", byteswap=a.byteswap), "numba": loops.byteswap(a)}
    if threads is None and library is not None:
        swaps["c++"] = library.naive_byteswap(a)
    swaps = {peer: batch for peer, batch in swaps.items() if batch is not None}

    def check() -> None:
        for peer, batch in {"stridecast": ours, **swaps}.items():
            expected = a.byteswap()
            batch(1)
            expect_equal(a, expected, f"{name} by {peer}")

    peers = dict(swaps)
    if library is not None:
        peers["stream"] = library.stream(a, a, non_temporal=False, threads=threads or 1)
    seconds = 0.6 if a.nbytes > MIB else 0.15
    work = Work.inside(a, level, threads or 1)
    return Case(name, ours, peers, seconds, check, work=work)


def byteswap_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """In place, in cache and from memory; the stream reads and writes the same array."""
    for size in (2, 4, 8):
        yield Planned(f"byteswap/16Ki/{size}", byteswap, size, SMALL, library)
        yield Planned(f"byteswap/128MiB/{size}", byteswap, size, 128 * MIB // size, library)


#: Names, source types and destination types; x and n are converted.
STRUCT_FIELDS = (
    ("id", "i4", "i4"),
    ("x", "f8", "f4"),
    ("y", "f4", "f4"),
    ("n", "i2", "i4"),
    ("t", "i8", "i8"),
    ("flag", "u1", "u1"),
)


def _struct(name: str, align: bool) -> Case:
    """A million structs of six fields, beside an assignment for each field."""
    src_type = np.dtype([(field, src) for field, src, _ in STRUCT_FIELDS], align=align)
    dst_type = np.dtype([(field, dst) for field, _, dst in STRUCT_FIELDS], align=align)
    a, out = scattered((MIB,), src_type), destination((MIB,), dst_type)
    a["x"] = values("float64", "float32", MIB)  # numbers that both types hold
    pairs = [(out[field], a[field]) for field, _, _ in STRUCT_FIELDS]
    ours = our_batch(a, out)

    def assign() -> None:
        for field_out, field_in in pairs:
            field_out[...] = field_in

    def check() -> None:
        out.view(np.uint8).fill(0xA5)
        ours(1)
        for field, _, dst in STRUCT_FIELDS:
            # Through another type than the struct's, so that the assignment is not its own judge.
            expect_equal(out[field].copy(), a[field].astype(dst), f"{name}.{field}")

    numpy = timed("assign()", assign=assign)
    return Case(name, ours, {"numpy": numpy}, 0.6, check, work=Work.between(a, out))


def struct_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    del library
    yield Planned("struct/packed", _struct, False)
    yield Planned("struct/aligned", _struct, True)


def _on_threads(
    name: str, src: np.ndarray, dst: np.ndarray, threads: int, library: BenchLibrary | None
) -> Case:
    """Our threads beside one of ours, and beside what memcpy gains by as many of them."""
    call = "convert(a, None, out=o, threads=t)"
    ours, one = (timed(call, convert=stridecast.convert, a=src, o=dst, t=t) for t in (threads, 1))
    peers = {"one": one}
    if library is not None:
        a, out = scattered((64 * MIB,), UNSIGNED[1]), destination((64 * MIB,), UNSIGNED[1])
        out.fill(1)
        peers["memcpy-1"] = library.memcpy(a, out)
        peers["memcpy-n"] = library.memcpy(a, out, threads)
    check = filled_as_numpy(name, src, dst, {"one thread": one, f"{threads} threads": ours})
    work = Work.between(src, dst, threads=threads)
    return Case(name, ours, peers, 1.0, check, work=work)


def _transpose_on_threads(name: str, n: int, *rest: object) -> Case:
    a, out = scattered((n, n), UNSIGNED[4]), destination((n, n), UNSIGNED[4])
    return _on_threads(name, a.T, out, *rest)


def _copy_on_threads(name: str, *rest: object) -> Case:
    a = scattered((64 * MIB // 4,), UNSIGNED[4])
    return _on_threads(name, a, destination(a.shape, a.dtype), *rest)


def _cast_on_threads(name: str, dst: str, *rest: object) -> Case:
    a = aligned(LARGE, np.dtype(np.float32))
    a[:] = values("float32", "float32", LARGE)
    return _on_threads(name, a, destination(a.shape, dtype_of(dst)), *rest)


def thread_cases(library: BenchLibrary | None, threads: int) -> Iterator[Planned]:
    """More threads than one beside one, in a process that is pinned to as many CPUs."""
    rest = (threads, library)
    for n in (4096, 4099):
        yield Planned(f"threads/transpose/{n}", _transpose_on_threads, n, *rest)
    yield Planned("threads/copy/64MiB", _copy_on_threads, *rest)
    for dst in ("bfloat16", "float64"):
        yield Planned(f"threads/cast/float32-{dst}", _cast_on_threads, dst, *rest)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {
    "strided": strided_cases,
    "byteswap": byteswap_cases,
    "struct": struct_cases,
}
