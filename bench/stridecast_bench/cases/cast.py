"""The matrix of casts: every numeric type to every other, beside all peers that can do the pair;
and the pairs that most programs need, out of memory, beside streams, on one thread and on several.

A cell whose types stridecast does not convert is no failure: it is reported as not converted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from functools import partial

import numpy as np

import stridecast
from stridecast_bench.cases.basic import LARGE, SMALL, expect_equal
from stridecast_bench.cases.types import (
    PARTS,
    POWERS,
    TYPES,
    cast_values,
    dtype_of,
    name_of,
    same_values,
)
from stridecast_bench.levels import MIB
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
from stridecast_bench.peers import PEERS, is_selected
from stridecast_bench.peers.casts import CASTS, Cast, filling
from stridecast_bench.peers.libraries import CANNOT

#: The last part of the name of a cell that converts a type to itself.
SAME = "same"


#: Pairs that NumPy with ml_dtypes converts to something else (each value to its truth), but for
#: their parts.
NUMPY_WRONG = {("complex32", "bcomplex32"), ("bcomplex32", "complex32")}


def expect_same_values(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    step = 1 << 20  # items at once: a comparison of everything would need as much memory again
    for start in range(0, got.size, step):
        part = slice(start, start + step)
        same = same_values(got[part], expected[part])
        if not same.all():
            item = start + int(np.argmin(same))
            raise AssertionError(
                f"{name}: item {item} is {got[item]}, the peer has {expected[item]}"
            )


def our_cast(src: np.ndarray, dst: np.ndarray, threads: int | None = None) -> Cast:
    """Ours; Unable where stridecast has no such conversion."""
    # One element tells: what cannot be converted is refused before a byte is read.
    try:
        stridecast.convert(src[:1], None, out=dst[:1])
    except TypeError as error:
        raise Unable(str(error)) from error
    names = {"convert": stridecast.convert, "a": src, "o": dst}
    if threads is None:
        return filling(timed("convert(a, None, out=o)", **names), dst)
    return filling(timed("convert(a, None, out=o, threads=t)", **names, t=threads), dst)


def spoiled(cast: Cast, dst: np.ndarray) -> np.ndarray:
    """What the cast gives where something else was; a copy."""
    dst.view(np.uint8).fill(0xA5)
    return cast.result().copy()


def _numpy_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    if (name_of(src.dtype), name_of(dst.dtype)) in NUMPY_WRONG:
        return None
    copyto = 'copyto(o, a, casting="unsafe")'
    return filling(timed(copyto, copyto=np.copyto, a=src, o=dst), dst)


def _known(src: np.ndarray, dst: np.ndarray) -> np.ndarray | None:
    """What a pair gives that NumPy gets wrong, by the parts, which it gets right."""
    names = name_of(src.dtype), name_of(dst.dtype)
    if names not in NUMPY_WRONG:
        return None
    parts = [dtype_of(PARTS[name]) for name in names]
    return src.view(parts[0]).astype(parts[1]).view(dst.dtype)


def _naive_cast(library: BenchLibrary | None, src: np.ndarray, dst: np.ndarray) -> Cast | None:
    batch = library and library.naive_cast(src, dst)
    return batch and filling(batch, dst)


def able_peers(
    src: np.ndarray,
    dst: np.ndarray,
    library: BenchLibrary | None,
    asked: Collection[str] = PEERS,
) -> tuple[dict[str, Batch], np.ndarray | None, dict[str, str]]:
    """Those asked who can do this pair, their result, and who gives another one, with an example.

    NumPy's result is the measure, by parts where it is wrong, or where NumPy cannot do it that of
    the first who can: a peer that does something else would be no peer.
    """
    peers: dict[str, Batch] = {}
    others: dict[str, str] = {}
    expected = _known(src, dst)
    powers = POWERS in (name_of(src.dtype), name_of(dst.dtype))
    makers = {"numpy": _numpy_cast, "c++": partial(_naive_cast, library), **CASTS}
    for name, make in makers.items():
        if name not in asked or not (name == "numpy" or is_selected(name)):
            continue
        if powers and name == "tensorstore":
            continue  # whose values are wrong, and where NumPy has no cast nobody would say so
        cast = make(src, dst)
        if cast is None:
            continue
        try:
            result = spoiled(cast, dst)
            if expected is None:
                expected = result
            expect_same_values(result, expected, name)
        except CANNOT:
            continue
        except AssertionError as error:
            others[name] = str(error)
        else:
            peers[name] = cast.batch
    return peers, expected, others


def packed(dtype: np.dtype, dst_name: str, count: int) -> np.ndarray:
    """`count` values that both types hold, in the byte order of `dtype`; the same over and over."""
    src = aligned(count, dtype)
    src[:] = np.resize(cast_values(name_of(dtype), dst_name, min(count, MIB)), count)
    return src


def beside_peers(
    name: str,
    src_type: np.dtype,
    dst_name: str,
    count: int,
    library: BenchLibrary | None,
    level: str = "",
) -> Case:
    """A cast of `count` contiguous elements beside every peer that has both types."""
    src = packed(src_type, dst_name, count)
    dst = aligned(count, dtype_of(dst_name), DESTINATION_OFFSET)
    ours = our_cast(src, dst)
    peers, expected, others = able_peers(src, dst, library)

    def check() -> None:
        if expected is not None:
            expect_same_values(spoiled(ours, dst), expected, name)

    seconds = max(0.1, 0.025 * (1 + len(peers)))
    work = Work.between(src, dst, level)
    return Case(name, ours.batch, peers, seconds, check, other_results=others, work=work)


def matrix_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """16 Ki contiguous elements, warm; warnings of lost imaginary parts are not shown."""
    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
    warnings.filterwarnings("ignore", "Casting complex values to real", UserWarning)  # PyTorch's
    for src in TYPES:
        for dst in TYPES:
            last = SAME if src == dst else dst
            name = f"matrix/{src}/{last}"
            yield Planned(name, beside_peers, dtype_of(src), dst, SMALL, library)


#: The casts that programs spend their time in; two-sided ones stand twice.
HOT = (
    ("float32", "bfloat16"),
    ("bfloat16", "float32"),
    ("float32", "float16"),
    ("float16", "float32"),
    ("float32", "float64"),
    ("float64", "float32"),
    ("float16", "bfloat16"),
    ("bfloat16", "float16"),
    ("float8_e4m3fn", "float32"),
    ("float32", "float8_e4m3fn"),
    ("float8_e4m3fn", "bfloat16"),
    ("bfloat16", "float8_e4m3fn"),
    ("int16", "float32"),
    ("uint8", "float32"),
    ("int32", "float32"),
    ("int64", "float32"),
    ("float64", "int64"),
    ("float32", "int16"),
    ("float32", "uint8"),
)


def streams_of(
    library: BenchLibrary, src: np.ndarray, dst: np.ndarray, threads: int
) -> dict[str, Batch]:
    """Streams of the bytes of a cast, by so many threads."""
    if not is_selected("stream"):
        return {}
    # Beside a destination of the streams' own, touched: they would spoil what is converted.
    out = aligned(dst.size, dst.dtype, DESTINATION_OFFSET)
    out.view(np.uint8).fill(0)
    return {
        label: library.stream(src, out, non_temporal=past_cache, threads=threads)
        for label, past_cache in (("stream", False), ("stream-nt", True))
    }


def _hot(
    name: str, src_name: str, dst_name: str, threads: int, library: BenchLibrary | None
) -> Case:
    """16 Mi elements beside streams of the same bytes on as many threads."""
    if library is None:
        raise Unable("its yardstick is in libstridecast_bench")
    src = packed(dtype_of(src_name), dst_name, LARGE)
    dst = aligned(LARGE, dtype_of(dst_name), DESTINATION_OFFSET)
    ours = our_cast(src, dst, threads)

    def check() -> None:
        expected = np.empty_like(dst)
        np.copyto(expected, src, casting="unsafe")
        expect_equal(spoiled(ours, dst), expected, name)

    streams = streams_of(library, src, dst, threads)
    work = Work.between(src, dst, threads=threads)
    return Case(name, ours.batch, streams, 0.8, check, work=work)


def hot_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    for src, dst in HOT:
        yield Planned(f"hot/{src}/{dst}", _hot, src, dst, 1, library)


def hot_thread_cases(library: BenchLibrary | None, threads: int) -> Iterator[Planned]:
    """The same in a process that is pinned to as many CPUs."""
    for src, dst in HOT:
        yield Planned(f"hot-threads/{src}/{dst}", _hot, src, dst, threads, library)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {
    "matrix": matrix_cases,
    "hot": hot_cases,
}
