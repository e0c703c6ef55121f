"""cast_value's rules on an ndarray: scalar map first, then rounding, then the range.

stridecast rounds, checks and converts in one pass. What is left to this file is where the
specification differs from its options:

- An infinity never becomes a finite number, not even under "clamp", nor NaN a zero.
- "wrap" is modular for every finite float, also beyond 64 bits.
- "clamp" makes an infinity of what leaves the range of a float that has them, under every rounding.
  IEEE 754, and stridecast with it, stops at the largest number when it rounds towards zero.
- The range of float8_e8m0fnu ends below, and what is below it after rounding is an error.

Knows nothing about zarr.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

import stridecast
from zarr_stridecast.number_type import NumberType, number_type

_DIRECTED = ("towards-zero", "towards-positive", "towards-negative")

Pairs = Sequence[tuple[np.generic, np.generic]]


def cast(
    array: np.ndarray,
    dtype: np.dtype,
    *,
    rounding: str = "nearest-even",
    out_of_range: str | None = None,
    pairs: Pairs = (),
) -> np.ndarray:
    """A new array of `dtype`; `pairs` are the scalar map, the first of equal keys counts.

    A NaN key means every NaN, and 0.0 means -0.0 too. Raises OverflowError, naming the element, for
    a value that neither the map, nor rounding, nor `out_of_range` gives a meaning.
    """
    if array.size == 0:
        return np.empty_like(array, dtype=dtype)
    mapped = [(mask, value) for mask, value in _lookup(array, pairs) if mask.any()]
    if not mapped:
        return _convert(array, dtype, rounding, out_of_range)
    out = np.full_like(array, mapped[-1][1], dtype=dtype)
    for mask, value in mapped[-2::-1]:  # the first pair has the last word
        np.copyto(out, value, where=mask)
    rest = ~np.logical_or.reduce([mask for mask, _ in mapped])
    return _convert(array, dtype, rounding, out_of_range, out, rest)


def _lookup(array: np.ndarray, pairs: Pairs) -> Iterator[tuple[np.ndarray, np.generic]]:
    if pairs:
        array = _comparable(array)
    for key, value in pairs:
        yield (np.isnan(array) if key != key else array == key), value


def _convert(
    array: np.ndarray,
    dtype: np.dtype,
    rounding: str,
    out_of_range: str | None,
    out: np.ndarray | None = None,
    where: np.ndarray | bool = True,
) -> np.ndarray:
    """The rules without the map: into `out` where the mask says, or everywhere into a new array."""
    source, target = number_type(array.dtype), number_type(dtype)
    if out_of_range == "wrap" and not target.is_float:
        overflow = "wrap"
    elif out_of_range == "clamp":
        overflow = None if target.has_inf else "saturate"
    else:
        overflow = "raise"
    options = {"overflow": overflow}
    if source.is_float or target.is_float:
        options["rounding"] = rounding
    if source.is_float:
        if not target.is_float:
            options["nan"] = "raise"
        elif not target.has_nan and overflow != "raise":
            _refuse(array, np.isnan(_comparable(array)), where, f"has no equal in {target.name}")
        if overflow != "raise" and source.has_inf and not target.has_inf:
            low, high = _extremes(array)
            if math.isinf(low) or math.isinf(high):
                _refuse(array, np.isinf(array), where, f"has no equal in {target.name}")
            if overflow == "wrap" and max(-low, high) >= 2.0**63:
                array = _into_int64(array)
    if target.min > 0 and source.min < target.min and overflow == "raise":
        low, high = _outside(array, source, target, rounding)
        bad = low | high | (np.isinf(array) if source.has_inf else False)
        _refuse(array, bad, where, f"is out of the range of {target.name}")
        options["overflow"] = "saturate"
    if out is None:
        out = stridecast.astype(array, dtype, **options)
    else:
        stridecast.convert(array, None, out=out, where=where, **options)
    if overflow is None and source.max > target.max and rounding in _DIRECTED:
        low, high = _extremes(array)
        if max(-low, high) > target.max:
            low, high = _outside(array, source, target, rounding)
            np.copyto(out, dtype.type(-math.inf), where=low & where)
            np.copyto(out, dtype.type(math.inf), where=high & where)
    return out


def _comparable(array: np.ndarray) -> np.ndarray:
    """The same values in a type that NumPy compares by SIMD."""
    return stridecast.astype(array, np.float32) if array.dtype.itemsize <= 2 else array


def _extremes(array: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value, and zeros where all are NaN."""
    array = _comparable(array)
    low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    return (float(low), float(high)) if low == low else (0.0, 0.0)


def _refuse(array: np.ndarray, bad: np.ndarray, where: np.ndarray | bool, why: str) -> None:
    if bad.any() and (bad & where).any():
        index = int(np.flatnonzero(bad & where)[0])
        raise OverflowError(f"element {index}: {array.reshape(-1)[index]!s} {why}")


def _into_int64(array: np.ndarray) -> np.ndarray:
    """Floats of 2^63 and more, less a multiple of 2^64; exact, as they are integers."""
    wide = _comparable(array)
    big = (np.abs(wide) >= 2.0**63) & np.isfinite(wide)
    wide = wide.astype(np.float64)
    rest = np.fmod(wide[big], 2.0**64)
    rest[rest >= 2.0**63] -= 2.0**64
    rest[rest < -(2.0**63)] += 2.0**64
    wide[big] = rest
    return wide


def _outside(
    array: np.ndarray, source: NumberType, target: NumberType, rounding: str
) -> tuple[np.ndarray, np.ndarray]:
    """Where finite values are below and above what `target` has after rounding.

    As IEEE 754 defines overflow: rounded as if the exponent had no limit, and then compared. Of two
    powers of two neither is even, and the larger gets the ties.
    """
    array = _comparable(array)
    nearest = rounding not in _DIRECTED
    beyond = target.max + target.step / (2 if nearest else 1)
    with np.errstate(over="ignore"):  # a limit past float32's range is above all of float32
        high = array > target.max if rounding == "towards-positive" else array >= beyond
        if target.min < 0:
            low = array < target.min if rounding == "towards-negative" else array <= -beyond
        elif rounding == "towards-positive":  # powers of two only, from 2^-127
            low = array <= target.min / 2
        else:
            low = array < target.min * (0.75 if nearest else 1)
    if source.is_float:
        finite = np.isfinite(array)
        high &= finite
        low &= finite
    return low, high
