"""Work out of memory on one thread or several: casts, transposes, byteswaps, measurements, sums.

Ours beside the libraries that share a call's work out to threads, and beside what the machine moves
with as many. Who has one thread is not here. The process is pinned to as many CPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

import stridecast
from stridecast_bench.cases import cast, reduce, relayout, scale, strided
from stridecast_bench.cases.by_level import side_of_square
from stridecast_bench.cases.types import dtype_of
from stridecast_bench.levels import levels
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import DESTINATION_OFFSET, Case, Planned, Work, aligned, timed
from stridecast_bench.peers.casts import COPIES
from stridecast_bench.peers.libraries import THREADED

Library = BenchLibrary | None
#: Seconds of a case: few rounds, as one of some takes a tenth of a second.
SECONDS = 0.6
LEVEL = "memory"
SUMMED = ("int8", "int32", "int64", "bfloat16", "float32", "float64")


def _cast(name: str, src_name: str, dst_name: str, threads: int, library: Library) -> Case:
    count = levels()[LEVEL].items(dtype_of(src_name).itemsize, dtype_of(dst_name).itemsize)
    src = cast.packed(dtype_of(src_name), dst_name, count)
    dst = aligned(count, dtype_of(dst_name), DESTINATION_OFFSET)
    ours = cast.our_cast(src, dst, threads)
    peers, expected, others = cast.able_peers(src, dst, None, ("numpy", *THREADED))
    peers.pop("numpy", None)  # it was asked for the result

    def check() -> None:
        if expected is not None:
            cast.expect_same_values(cast.spoiled(ours, dst), expected, name)

    if library is not None:
        peers |= cast.streams_of(library, src, dst, threads)
    work = Work.between(src, dst, LEVEL, threads)
    return Case(name, ours.batch, peers, SECONDS, check, other_results=others, work=work)


def _transpose(name: str, dtype: np.dtype, threads: int, library: Library) -> Case:
    side = side_of_square(levels()[LEVEL], dtype.itemsize)
    a = relayout.scattered((side, side), dtype)
    out = relayout.destination((side, side), dtype)
    copy = "copy(a, out=o, threads=t)"
    ours = timed(copy, copy=stridecast.copy, a=a.T, o=out, t=threads)
    made = {peer: COPIES[peer](a.T, out) for peer in THREADED if peer in COPIES}
    peers = {peer: batch for peer, batch in made.items() if batch is not None}
    check = relayout.filled_as_numpy(name, a.T, out, {"stridecast": ours, **peers})
    if library is not None:
        peers["memcpy"] = library.memcpy(a, out, threads)
    return Case(name, ours, peers, SECONDS, check, work=Work.between(a.T, out, LEVEL, threads))


def _sum(name: str, type_name: str, threads: int, library: Library) -> Case:
    count = levels()[LEVEL].items(dtype_of(type_name).itemsize, 0)
    a = reduce.source("sum", type_name, reduce.FLAT, count)
    ours = reduce.our_reduction(a, "sum", threads=threads)
    right = reduce.expected(type_name, "sum", a, None)
    peers, others = reduce.able_peers(a, "sum", None, right, None, THREADED)
    if library is not None:
        peers["read"] = library.read(a, threads)
    work = Work.reducing(a, ours.result(), LEVEL, threads)
    check = reduce.checked(right, ours)
    return Case(name, ours.batch, peers, SECONDS, check, other_results=others, work=work)


def _byteswap(name: str, size: int, threads: int, library: Library) -> Case:
    count = levels()[LEVEL].items(size, 0)
    return strided.byteswap(name, size, count, library, LEVEL, threads)


def _decode(name: str, threads: int) -> Case:
    return scale.decode(name, levels()[LEVEL].items(2, 4), np.dtype(np.int16), LEVEL, threads)


def cases(library: Library, threads: int) -> Iterator[Planned]:
    for src, dst in cast.HOT:
        yield Planned(f"threads/hot/{src}/{dst}", _cast, src, dst, threads, library)
    for size, dtype in relayout.UNSIGNED.items():
        yield Planned(f"threads/square/{size}", _transpose, dtype, threads, library)
    for size in (2, 4, 8):
        yield Planned(f"threads/byteswap/{size}", _byteswap, size, threads, library)
    yield Planned("threads/scale/int16/float32", _decode, threads)
    for type_name in SUMMED:
        yield Planned(f"threads/sum/{type_name}", _sum, type_name, threads, library)


#: Generators of cases by the first part of their names, for a process with one thread.
GROUPS = {"threads": partial(cases, threads=1)}
