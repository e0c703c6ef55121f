"""Zarr data types for what ml_dtypes adds to NumPy: bfloat16, float8 and smaller, int2 and int4.

zarr-python has none of them. Names, fill values and bytes are those of
https://github.com/zarr-developers/zarr-extensions/tree/main/data-types: one value a byte, two for
bfloat16. Zarr v2 has no names for them.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import ml_dtypes
import numpy as np
from zarr.core.common import JSON
from zarr.core.dtype import ZDType
from zarr.core.dtype.common import HasEndianness, HasItemSize
from zarr.core.dtype.npy.common import endianness_to_numpy_str, get_endianness_from_numpy_dtype

try:
    from zarr.errors import DataTypeValidationError
except ImportError:  # zarr 3.1
    from zarr.core.dtype import DataTypeValidationError

_INFINITIES = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, kw_only=True)
class _MlType(ZDType, HasItemSize):
    """A type of ml_dtypes; a subclass gives the scalar type."""

    native: ClassVar[np.dtype]

    def __init_subclass__(cls, scalar: type | None = None) -> None:
        super().__init_subclass__()
        if scalar is not None:
            cls.native = np.dtype(scalar)
            cls.dtype_cls = type(cls.native)
            cls._zarr_v3_name = cls.native.name

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype) -> Self:
        if cls._check_native_dtype(dtype):
            return cls()
        raise DataTypeValidationError(f"{dtype} is not {cls._zarr_v3_name}")

    def to_native_dtype(self) -> np.dtype:
        return self.native

    @property
    def item_size(self) -> int:
        return self.native.itemsize

    @classmethod
    def _from_json_v2(cls, data: object) -> Self:
        raise DataTypeValidationError(f"Zarr v2 has no {cls._zarr_v3_name}")

    @classmethod
    def _from_json_v3(cls, data: object) -> Self:
        if data == cls._zarr_v3_name:
            return cls()
        raise DataTypeValidationError(f"{data!r} is not {cls._zarr_v3_name!r}")

    def to_json(self, zarr_format: int) -> str:
        if zarr_format == 2:
            raise ValueError(f"Zarr v2 has no {self._zarr_v3_name}: use zarr_format=3")
        return self._zarr_v3_name

    def default_scalar(self) -> np.generic:
        return self.cast_scalar(0)

    def cast_scalar(self, data: object) -> np.generic:
        if isinstance(data, self.native.type):
            return data  # with every bit, should it be a NaN
        return self.from_json_scalar(data, zarr_format=3)

    def _check_scalar(self, data: object) -> bool:
        try:
            self.cast_scalar(data)
        except (TypeError, ValueError):
            return False
        return True


class _Integer(_MlType):
    def from_json_scalar(self, data: JSON, *, zarr_format: int) -> np.generic:
        number = int(data)
        limits = ml_dtypes.iinfo(self.native)
        if not isinstance(data, str) and number != data:
            raise ValueError(f"{data!r} is no integer")
        if not limits.min <= number <= limits.max:
            raise ValueError(f"{number} is outside of {limits.min} to {limits.max}")
        return self.native.type(number)

    def to_json_scalar(self, data: object, *, zarr_format: int) -> int:
        return int(self.cast_scalar(data))


class _Float(_MlType):
    def from_json_scalar(self, data: JSON, *, zarr_format: int) -> np.generic:
        if isinstance(data, str) and data.startswith("0x"):
            return self._from_bits(data)
        number = _INFINITIES[data] if data in _INFINITIES else float(data)
        scalar = self.native.type(number)
        back = float(scalar)
        if math.isnan(back) != math.isnan(number) or (math.isinf(number) and back != number):
            raise ValueError(f"{self._zarr_v3_name} has no {data!s}")
        return scalar

    def _from_bits(self, text: str) -> np.generic:
        """The scalar of "0x7fc0": the only name of a NaN other than the standard one."""
        if len(text) != 2 + 2 * self.native.itemsize:
            raise ValueError(f"{text!r} must have {2 * self.native.itemsize} hexadecimal digits")
        unsigned = np.dtype(f"u{self.native.itemsize}")
        return np.array([int(text, 16)], unsigned).view(self.native)[0]

    def to_json_scalar(self, data: object, *, zarr_format: int) -> float | str:
        scalar = self.cast_scalar(data)
        number = float(scalar)
        if math.isinf(number):
            return "Infinity" if number > 0 else "-Infinity"
        if not math.isnan(number):
            return number
        if scalar.tobytes() == self.native.type(math.nan).tobytes():
            return "NaN"
        digits = 2 * self.native.itemsize
        return f"0x{int.from_bytes(scalar.tobytes(), 'little'):0{digits}x}"


class Int2(_Integer, scalar=ml_dtypes.int2): ...


class Int4(_Integer, scalar=ml_dtypes.int4): ...


class UInt2(_Integer, scalar=ml_dtypes.uint2): ...


class UInt4(_Integer, scalar=ml_dtypes.uint4): ...


class Float4E2M1FN(_Float, scalar=ml_dtypes.float4_e2m1fn): ...


class Float6E2M3FN(_Float, scalar=ml_dtypes.float6_e2m3fn): ...


class Float6E3M2FN(_Float, scalar=ml_dtypes.float6_e3m2fn): ...


class Float8E3M4(_Float, scalar=ml_dtypes.float8_e3m4): ...


class Float8E4M3(_Float, scalar=ml_dtypes.float8_e4m3): ...


class Float8E4M3B11FNUZ(_Float, scalar=ml_dtypes.float8_e4m3b11fnuz): ...


class Float8E4M3FNUZ(_Float, scalar=ml_dtypes.float8_e4m3fnuz): ...


class Float8E5M2(_Float, scalar=ml_dtypes.float8_e5m2): ...


class Float8E5M2FNUZ(_Float, scalar=ml_dtypes.float8_e5m2fnuz): ...


class Float8E8M0FNU(_Float, scalar=ml_dtypes.float8_e8m0fnu):
    def default_scalar(self) -> np.generic:
        return self.native.type(1)  # there is no zero


@dataclass(frozen=True, kw_only=True)
class BFloat16(_Float, HasEndianness, scalar=ml_dtypes.bfloat16):
    """The one of two bytes: `bytes` stores it in either order."""

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype) -> Self:
        if cls._check_native_dtype(dtype):
            return cls(endianness=get_endianness_from_numpy_dtype(dtype))
        raise DataTypeValidationError(f"{dtype} is not bfloat16")

    def to_native_dtype(self) -> np.dtype:
        return self.native.newbyteorder(endianness_to_numpy_str(self.endianness))


DATA_TYPES = tuple(
    value
    for value in list(globals().values())
    if isinstance(value, type) and issubclass(value, _MlType) and hasattr(value, "native")
)
