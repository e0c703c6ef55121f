"""Types of the compiled part. NumPy's appear as annotations only."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import EllipsisType, TracebackType
from typing import (
    Any,
    Literal,
    Protocol,
    SupportsFloat,
    SupportsIndex,
    TypeAlias,
    TypeVar,
    final,
    overload,
)

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

if sys.version_info >= (3, 12):
    from collections.abc import Buffer as _Exporter
else:
    from typing_extensions import Buffer as _Exporter

if sys.version_info >= (3, 13):
    from types import CapsuleType
else:
    from typing_extensions import CapsuleType

_Version: TypeAlias = tuple[int, int]

class _ArrowArray(Protocol):
    def __arrow_c_array__(
        self, requested_schema: Any | None = None
    ) -> tuple[CapsuleType, CapsuleType]: ...

class _Tensor(Protocol):
    """A producer of DLPack tensors, in the CPU's memory."""

    def __dlpack__(self) -> Any: ...
    def __dlpack_device__(self) -> tuple[Any, Any]: ...

class _Interface(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

_AnyBuffer: TypeAlias = (
    _Exporter | NDArray[Any] | np.generic | Buffer | _ArrowArray | _Tensor | _Interface
)
_FormatLike: TypeAlias = (
    str | bytes | Format | np.dtype[Any] | type[bool | int | float | complex] | type[np.generic]
)
_Overflow: TypeAlias = Literal["wrap", "saturate", "raise", "nat"] | None
_TextErrors: TypeAlias = Literal["raise", "nat"] | None
_TimeZone: TypeAlias = Literal["naive", "UTC"] | None
_TimeField: TypeAlias = Literal[
    "year",
    "quarter",
    "month",
    "day",
    "dayofyear",
    "weekday",
    "isoyear",
    "isoweek",
    "daysinmonth",
    "isleapyear",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
    "picosecond",
    "femtosecond",
    "attosecond",
]
_Nan: TypeAlias = Literal["raise"] | None
_Rounding: TypeAlias = (
    Literal[
        "nearest-even",
        "towards-zero",
        "towards-positive",
        "towards-negative",
        "nearest-away",
        "stochastic",
    ]
    | None
)
_Order: TypeAlias = Literal["K", "C", "F", "A"]
_Numbers: TypeAlias = SupportsFloat | Sequence[SupportsFloat] | NDArray[Any]
_Missing: TypeAlias = SupportsFloat | SupportsIndex | np.datetime64 | np.timedelta64
_Casting: TypeAlias = Literal["unsafe", "same_kind", "safe", "equiv", "no", "same_value"]
_ConvertCasting: TypeAlias = Literal["unsafe", "same_kind", "safe", "same_value"]
_Fields: TypeAlias = Literal["name", "position"] | None
_MissingFields: TypeAlias = Literal["error", "zero"] | None
_Overlap: TypeAlias = Literal["refuse", "copy"] | None
_ReduceOp: TypeAlias = Literal[
    "sum",
    "prod",
    "min",
    "max",
    "minmax",
    "argmin",
    "argmax",
    "any",
    "all",
    "count_nonzero",
    "mean",
    "var",
    "std",
    "norm1",
    "norm2",
    "norminf",
]
_Index: TypeAlias = SupportsIndex | slice | EllipsisType
_Out = TypeVar("_Out", bound=_AnyBuffer)
_Buf = TypeVar("_Buf", bound=_AnyBuffer)

class FormatError(ValueError):
    kind: str
    position: int

class UnknownTypeError(FormatError): ...

@final
class Field:
    @property
    def name(self) -> str | None: ...
    @property
    def offset(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def byteorder(self) -> Literal["<", ">", "|"]: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def fields(self) -> tuple[Field, ...]: ...
    @property
    def custom(self) -> tuple[str, str, str] | None: ...

@final
class Format:
    def __init__(self, text: str | bytes, itemsize: int | None = None) -> None: ...
    @staticmethod
    def of(obj: _AnyBuffer | Format | np.dtype[Any] | type[Any]) -> Format: ...
    @property
    def text(self) -> str: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def alignment(self) -> int: ...
    @property
    def fields(self) -> tuple[Field, ...]: ...
    def describe(self) -> str: ...
    def numpy_dtype(self) -> np.dtype[Any]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Buffer:
    def __init__(self, obj: _AnyBuffer, *, unsafe_pointer: bool = False) -> None: ...
    @property
    def format(self) -> Format: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def strides(self) -> tuple[int, ...]: ...
    @property
    def suboffsets(self) -> tuple[int, ...]: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def readonly(self) -> bool: ...
    @property
    def T(self) -> Buffer: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: _Index | tuple[_Index, ...], /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __arrow_c_array__(
        self, requested_schema: CapsuleType | None = None
    ) -> tuple[CapsuleType, CapsuleType]: ...
    def __arrow_c_schema__(self) -> CapsuleType: ...
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: _Version | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def item(self) -> Any: ...
    def tolist(self) -> Any: ...
    def numpy(self) -> NDArray[Any]: ...
    def view(self, fmt: _FormatLike) -> Buffer: ...
    def field(self, name: str) -> Buffer: ...
    def release(self) -> None: ...
    def __enter__(self) -> Buffer: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Plan:
    @property
    def size(self) -> int: ...
    @property
    def bytes_moved(self) -> int: ...
    @property
    def target(self) -> str: ...

@overload
def convert(
    buf: _AnyBuffer,
    fmt: _FormatLike,
    *,
    out: None = None,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    casting: _ConvertCasting = "unsafe",
    complex_to_real: Literal["real", "abs"] | None = None,
    order: _Order | None = "K",
    fields: _Fields = None,
    missing_fields: _MissingFields = None,
    where: _AnyBuffer | bool | None = None,
    overlap: _Overlap = None,
    stream: bool | None = None,
    threads: int | None = None,
    errors: _TextErrors = None,
    timezone: _TimeZone = None,
) -> Buffer: ...
@overload
def convert(
    buf: _AnyBuffer,
    fmt: _FormatLike | None,
    *,
    out: _Out,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    casting: _ConvertCasting = "unsafe",
    complex_to_real: Literal["real", "abs"] | None = None,
    order: _Order | None = "K",
    fields: _Fields = None,
    missing_fields: _MissingFields = None,
    where: _AnyBuffer | bool | None = None,
    overlap: _Overlap = None,
    stream: bool | None = None,
    threads: int | None = None,
    errors: _TextErrors = None,
    timezone: _TimeZone = None,
) -> _Out: ...
@overload
def astype(
    array: _AnyBuffer,
    dtype: DTypeLike,
    *,
    order: _Order | None = "K",
    casting: _Casting = "unsafe",
    subok: bool = True,
    copy: bool = True,
    out: None = None,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    complex_to_real: Literal["real", "abs"] | None = None,
    threads: int | None = None,
    errors: _TextErrors = None,
    timezone: _TimeZone = None,
) -> NDArray[Any]: ...
@overload
def astype(
    array: _AnyBuffer,
    dtype: DTypeLike | None,
    *,
    order: _Order | None = "K",
    casting: _Casting = "unsafe",
    subok: bool = True,
    copy: bool = True,
    out: NDArray[Any],
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    complex_to_real: Literal["real", "abs"] | None = None,
    threads: int | None = None,
    errors: _TextErrors = None,
    timezone: _TimeZone = None,
) -> NDArray[Any]: ...
def ascontiguous(
    array: _AnyBuffer | ArrayLike,
    dtype: DTypeLike | None = None,
    *,
    order: Literal["C", "F"] | None = "C",
    threads: int | None = None,
) -> NDArray[Any]: ...
@overload
def copy(
    buf: _AnyBuffer,
    *,
    order: _Order | None = "C",
    out: None = None,
    where: _AnyBuffer | bool | None = None,
    overlap: _Overlap = None,
    stream: bool | None = None,
    threads: int | None = None,
) -> Buffer: ...
@overload
def copy(
    buf: _AnyBuffer,
    *,
    order: _Order | None = "C",
    out: _Out,
    where: _AnyBuffer | bool | None = None,
    overlap: _Overlap = None,
    stream: bool | None = None,
    threads: int | None = None,
) -> _Out: ...
@overload
def byteswap(
    buf: _AnyBuffer,
    *,
    inplace: Literal[False] = False,
    out: None = None,
    threads: int | None = None,
) -> Buffer: ...
@overload
def byteswap(
    buf: _AnyBuffer,
    *,
    inplace: Literal[False] = False,
    out: _Out,
    threads: int | None = None,
) -> _Out: ...
@overload
def byteswap(
    buf: _Buf,
    *,
    inplace: Literal[True],
    out: None = None,
    threads: int | None = None,
) -> _Buf: ...
def datetime_fields(
    buf: _AnyBuffer,
    fields: Sequence[_TimeField],
    *,
    dtype: _FormatLike = "i",
    nat: int | None = None,
    threads: int | None = None,
) -> dict[str, Buffer]: ...
@overload
def decode(
    buf: _AnyBuffer,
    fmt: _FormatLike,
    *,
    scale: _Numbers = 1.0,
    offset: _Numbers = 0.0,
    missing: _Missing | Sequence[_Missing] | None = None,
    axis: int | None = None,
    compute: Literal["float32", "float64"] | None = None,
    out: None = None,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    order: _Order | None = "K",
    threads: int | None = None,
) -> Buffer: ...
@overload
def decode(
    buf: _AnyBuffer,
    fmt: _FormatLike | None,
    *,
    scale: _Numbers = 1.0,
    offset: _Numbers = 0.0,
    missing: _Missing | Sequence[_Missing] | None = None,
    axis: int | None = None,
    compute: Literal["float32", "float64"] | None = None,
    out: _Out,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    order: _Order | None = "K",
    threads: int | None = None,
) -> _Out: ...
@overload
def encode(
    buf: _AnyBuffer,
    fmt: _FormatLike,
    *,
    scale: _Numbers = 1.0,
    offset: _Numbers = 0.0,
    missing: _Missing | None = None,
    axis: int | None = None,
    compute: Literal["float32", "float64"] | None = None,
    out: None = None,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    order: _Order | None = "K",
    threads: int | None = None,
) -> Buffer: ...
@overload
def encode(
    buf: _AnyBuffer,
    fmt: _FormatLike | None,
    *,
    scale: _Numbers = 1.0,
    offset: _Numbers = 0.0,
    missing: _Missing | None = None,
    axis: int | None = None,
    compute: Literal["float32", "float64"] | None = None,
    out: _Out,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    seed: int = 0,
    index_offset: int = 0,
    order: _Order | None = "K",
    threads: int | None = None,
) -> _Out: ...
@overload
def decode_time(
    buf: _AnyBuffer,
    units: str,
    *,
    calendar: str = "standard",
    dtype: _FormatLike | None = None,
    missing: _Missing | Sequence[_Missing] | None = None,
    out: None = None,
    overflow: Literal["raise", "saturate", "nat"] | None = None,
    order: _Order | None = "K",
    threads: int | None = None,
) -> Buffer: ...
@overload
def decode_time(
    buf: _AnyBuffer,
    units: str,
    *,
    calendar: str = "standard",
    dtype: _FormatLike | None = None,
    missing: _Missing | Sequence[_Missing] | None = None,
    out: _Out,
    overflow: Literal["raise", "saturate", "nat"] | None = None,
    order: _Order | None = "K",
    threads: int | None = None,
) -> _Out: ...
@overload
def encode_time(
    buf: _AnyBuffer,
    units: str,
    fmt: _FormatLike,
    *,
    calendar: str = "standard",
    missing: _Missing | None = None,
    out: None = None,
    overflow: Literal["raise", "saturate"] | None = None,
    casting: Literal["unsafe", "same_value"] | None = None,
    order: _Order | None = "K",
    threads: int | None = None,
) -> Buffer: ...
@overload
def encode_time(
    buf: _AnyBuffer,
    units: str,
    fmt: _FormatLike | None,
    *,
    calendar: str = "standard",
    missing: _Missing | None = None,
    out: _Out,
    overflow: Literal["raise", "saturate"] | None = None,
    casting: Literal["unsafe", "same_value"] | None = None,
    order: _Order | None = "K",
    threads: int | None = None,
) -> _Out: ...
@overload
def split(
    buf: _AnyBuffer,
    *,
    names: Iterable[str] | None = None,
    fmt: _FormatLike | Mapping[str, _FormatLike] | None = None,
    out: None = None,
    overflow: _Overflow = None,
    nan: _Nan = None,
    threads: int | None = None,
) -> dict[str, Buffer]: ...
@overload
def split(
    buf: _AnyBuffer,
    *,
    names: Iterable[str] | None = None,
    fmt: _FormatLike | Mapping[str, _FormatLike] | None = None,
    out: Mapping[str, _Out],
    overflow: _Overflow = None,
    nan: _Nan = None,
    threads: int | None = None,
) -> dict[str, _Out]: ...
@overload
def join(
    fields: Mapping[str, _AnyBuffer],
    fmt: _FormatLike | None = None,
    *,
    out: None = None,
    overflow: _Overflow = None,
    nan: _Nan = None,
    missing_fields: _MissingFields = None,
    threads: int | None = None,
) -> Buffer: ...
@overload
def join(
    fields: Mapping[str, _AnyBuffer],
    fmt: _FormatLike | None = None,
    *,
    out: _Out,
    overflow: _Overflow = None,
    nan: _Nan = None,
    missing_fields: _MissingFields = None,
    threads: int | None = None,
) -> _Out: ...
@overload
def reduce(
    buf: _AnyBuffer,
    op: _ReduceOp,
    *,
    axis: int | tuple[int, ...] | None = None,
    dtype: _FormatLike | None = None,
    keepdims: bool = False,
    skipna: bool = False,
    where: _AnyBuffer | bool | None = None,
    initial: complex | _AnyBuffer | None = None,
    ddof: float = 0,
    algorithm: Literal["pairwise", "compensated", "reproducible"] | None = None,
    overflow: Literal["wrap", "raise"] | None = None,
    out: None = None,
    threads: int | None = None,
) -> Buffer: ...
@overload
def reduce(
    buf: _AnyBuffer,
    op: _ReduceOp,
    *,
    axis: int | tuple[int, ...] | None = None,
    dtype: _FormatLike | None = None,
    keepdims: bool = False,
    skipna: bool = False,
    where: _AnyBuffer | bool | None = None,
    initial: complex | _AnyBuffer | None = None,
    ddof: float = 0,
    algorithm: Literal["pairwise", "compensated", "reproducible"] | None = None,
    overflow: Literal["wrap", "raise"] | None = None,
    out: _Out,
    threads: int | None = None,
) -> _Out: ...
def asarray(buf: _AnyBuffer) -> NDArray[Any]: ...
def register(
    module: str,
    qualname: str,
    *,
    storage: _FormatLike | None = None,
    itemsize: int | None = None,
    alignment: int | None = None,
    swap_unit: int | None = None,
    param: Callable[[str], str | None] | None = None,
    decode: Mapping[_FormatLike, object] | None = None,
    encode: Mapping[_FormatLike, object] | None = None,
    dtype: DTypeLike | None = None,
) -> None: ...
@overload
def plan(
    src: _AnyBuffer,
    dst: _AnyBuffer,
    shape: None = None,
    src_strides: None = None,
    dst_strides: None = None,
    *,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    casting: _ConvertCasting = "unsafe",
    complex_to_real: Literal["real", "abs"] | None = None,
    fields: _Fields = None,
    missing_fields: _MissingFields = None,
    errors: _TextErrors = None,
    timezone: _TimeZone = None,
) -> Plan: ...
@overload
def plan(
    src: _FormatLike,
    dst: _FormatLike,
    shape: int | Sequence[int],
    src_strides: int | Sequence[int] | None = None,
    dst_strides: int | Sequence[int] | None = None,
    *,
    overflow: _Overflow = None,
    nan: _Nan = None,
    rounding: _Rounding = None,
    casting: _ConvertCasting = "unsafe",
    complex_to_real: Literal["real", "abs"] | None = None,
    fields: _Fields = None,
    missing_fields: _MissingFields = None,
    errors: _TextErrors = None,
    timezone: _TimeZone = None,
) -> Plan: ...
def targets() -> list[str]: ...
def active_target() -> str: ...
def set_target(name: str | None) -> None: ...
def get_threads() -> int: ...
def set_threads(n: int | None) -> None: ...
def version() -> str: ...
def build_info() -> list[str]: ...
def plan_cache_stats() -> dict[str, int]: ...
def clear_plan_cache() -> None: ...
