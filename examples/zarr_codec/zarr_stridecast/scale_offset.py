"""The codec scale_offset: (x - offset) * scale is stored, x / scale + offset comes back.

Follows https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/scale_offset. The
arithmetic is the array's own, rounded after each of the two operations. stridecast's scaling
multiplies on the way out and divides on the way in, so it is no substitute: the operations here are
NumPy's, and stridecast takes float16, the ml_dtypes floats and 2- and 4-bit integers to types that
NumPy computes in by SIMD.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from zarr.core.array_spec import ArraySpec
from zarr.core.common import JSON, parse_named_configuration
from zarr.core.dtype import ZDType

import stridecast
from zarr_stridecast.codec import ArrayCodec, check_keys, fill_scalar, to_json
from zarr_stridecast.number_type import SUPPORTED, number_type


@dataclass(frozen=True)
class ScaleOffset(ArrayCodec):
    """Shifts and scales in the array's own type: ``ScaleOffset(offset=1000, scale=0.1)``.

    offset, scale: numbers, or scalars as in Zarr metadata, of the array's type. Without either
        chunks stay as they are.

    Raises ValueError for integers that leave their type's range on the way, in every step, and for
    stored integers that `scale` does not divide.
    """

    offset: int | float | str
    scale: int | float | str

    def __init__(self, *, offset: Any = 0, scale: Any = 1) -> None:
        object.__setattr__(self, "offset", to_json(offset))
        object.__setattr__(self, "scale", to_json(scale))

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:
        _, configuration = parse_named_configuration(
            data, "scale_offset", require_configuration=False
        )
        configuration = configuration or {}
        check_keys("scale_offset", configuration, ("offset", "scale"))
        return cls(**configuration)

    def to_dict(self) -> dict[str, JSON]:
        configuration: dict[str, JSON] = {}
        if self.offset != 0:
            configuration["offset"] = self.offset
        if self.scale != 1:
            configuration["scale"] = self.scale
        if not configuration:
            return {"name": "scale_offset"}
        return {"name": "scale_offset", "configuration": configuration}

    def validate(self, *, shape: tuple[int, ...], dtype: ZDType, chunk_grid: object) -> None:
        name = str(dtype.to_json(zarr_format=3))
        if name not in SUPPORTED:
            raise ValueError(
                f"scale_offset cannot read {name}: it is defined for integers and floats only"
            )
        _, scale = self._scalars(dtype)
        if scale == 0:
            raise ValueError("scale=0 would lose every value: choose another scale")

    def resolve_metadata(self, chunk_spec: ArraySpec) -> ArraySpec:
        fill = fill_scalar(chunk_spec)
        try:
            stored = self.encode_array(fill, chunk_spec)
        except ValueError as error:
            raise ValueError(f"the fill value {fill[0]!s} cannot be stored: {error}") from error
        return replace(chunk_spec, fill_value=stored[0])

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        return input_byte_length

    def encode_array(self, array: np.ndarray, spec: ArraySpec) -> np.ndarray:
        steps = (np.subtract, 0), (np.multiply, 1)
        return self._compute(array, spec.dtype, steps, _encode_integers)

    def decode_array(self, array: np.ndarray, spec: ArraySpec) -> np.ndarray:
        steps = (np.divide, 1), (np.add, 0)
        return self._compute(array, spec.dtype, steps, _decode_integers)

    def _compute(self, array: np.ndarray, zdtype: ZDType, steps, integers) -> np.ndarray:
        if array.size == 0 or (self.offset == 0 and self.scale == 1):
            return array
        offset, scale = scalars = self._scalars(zdtype)
        if not number_type(array.dtype).is_float:
            return integers(array, int(offset), int(scale))
        steps = [(ufunc, scalars[which]) for ufunc, which in steps if scalars[which] is not None]
        wide = array.dtype.kind == "f" and array.itemsize > 2
        compute = _compute_wide if wide else _compute_narrow
        return compute(array, steps)

    def _scalars(self, zdtype: ZDType) -> tuple[np.generic | None, np.generic]:
        """Offset and scale in the array's type; None for the zero that float8_e8m0fnu lacks."""
        scalars = []
        for what, value in (("offset", self.offset), ("scale", self.scale)):
            if what == "offset" and value == 0 and number_type(zdtype.to_native_dtype()).min > 0:
                scalars.append(None)
                continue
            try:
                scalars.append(zdtype.from_json_scalar(value, zarr_format=3))
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(
                    f"scale_offset: {what} {value!r} is no {zdtype.to_json(zarr_format=3)}: the "
                    f"array's type has to hold it ({error})"
                ) from error
        return tuple(scalars)


def _compute_wide(part: np.ndarray, steps) -> np.ndarray:
    """float32 and float64, in place after the first step."""
    out = np.empty_like(part)
    with np.errstate(all="ignore"):
        for ufunc, scalar in steps:
            part = ufunc(part, scalar, out=out)
    return out


def _compute_narrow(part: np.ndarray, steps) -> np.ndarray:
    """Floats of 16 bits and less: each step in float32 and rounded once.

    That is the arithmetic of the narrow type: float32 has more than twice its digits, so rounding
    twice gives what rounding once would (Figueroa, "When is double rounding innocuous?", 1995).
    """
    dtype = part.dtype
    overflow = None if number_type(dtype).has_inf else "raise"
    with np.errstate(all="ignore"):
        for ufunc, scalar in steps:
            wide = ufunc(stridecast.astype(part, np.float32), np.float32(scalar))
            try:
                part = stridecast.astype(wide, dtype, overflow=overflow)
            except OverflowError as error:
                raise ValueError(
                    f"scale_offset: {ufunc.__name__} with {scalar!s} leaves the range of "
                    f"{dtype.name}, which has no infinity: {error}"
                ) from error
    return part


def _encode_integers(array: np.ndarray, offset: int, scale: int) -> np.ndarray:
    """(x - offset) * scale, both steps in range, which the extremes prove for all."""
    low, high, work = _extremes(array)
    _check_range(array.dtype, low - offset, high - offset, f"less offset {offset}")
    _check_range(
        array.dtype, (low - offset) * scale, (high - offset) * scale, f"times scale {scale}"
    )
    out = work - work.dtype.type(offset) if offset else work
    if scale != 1:
        out = out * work.dtype.type(scale)
    return _narrow(out, array.dtype)


def _decode_integers(array: np.ndarray, offset: int, scale: int) -> np.ndarray:
    """x / scale + offset, where every division must come out even."""
    low, high, work = _extremes(array)
    if scale != 1:
        # The quotients first: -128 / -1 is no int8, and NumPy would wrap.
        quotients = [value // scale for value in (low, high)]
        _check_range(array.dtype, min(quotients), max(quotients), f"over scale {scale}")
        divisor = work.dtype.type(scale)
        out = work // divisor
        uneven = out * divisor != work
        if uneven.any():
            index = int(np.flatnonzero(uneven)[0])
            raise ValueError(
                f"scale_offset: element {index}, stored as {array.reshape(-1)[index]!s}, is no "
                f"multiple of scale {scale}: the chunk was not written by this codec"
            )
        low, high = min(quotients), max(quotients)
    else:
        out = work
    _check_range(array.dtype, low + offset, high + offset, f"plus offset {offset}")
    return _narrow(out + work.dtype.type(offset) if offset else out, array.dtype)


def _extremes(array: np.ndarray) -> tuple[int, int, np.ndarray]:
    """The smallest and the largest value, and the array in a type that NumPy counts in."""
    work = array
    if array.dtype.kind == "V":
        work = stridecast.astype(array, np.int8)  # of 2 and 4 bits
    return int(work.min()), int(work.max()), work


def _narrow(out: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return out if out.dtype == dtype else stridecast.astype(out, dtype)


def _check_range(dtype: np.dtype, first: int, last: int, what: str) -> None:
    kind = number_type(dtype)
    for value in (first, last):
        if not kind.min <= value <= kind.max:
            raise ValueError(
                f"scale_offset: a value {what} is {value}, which no {kind.name} holds; store the "
                f"array in a wider type, or put cast_value before this codec"
            )
