"""Loops that a user of numba writes over memory that is there, compiled before anything is timed.

numba has no float16, none of ml_dtypes' types and no foreign byte orders: such items are read as
integers, whose bytes are swapped, and looked at as what they stand for. On several threads the same
loops are prange's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import numpy as np

from stridecast_bench.measure import Batch, timed
from stridecast_bench.peers.libraries import find_numba, threads

TYPES = frozenset(
    {
        "bool",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        "float32",
        "float64",
    }
)


@cache
def swapper() -> Callable:
    """LLVM's own instruction: numba would do shifts in 64 bits, to which its integers grow."""
    from numba.extending import intrinsic

    @intrinsic
    def bswap(typing, bits):
        return bits(bits), lambda context, builder, signature, given: builder.bswap(given[0])

    return bswap


@cache
def _loops(source: str, parallel: bool) -> SimpleNamespace:
    """The loops over items of a dtype.str; foreign byte orders come as unsigned integers."""
    numba = find_numba()
    jit, helper, prange = numba.njit(parallel=parallel), numba.njit, numba.prange
    dtype = np.dtype(source)
    bits = np.dtype(f"u{dtype.itemsize}").type
    if dtype.isnative:

        @helper
        def load(item):
            return item

    else:
        bswap, kind = swapper(), dtype.newbyteorder("=").type

        @helper
        def load(item):
            return bits(bswap(item)).view(kind)

    zero = {"f": dtype.type, "u": np.uint64}.get(dtype.kind, np.int64)(0)

    @jit
    def copy1(src, dst):
        for i in prange(src.size):
            dst[i] = load(src[i])

    @jit
    def copy2(src, dst):
        for i in prange(dst.shape[0]):
            for j in range(dst.shape[1]):
                dst[i, j] = load(src[i, j])

    @jit
    def inplace(items):  # one array: two that may overlap would not be vectorised
        for i in prange(items.size):
            items[i] = bits(load(items[i]))

    @jit
    def decode(src, missing, scale, offset, nan, dst):
        for i in prange(src.size):
            item = load(src[i])
            dst[i] = nan if item == missing else np.float32(item) * scale + offset

    @jit
    def total(src):
        found = zero
        for i in prange(src.size):
            found += load(src[i])
        return found

    @jit
    def argmax(src):  # on one thread: prange has no reduction of pairs
        best, place = load(src[0]), 0
        for i in range(1, src.size):
            item = load(src[i])
            if item > best:
                best, place = item, i
        return place

    return SimpleNamespace(
        copy1=copy1, copy2=copy2, inplace=inplace, decode=decode, sum=total, argmax=argmax
    )


def _loop(name: str, src: np.ndarray) -> Callable | None:
    if src.dtype.name not in TYPES or find_numba() is None:
        return None
    return getattr(_loops(src.dtype.str, threads() > 1), name)


def _readable(src: np.ndarray) -> np.ndarray:
    return src if src.dtype.isnative else src.view(f"u{src.itemsize}")


def copy(src: np.ndarray, dst: np.ndarray) -> Batch | None:
    """Casts, byteswaps and copies of one axis or two, with any strides."""
    loop = _loop(f"copy{src.ndim}", src) if src.ndim in (1, 2) else None
    if loop is None or dst.dtype.name not in TYPES or not dst.dtype.isnative:
        return None
    return _compiled("run(a, o)", run=loop, a=_readable(src), o=dst)


def byteswap(items: np.ndarray) -> Batch | None:
    """In place, of packed unsigned integers."""
    loop = _loop("inplace", items.view(items.dtype.newbyteorder()))
    return loop and _compiled("run(a)", run=loop, a=items)


def decode(
    src: np.ndarray, dst: np.ndarray, missing: int, scale: np.float32, offset: np.float32
) -> Batch | None:
    """src * scale + offset in float32, and NaN for `missing`."""
    loop = _loop("decode", src)
    if loop is None:
        return None
    missing, nan = src.dtype.type(missing), np.float32(np.nan)
    names = {"m": missing, "s": scale, "f": offset, "nan": nan}
    return _compiled("run(a, m, s, f, nan, o)", run=loop, a=_readable(src), **names, o=dst)


#: Reductions of one axis by our names.
FOLDS = ("sum", "argmax")


def fold(a: np.ndarray, op: str) -> Callable[[np.ndarray], object] | None:
    """The loop of one of FOLDS over items of one axis; sums are 64-bit integers, or floats."""
    return _loop(op, a) if op in FOLDS and a.ndim == 1 else None


def _compiled(call: str, **names: object) -> Batch:
    batch = timed(call, **names)
    batch(1)  # compiles, or finds what was compiled for these types
    return batch
