"""The peers' ways from packed integers to float32: what fits.py and cube.py are measured against.

All compute `stored * scale + offset` in float32, each operation rounded, and NaN where `stored` is
the missing value: the same bits on all sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import Maker, Way, fills
from stridecast_bench.measure import timed
from stridecast_bench.peers.libraries import find_numba, find_numexpr
from stridecast_bench.peers.loops import swapper


@dataclass(frozen=True)
class Packing:
    """How numbers were packed into big-endian int16."""

    scale: np.float32
    offset: np.float32
    missing: int | None = None


def our_way(packed: np.ndarray, packing: Packing, out: np.ndarray) -> Way:
    names = {"scale": float(packing.scale), "offset": float(packing.offset)}
    batch = timed(
        'decode(a, "f", scale=scale, offset=offset, missing=missing, out=o)',
        **{"decode": stridecast.decode, "a": packed, "o": out, "missing": packing.missing, **names},
    )
    return fills(batch, out)


def packed_peers(packed: np.ndarray, packing: Packing, out: np.ndarray) -> dict[str, Maker]:
    """`packed` is contiguous big-endian int16, `out` as contiguous."""
    return {
        "numpy": partial(_numpy, packed, packing, out),
        "numpy-blocks": partial(_numpy_blocks, packed, packing, out),
        "numpy-table": partial(_numpy_table, packed, packing, out),
        "numexpr": partial(_numexpr, packed, packing, out),
        "numba": partial(_numba, packed, packing, out),
    }


NAN = np.float32(np.nan)
#: Items whose results and mask stay in the cache from step to step; of three sizes the best.
BLOCK = 1 << 15


def _steps(a: np.ndarray, p: Packing, out: np.ndarray, mask: np.ndarray) -> None:
    """NumPy without a temporary array, in the order that is fastest for it."""
    np.copyto(out, a, casting="unsafe")
    if p.missing is not None:  # not of `a`, whose bytes it would swap again
        np.equal(out, np.float32(p.missing), out=mask)
    np.multiply(out, p.scale, out=out)
    np.add(out, p.offset, out=out)
    if p.missing is not None:
        np.copyto(out, NAN, where=mask)


def _numpy(a: np.ndarray, packing: Packing, out: np.ndarray) -> Way:
    names = {"a": a, "p": packing, "o": out, "mask": np.empty(a.shape, bool)}
    return fills(timed("steps(a, p, o, mask)", steps=_steps, **names), out)


def _numpy_blocks(a: np.ndarray, packing: Packing, out: np.ndarray) -> Way:
    """The same steps over a part at a time."""
    flat, into, mask = a.reshape(-1), out.reshape(-1), np.empty(BLOCK, bool)
    parts = [slice(start, start + BLOCK) for start in range(0, flat.size, BLOCK)]
    blocks = [(flat[part], into[part], mask[: into[part].size]) for part in parts]

    def run() -> None:
        for a, out, mask in blocks:
            _steps(a, packing, out, mask)

    return fills(timed("run()", run=run), out)


def _numpy_table(a: np.ndarray, packing: Packing, out: np.ndarray) -> Way:
    """One look-up for each item, by its bytes as they are, in the 65,536 results there are."""
    stored = np.arange(1 << 16, dtype="u2").view(">i2")
    table = stored.astype("f4") * packing.scale + packing.offset
    if packing.missing is not None:
        table[stored == packing.missing] = NAN
    names = {"take": np.take, "t": table, "a": a.view("u2"), "o": out}
    return fills(timed('take(t, a, out=o, mode="clip")', **names), out)


def _numexpr(a: np.ndarray, packing: Packing, out: np.ndarray) -> Way | None:
    """In one pass, by blocks that the cache holds; re_evaluate leaves out what it compiled."""
    numexpr = find_numexpr()
    if numexpr is None:
        return None
    names = {"a": a, "s": packing.scale, "f": packing.offset, "nan": NAN}
    text = "a * s + f"
    if packing.missing is not None:
        text, names["m"] = "where(a == m, nan, a * s + f)", np.int16(packing.missing)
    again = numexpr.re_evaluate

    def evaluate(expression: str = text, **arguments: object) -> None:
        numexpr.evaluate(expression, arguments, {}, out=out, casting="unsafe")

    def batch(n: int) -> int:
        evaluate(**names)  # re_evaluate repeats the last expression of the process
        return timed("again(names)", again=again, names=names)(n)

    return fills(batch, out)


@cache
def _loops() -> tuple[Callable, Callable]:
    """Without and with a missing value. Numba knows native arrays only: they come as bits."""
    numba, swapped = find_numba(), swapper()

    @numba.njit(nogil=True)
    def unpack(bits: np.ndarray, scale, offset, out: np.ndarray) -> None:
        for k in range(bits.size):
            stored = np.int16(np.uint16(swapped(bits[k])))
            out[k] = np.float32(stored) * scale + offset

    @numba.njit(nogil=True)
    def unpack_there(bits: np.ndarray, scale, offset, missing, out: np.ndarray) -> None:
        for k in range(bits.size):
            stored = np.int16(np.uint16(swapped(bits[k])))
            value = np.float32(stored) * scale + offset
            out[k] = np.float32(np.nan) if stored == missing else value

    return unpack, unpack_there


def _numba(a: np.ndarray, packing: Packing, out: np.ndarray) -> Way | None:
    if find_numba() is None:
        return None
    unpack, unpack_there = _loops()
    names = {"a": a.view("u2").reshape(-1), "s": packing.scale, "f": packing.offset}
    names["o"] = out.reshape(-1)
    if packing.missing is None:
        return fills(timed("unpack(a, s, f, o)", unpack=unpack, **names), out)
    names |= {"m": np.int16(packing.missing), "unpack": unpack_there}
    return fills(timed("unpack(a, s, f, m, o)", **names), out)
