"""The numeric types of the matrix of casts, and values that two of them hold.

Types are named as NumPy and ml_dtypes name them; what the installed ml_dtypes lacks is left out.
Sources hold values that every type of a pair can hold, and never one that two roundings (a peer's,
through float32) would take elsewhere than one: what happens outside is a matter of rules, not of
speed.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "bfloat16", "float32", "float64", "longdouble")
#: Complex types, with the type of their parts.
PARTS = {
    "complex32": "float16",
    "bcomplex32": "bfloat16",
    "complex64": "float32",
    "complex128": "float64",
}
#: Floats of 8 bits and less, and integers of less than 8: one value a byte.
SMALL_FLOATS = (
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float4_e2m1fn",
)
SMALL_INTEGERS = ("int2", "uint2", "int4", "uint4")
#: Powers of two and nothing else, so that its partners get powers of two.
POWERS = "float8_e8m0fnu"


def _exists(name: str) -> bool:
    return hasattr(np, name) or hasattr(ml_dtypes, name)


TYPES = tuple(filter(_exists, ("bool", *INTEGERS, *FLOATS, *PARTS, *SMALL_FLOATS, *SMALL_INTEGERS)))


def dtype_of(name: str) -> np.dtype:
    """The dtype that ml_dtypes or NumPy calls by this name."""
    return np.dtype(getattr(ml_dtypes, name, name))


def name_of(dtype: np.dtype) -> str:
    """The name of TYPES: NumPy would call long double float128, or float64 where it is one."""
    return "longdouble" if dtype.char == "g" else dtype.name


def _is_integer(name: str) -> bool:
    return name == "bool" or name in INTEGERS or name in SMALL_INTEGERS


def _range(name: str) -> tuple[float, float]:
    """A closed interval that the type holds, by whose integers float32 counts without a gap."""
    limit = float(1 << 24)
    if name == "bool":
        return 0.0, 1.0
    if _is_integer(name):
        info = ml_dtypes.iinfo(dtype_of(name))
        return max(float(info.min), -limit), min(float(info.max), limit)
    most = limit if name == "longdouble" else min(float(ml_dtypes.finfo(dtype_of(name)).max), limit)
    return (2.0**-24 if name == POWERS else -most), most


def _reals(src: str, dst: str, count: int, random: np.random.Generator) -> np.ndarray:
    """Numbers of the type `src` that `dst` can hold, if rounded once; no complex type."""
    low = max(_range(src)[0], _range(dst)[0])
    high = min(_range(src)[1], _range(dst)[1])
    whole = _is_integer(src) or _is_integer(dst)
    size = 2 * count + 64  # some are lost below
    if POWERS in (src, dst):
        wide = np.exp2(random.integers(0 if whole else -8, 8, size, endpoint=True))
    elif whole:
        wide = random.integers(int(low), int(high), size, endpoint=True)
    else:
        wide = random.standard_normal(size)
    numbers = wide.astype(np.float32).astype(dtype_of(src))
    as_held = numbers.astype(np.float32)
    held = (as_held >= low) & (as_held <= high)
    if whole:
        held &= as_held == np.rint(as_held)
    return np.resize(numbers[held], count)


def cast_values(src: str, dst: str, count: int) -> np.ndarray:
    """`count` values of `src` that `dst` can hold, contiguous, always the same ones."""
    random = np.random.default_rng(20)
    part, dst_part = PARTS.get(src, src), PARTS.get(dst, dst)
    numbers = _reals(part, dst_part, count if src == part else 2 * count, random)
    if src != part and dst == "bool":
        numbers[1::2] = numbers[::2]  # ml_dtypes asks the real part alone for its truth
    return numbers.view(np.uint8).view(dtype_of(src))


def same_values(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Which items are the same, bit by bit but for bits that hold nothing.

    Those are the padding of long doubles, and the high bits of integers of less than 8: TensorStore
    leaves signs there.
    """
    name = name_of(expected.dtype)
    if name == "longdouble":
        return (got == expected) & (np.signbit(got) == np.signbit(expected))
    if name in SMALL_INTEGERS:
        return got == expected
    itemsize = expected.itemsize
    return (got.view(np.uint8) == expected.view(np.uint8)).reshape(-1, itemsize).all(axis=1)
