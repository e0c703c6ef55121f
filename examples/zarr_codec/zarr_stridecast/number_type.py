"""What the codecs must know about a dtype: its range, and whether it has infinities and NaN."""

import math
from dataclasses import dataclass
from functools import lru_cache

import ml_dtypes
import numpy as np

# The data types for which the specification defines both codecs.
INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (2, 4, 8, 16, 32, 64)}
FLOATS = {
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
}
SUPPORTED = INTEGERS | FLOATS


@dataclass(frozen=True)
class NumberType:
    """The finite range of a type; `step` is the gap below `max`, 0 for integers."""

    name: str
    is_float: bool
    min: int | float
    max: int | float
    step: float = 0.0
    has_inf: bool = False
    has_nan: bool = False


@lru_cache(maxsize=256)
def number_type(dtype: np.dtype) -> NumberType:
    """The NumberType of a NumPy dtype in any byte order."""
    name = dtype.name
    if name in INTEGERS:
        info = ml_dtypes.iinfo(dtype) if dtype.kind == "V" else np.iinfo(dtype)
        return NumberType(name, False, int(info.min), int(info.max))
    info = ml_dtypes.finfo(dtype.newbyteorder("="))
    largest = float(info.max)
    inf, nan = np.array([np.inf, np.nan]).astype(info.dtype).astype(np.float64)
    return NumberType(
        name,
        True,
        float(info.smallest_normal) if name == "float8_e8m0fnu" else -largest,
        largest,
        math.ldexp(1.0, math.frexp(largest)[1] - 1 - info.nmant),
        math.isinf(inf),
        math.isnan(nan),
    )
