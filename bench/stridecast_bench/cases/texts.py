"""Texts of fixed length: bytes to UCS-4 and back, and to another length, beside NumPy's casts.

ISO 8601 texts of times are times.py's.
"""

from __future__ import annotations

import numpy as np

import stridecast
from stridecast_bench.cases.basic import expect_equal
from stridecast_bench.measure import DESTINATION_OFFSET, Case, Work, aligned, timed

#: NumPy's types on both sides: names of stars and stations, and identifiers cut to what fits.
TEXTS = (("S16", "U16"), ("U16", "S16"), ("S16", "S12"))
#: Of so many texts each is another; then they start again.
PERIOD = 1 << 12


def _texts(count: int, dtype: np.dtype) -> np.ndarray:
    """Words of 4 to 12 letters, which every destination holds."""
    random = np.random.default_rng(20)
    letters = random.integers(ord("a"), ord("z"), (PERIOD, 12), "u1", endpoint=True)
    letters[np.arange(12) >= random.integers(4, 12, (PERIOD, 1), endpoint=True)] = 0
    texts = aligned(count, dtype)
    texts[:] = np.resize(letters.view("S12").reshape(-1).astype(dtype), count)
    return texts


def text(name: str, src: str, dst: str, count: int, level: str = "") -> Case:
    a = _texts(count, np.dtype(src))
    out = aligned(count, np.dtype(dst), DESTINATION_OFFSET)
    ours = timed("convert(a, None, out=o)", convert=stridecast.convert, a=a, o=out)
    numpy = timed('copyto(o, a, casting="unsafe")', copyto=np.copyto, a=a, o=out)

    def check() -> None:
        expected = a.astype(dst)
        for who, fill in (("stridecast", ours), ("numpy", numpy)):
            out.view(np.uint8).fill(0xA5)
            fill(1)
            expect_equal(out, expected, f"{name} by {who}")

    return Case(name, ours, {"numpy": numpy}, 0.3, check, work=Work.between(a, out, level))
