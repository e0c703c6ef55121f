"""The rules of Zarr's cast_value codec on one exact number: what test_zarr_codec.py compares with.

Written from the text of the specification, with rational numbers, and as slow as that is. The codec
itself is in examples/zarr_codec.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import ml_dtypes
import numpy as np

ROUNDINGS = (
    "nearest-even",
    "towards-zero",
    "towards-positive",
    "towards-negative",
    "nearest-away",
)

INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (2, 4, 8, 16, 32, 64))
FLOATS = (
    "float4_e2m1fn",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "bfloat16",
    "float16",
    "float32",
    "float64",
)
DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name, None) or getattr(np, name))
    for name in INTEGERS + FLOATS
}


@dataclass(frozen=True)
class Rules:
    """A type as the specification sees it: which numbers are in it."""

    low: Fraction
    high: Fraction
    digits: int = 0  # of a float, the leading one included; 0 for integers
    lowest: int = 0  # exponent of a float's smallest normal number
    inf: bool = False
    nan: bool = False
    negative_zero: bool = False

    @property
    def bits(self) -> int:
        return int(self.high - self.low).bit_length()


def rules(name: str) -> Rules:
    dtype = DTYPES[name]
    if name in INTEGERS:
        info = ml_dtypes.iinfo(dtype) if dtype.kind == "V" else np.iinfo(dtype)
        return Rules(Fraction(int(info.min)), Fraction(int(info.max)))
    info = ml_dtypes.finfo(dtype)
    high = Fraction(float(info.max))
    inf, nan = (float(x) for x in np.array([np.inf, np.nan]).astype(dtype))
    powers_only = name == "float8_e8m0fnu"
    normal = float(info.smallest_normal)
    return Rules(
        Fraction(normal) if powers_only else -high,
        high,
        info.nmant + 1,
        -10_000 if powers_only else math.frexp(normal)[1] - 1,
        math.isinf(inf),
        math.isnan(nan),
        not name.endswith("uz") and not powers_only,
    )


RULES = {name: rules(name) for name in DTYPES}


def rounded(x: Fraction, rounding: str) -> int:
    below = math.floor(x)
    rest = x - below
    if rest == 0 or rounding == "towards-negative":
        return below
    if rounding == "towards-positive":
        return below + 1
    if rounding == "towards-zero":
        return below if x > 0 else below + 1
    if rest != Fraction(1, 2):
        return below + (rest > Fraction(1, 2))
    if rounding == "nearest-even":
        return below + (below & 1)
    return below + 1 if x > 0 else below


def exponent(x: Fraction) -> int:
    """The exponent of the largest power of two that |x| reaches."""
    x = abs(x)
    guess = x.numerator.bit_length() - x.denominator.bit_length()
    return guess if Fraction(2) ** guess <= x else guess - 1


def cast_value(x, target: str, rounding: str, out_of_range: str | None):
    """What a Python int or float becomes, or None where the specification wants an error."""
    to = RULES[target]
    if isinstance(x, float) and math.isnan(x):
        return x if to.nan else None
    if isinstance(x, float) and math.isinf(x):
        return x if to.inf else None
    exact = Fraction(x)
    if to.digits and exact:
        step = Fraction(2) ** (max(exponent(exact), to.lowest) - to.digits + 1)
    else:
        step = Fraction(1)
    y = rounded(exact / step, rounding) * step
    if to.low <= y <= to.high:
        if not to.digits:
            return int(y)
        if y:
            return float(y)
        minus = to.negative_zero and isinstance(x, float) and math.copysign(1, x) < 0
        return -0.0 if minus else 0.0
    if out_of_range == "clamp":
        if to.inf:
            return math.copysign(math.inf, y)
        return type(0.0 if to.digits else 0)(min(max(y, to.low), to.high))
    if out_of_range == "wrap" and not to.digits:
        return int(to.low + (y - to.low) % 2**to.bits)
    return None


def is_tie_of_powers(x, target: str, rounding: str) -> bool:
    """Halfway between two powers of two: neither is even, and the specification names none."""
    if target != "float8_e8m0fnu" or rounding != "nearest-even" or not math.isfinite(x):
        return False
    return abs(math.frexp(float(x))[0]) == 0.75


def number(scalar):
    """A NumPy scalar as the Python number that it is exactly."""
    return int(scalar) if scalar.dtype.name in INTEGERS else float(scalar)


def same(a, b) -> bool:
    """Equal as values, NaN equal to NaN, zeros of different sign different."""
    return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))


def edges(source: str, target: str) -> np.ndarray:
    """Values of `source` where something happens on the way to `target`."""
    to = RULES[target]
    step = Fraction(2) ** (exponent(to.high) - to.digits + 1) if to.digits else Fraction(1)
    exact = [to.high, to.high + step / 2, to.high + step * 2 / 3, to.high + step, to.high * 9]
    exact += [to.low - step / 2, to.low - step, to.low * 5 / 2 - 1, to.low + step / 2]
    exact += [to.low * k / 8 for k in (1, 4, 6, 7)]
    exact += [Fraction(k, 2) for k in (-5, -3, -1, 0, 1, 2, 3, 5, 257, 4099)]
    large = (2.0**24 + 1, 2.0**63, -(2.0**64), 2.0**70 + 2.0**40)
    exact += [Fraction(x) for x in (*large, 1e-7, 1 / 3)]
    dtype, has = DTYPES[source], RULES[source]
    if not has.digits:
        inside = {math.floor(min(max(x, has.low), has.high)) for x in exact}
        wide = np.uint64 if source == "uint64" else np.int64
        return np.array(sorted(inside), wide).astype(dtype)
    largest = Fraction(np.finfo(np.float64).max)
    values = [float(min(max(x, -largest), largest)) for x in exact] + [-0.0, 1e-46, -1e300]
    with np.errstate(all="ignore"):
        return np.array([*values, math.inf, -math.inf, math.nan]).astype(dtype)
