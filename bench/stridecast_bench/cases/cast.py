"""The matrix of casts: every numeric type to every other, beside all peers that can do the pair;
and the pairs that most programs need, out of memory, beside streams, on one thread and on several.

A cell whose types stridecast does not convert is no failure: it is reported as not converted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np

import stridecast
from stridecast_bench.cases.basic import LARGE, SMALL, expect_equal
from stridecast_bench.cases.types import POWERS, TYPES, cast_values, dtype_of, name_of, same_values
from stridecast_bench.measure import (
    DESTINATION_OFFSET,
    Batch,
    BenchLibrary,
    Case,
    Planned,
    Unable,
    aligned,
    timed,
)
from stridecast_bench.peers.libraries import CANNOT, CASTS, Cast, filling

#: The last part of the name of a cell that converts a type to itself.
SAME = "same"


#: Pairs that NumPy with ml_dtypes converts to something else (each value to its truth), so that
#: another peer's result is the measure.
NUMPY_WRONG = {("complex32", "bcomplex32"), ("bcomplex32", "complex32")}


def expect_same_values(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    same = same_values(got, expected)
    if not same.all():
        item = int(np.argmin(same))
        raise AssertionError(f"{name}: item {item} is {got[item]}, the peer has {expected[item]}")


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


def _spoiled(cast: Cast, dst: np.ndarray) -> np.ndarray:
    """What the cast gives where something else was; a copy."""
    dst.view(np.uint8).fill(0xA5)
    return cast.result().copy()


def _numpy_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    if (name_of(src.dtype), name_of(dst.dtype)) in NUMPY_WRONG:
        return None
    copyto = 'copyto(o, a, casting="unsafe")'
    return filling(timed(copyto, copyto=np.copyto, a=src, o=dst), dst)


def able_peers(
    src: np.ndarray, dst: np.ndarray
) -> tuple[dict[str, Batch], np.ndarray | None, dict[str, str]]:
    """The peers that can do this pair, their result, and who gives another one, with an example.

    NumPy's result is the measure, or where NumPy cannot do it that of the first who can: a peer
    that does something else would be no peer.
    """
    peers: dict[str, Batch] = {}
    others: dict[str, str] = {}
    expected = None
    powers = POWERS in (name_of(src.dtype), name_of(dst.dtype))
    for name, make in {"numpy": _numpy_cast, **CASTS}.items():
        if powers and name == "tensorstore":
            continue  # whose values are wrong, and where NumPy has no cast nobody would say so
        cast = make(src, dst)
        if cast is None:
            continue
        try:
            result = _spoiled(cast, dst)
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


def _cell(name: str, src_name: str, dst_name: str) -> Case:
    src = aligned(SMALL, dtype_of(src_name))
    dst = aligned(SMALL, dtype_of(dst_name), DESTINATION_OFFSET)
    src[:] = cast_values(src_name, dst_name, SMALL)
    ours = our_cast(src, dst)
    peers, expected, others = able_peers(src, dst)

    def check() -> None:
        if expected is not None:
            expect_same_values(_spoiled(ours, dst), expected, name)

    return Case(name, ours.batch, peers, check=check, other_results=others)


def matrix_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """16 Ki contiguous elements, warm; warnings of lost imaginary parts are not shown."""
    del library
    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
    warnings.filterwarnings("ignore", "Casting complex values to real", UserWarning)  # PyTorch's
    for src in TYPES:
        for dst in TYPES:
            last = SAME if src == dst else dst
            yield Planned(f"matrix/{src}/{last}", _cell, src, dst)


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


def _hot(
    name: str, src_name: str, dst_name: str, threads: int, library: BenchLibrary | None
) -> Case:
    """16 Mi elements beside streams of the same bytes on as many threads."""
    if library is None:
        raise ValueError("its yardstick is in libstridecast_bench")
    src = aligned(LARGE, dtype_of(src_name))
    dst = aligned(LARGE, dtype_of(dst_name), DESTINATION_OFFSET)
    src[:] = np.resize(cast_values(src_name, dst_name, LARGE // 16), LARGE)
    ours = our_cast(src, dst, threads)

    def check() -> None:
        expected = np.empty_like(dst)
        np.copyto(expected, src, casting="unsafe")
        expect_equal(_spoiled(ours, dst), expected, name)

    # Beside a destination of the streams' own, touched: they would spoil what is converted.
    out = aligned(LARGE, dst.dtype, DESTINATION_OFFSET)
    out.view(np.uint8).fill(0)
    streams = {
        label: library.stream(src, out, non_temporal=past_cache, threads=threads)
        for label, past_cache in (("stream", False), ("stream-nt", True))
    }
    return Case(name, ours.batch, streams, 0.8, check)


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
