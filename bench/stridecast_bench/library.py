"""libstridecast_bench by ctypes: where it lies, and its calls as batches to be timed.

What they do is bench/module.cc's and bench/naive_module.cc's; how batches are timed, measure.py's.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stridecast_bench.measure import Batch, timed


def find_libraries() -> list[Path]:
    """libstridecast_bench under build*/ of the checkout around this file, the newest first."""
    root = Path(__file__).resolve().parents[2]
    found = {
        candidate.resolve()
        for pattern in ("build*/bench", "build*/*/bench")
        for candidate in root.glob(f"{pattern}/libstridecast_bench.*")
        if candidate.suffix in (".so", ".dylib")
    }
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def find_library(path: str | None = None) -> Path | None:
    """libstridecast_bench: `path`, $STRIDECAST_BENCH_LIBRARY, or the newest that has all functions.

    Raises ValueError where one that was named cannot be used.
    """
    given = path or os.environ.get("STRIDECAST_BENCH_LIBRARY")
    for candidate in [Path(given)] if given else find_libraries():
        try:
            BenchLibrary(candidate)
        except (OSError, AttributeError) as error:  # of another state of the tree
            if given:
                raise ValueError(
                    f"{given} is no libstridecast_bench of this version: {error}"
                ) from error
        else:
            return candidate
    return None


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


#: The types of bench/naive.h, and its reductions, in its order.
NAIVE_TYPES = (
    "bool",
    *(f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")),
    *("float16", "bfloat16", "float32", "float64"),
)
NAIVE_FOLDS = ("sum", "max", "argmax")


def _steps_of_rows(array: np.ndarray) -> tuple[int, ...]:
    return (0, *array.strides)[-2:]


class BenchLibrary:
    """The C++ side: the streams of bench/stream.h, memcpy, the loops of bench/naive.h, and C++
    calls that time themselves.

    Its batches hold the addresses of the arrays that they are given, and keep the arrays.
    """

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        pointer, count, flag = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
        signatures = {
            "stream_lines_run": [pointer, count, pointer, count, flag],
            "stream_pages_run": [pointer, pointer, count],
            "stream_ns": [count, pointer, pointer, count, flag, flag, flag, flag],
            "stream_read_ns": [count, pointer, count, flag],
            "stream_write_ns": [count, pointer, count, flag, flag],
            "memcpy_ns": [count, pointer, pointer, count, flag],
            "naive_cast_ns": [count, flag, flag, flag, pointer, pointer, *(6 * [count])],
            "naive_byteswap_ns": [count, flag, pointer, count],
            "naive_fold_ns": [count, flag, flag, pointer, count, pointer],
            "blocked_transpose_ns": [count, flag, pointer, count, count, pointer],
            "plan_lookup_ns": [count],
            "plan_make_ns": [count],
            "plan_run_ns": [count, pointer, pointer, count],
            "parse_fresh_ns": [count],
            "parse_letter_ns": [count],
        }
        library.bench_build.restype = ctypes.c_char_p
        #: The compiler and the flags of the loops.
        self.build = library.bench_build().decode()
        for name, types in signatures.items():
            function = getattr(library, name)
            function.argtypes = types
            function.restype = count if name.endswith("_ns") else flag
            setattr(self, name, function)

    @staticmethod
    def _batch(call: Callable[..., int], what: str, *arguments: object, keep: object) -> Batch:
        if call(*arguments) != 1:
            raise ValueError(f"no {what}")
        return timed("run(*arguments)", run=call, arguments=arguments, keep=keep)

    @staticmethod
    def _self_timed(call: Callable[..., int], what: str, *arguments: object, keep: object) -> Batch:
        def batch(n: int, keep: object = keep) -> int:
            elapsed = call(n, *arguments)
            if elapsed < 0:
                raise ValueError(f"no {what}")
            return elapsed

        return batch

    @classmethod
    def _if_able(cls, call: Callable[..., int], *arguments: object, keep: object) -> Batch | None:
        if call(0, *arguments) < 0:
            return None
        return cls._self_timed(call, "loop", *arguments, keep=keep)

    def stream(
        self, src: np.ndarray, dst: np.ndarray, *, non_temporal: bool, threads: int = 1
    ) -> Batch:
        """Moves the bytes that a cast of `src` into `dst` moves; both are contiguous.

        Several threads take one piece each.
        """
        sizes = (src.size, src.itemsize, dst.itemsize)
        arguments = (_address(src), _address(dst), *sizes, int(non_temporal), threads)
        what = f"stream of {src.itemsize} and {dst.itemsize} bytes an item by {threads} threads"
        return self._self_timed(self.stream_ns, what, *arguments, keep=(src, dst))

    def stream_lines(self, src: np.ndarray, dst: np.ndarray, *, non_temporal: bool) -> Batch:
        """Reads every cache line of `src` once and writes `dst`; both are contiguous."""
        arguments = (_address(src), src.nbytes, _address(dst), dst.nbytes, int(non_temporal))
        what = f"stream to address {dst.ctypes.data:x}"
        return self._batch(self.stream_lines_run, what, *arguments, keep=(src, dst))

    def stream_pages(self, src: np.ndarray, dst: np.ndarray) -> Batch:
        """A non-temporal copy of a contiguous array that takes four pages in turn."""
        arguments = (_address(src), _address(dst), src.nbytes)
        what = f"stream to address {dst.ctypes.data:x}"
        return self._batch(self.stream_pages_run, what, *arguments, keep=(src, dst))

    def read(self, src: np.ndarray, threads: int = 1) -> Batch:
        """Reads the bytes of a contiguous array, cut into one piece for each thread."""
        arguments = (_address(src), src.nbytes, threads)
        what = f"read of {src.nbytes} bytes by {threads} threads"
        return self._self_timed(self.stream_read_ns, what, *arguments, keep=src)

    def fill(self, dst: np.ndarray, past_cache: bool, threads: int = 1) -> Batch:
        """Writes the bytes of a contiguous array, cut into one piece for each thread."""
        arguments = (_address(dst), dst.nbytes, int(past_cache), threads)
        what = f"fill of {dst.nbytes} bytes by {threads} threads"
        return self._self_timed(self.stream_write_ns, what, *arguments, keep=dst)

    def memcpy(self, src: np.ndarray, dst: np.ndarray, threads: int = 1) -> Batch:
        """memcpy of as many bytes as both have, cut into one piece for each thread."""
        size = min(src.nbytes, dst.nbytes)
        arguments = (_address(src), _address(dst), size, threads)
        what = f"memcpy of {size} bytes by {threads} threads"
        return self._self_timed(self.memcpy_ns, what, *arguments, keep=(src, dst))

    def naive_cast(self, src: np.ndarray, dst: np.ndarray) -> Batch | None:
        """A plain loop over arrays of one axis or two; None where there is none for their types."""
        names = [array.dtype.name for array in (src, dst)]
        if not set(names) <= set(NAIVE_TYPES) or src.ndim not in (1, 2) or not dst.dtype.isnative:
            return None
        types = [NAIVE_TYPES.index(name) for name in names]
        shape = (1, *src.shape)[-2:]
        steps = (*_steps_of_rows(src), *_steps_of_rows(dst))
        places = (_address(src), _address(dst))
        swapped = int(not src.dtype.isnative)
        arguments = (*types, swapped, *places, *shape, *steps)
        return self._if_able(self.naive_cast_ns, *arguments, keep=(src, dst))

    def naive_copy(self, src: np.ndarray, dst: np.ndarray) -> Batch | None:
        """The same of items that are the same on both sides, whatever they mean."""
        if src.dtype != dst.dtype or src.itemsize not in (1, 2, 4, 8):
            return self.naive_cast(src, dst)
        bits = f"u{src.itemsize}"
        return self.naive_cast(src.view(bits), dst.view(bits))

    def naive_byteswap(self, items: np.ndarray) -> Batch | None:
        """A plain loop over a packed array, in place."""
        arguments = (items.itemsize, _address(items), items.size)
        return self._if_able(self.naive_byteswap_ns, *arguments, keep=items)

    def naive_fold(self, op: str, a: np.ndarray, result: np.ndarray) -> Batch | None:
        """A plain loop over a packed array; one of NAIVE_FOLDS into `result`."""
        if a.dtype.name not in NAIVE_TYPES or op not in NAIVE_FOLDS:
            return None
        fold, kind = NAIVE_FOLDS.index(op), NAIVE_TYPES.index(a.dtype.name)
        arguments = (fold, kind, _address(a), a.size, _address(result))
        return self._if_able(self.naive_fold_ns, *arguments, keep=(a, result))

    def blocked_transpose(self, a: np.ndarray, dst: np.ndarray) -> Batch | None:
        """The packed matrix `a` transposed into the packed `dst`, block by block."""
        arguments = (a.itemsize, _address(a), *a.shape, _address(dst))
        return self._if_able(self.blocked_transpose_ns, *arguments, keep=(a, dst))

    def plan_run(self, src: np.ndarray, dst: np.ndarray) -> Batch:
        """Runs of one plan that takes packed float32 to float64."""
        arguments = (_address(src), _address(dst), src.size)
        return self._self_timed(self.plan_run_ns, "plan", *arguments, keep=(src, dst))
