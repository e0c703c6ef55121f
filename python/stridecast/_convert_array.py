"""Plans the conversion of one array from one file to another: .npy, raw bytes, .safetensors.

An array that keeps its memory order goes window by window (_windows.py). One in Fortran order that
must become C order, because its file has no place to say otherwise, is read whole: every row of the
result needs all of it.
"""

from __future__ import annotations

import fnmatch
import math
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import stridecast
from stridecast import Buffer, Format
from stridecast import _npy as npy
from stridecast import _safetensors as safetensors
from stridecast._files import (
    FileConversionError,
    FileFault,
    kind_of,
    read_exactly,
    reported,
    write_exactly,
)
from stridecast._windows import ITEM_ERRORS, WINDOW_BYTES, Progress, Run

# The types of a .safetensors file that have a format; the others pack several values in a byte.
TENSOR_FORMATS = {
    "BOOL": "?",
    "U8": "B",
    "I8": "b",
    "F8_E5M2": "[ml_dtypes$float8_e5m2$]",
    "F8_E4M3": "[ml_dtypes$float8_e4m3fn$]",
    "F8_E8M0": "[ml_dtypes$float8_e8m0fnu$]",
    "F8_E4M3FNUZ": "[ml_dtypes$float8_e4m3fnuz$]",
    "F8_E5M2FNUZ": "[ml_dtypes$float8_e5m2fnuz$]",
    "I16": "<h",
    "U16": "<H",
    "F16": "<e",
    "BF16": "<E",
    "I32": "<i",
    "U32": "<I",
    "F32": "<f",
    "C64": "<Zf",
    "F64": "<d",
    "I64": "<q",
    "U64": "<Q",
}
_BITS = {1: "B", 2: "H", 4: "I", 8: "Q"}  # unsigned integers, by their bytes


@dataclass(frozen=True, slots=True)
class Array:
    """One array in a file: its items lie densely from byte `offset` on."""

    name: str
    format: Format
    shape: tuple[int, ...]
    fortran_order: bool = False
    offset: int = 0
    is_raw: bool = False  # no header says what it is

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.format.itemsize

    @property
    def has_order(self) -> bool:
        """Whether C and Fortran order differ."""
        return sum(n > 1 for n in self.shape) > 1 and self.size > 0

    def name_item(self, place: int) -> str:
        """What an error calls the item at `place` in memory order."""
        if len(self.shape) == 1:
            return f"element {place}"
        index = []
        for n in self.shape if self.fortran_order else reversed(self.shape):
            place, rest = divmod(place, n)
            index.append(rest)
        return f"element {tuple(index if self.fortran_order else reversed(index))}"


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """What is written before the items, and where they come from."""

    header: bytes
    source: Array
    target: Array

    @property
    def what(self) -> str:
        shape = "x".join(map(str, self.source.shape)) or "one item"
        return f"{shape}, {self.source.format.text!r} to {self.target.format.text!r}"

    @property
    def converted(self) -> int:
        return int(self.source.format != self.target.format)

    @property
    def carried(self) -> int:
        return 1 - self.converted

    @property
    def source_bytes(self) -> int:
        return self.source.nbytes

    @property
    def target_bytes(self) -> int:
        return self.target.nbytes

    @property
    def is_transposed(self) -> bool:
        return self.source.fortran_order != self.target.fortran_order and self.source.has_order

    @property
    def runs(self) -> list[Run]:
        if self.is_transposed or self.source.size == 0:
            return []
        return [
            Run(
                self.source.offset,
                self.target.offset,
                self.source.size,
                self.source.format,
                self.target.format,
                self.source.name_item,
            )
        ]


def read_array(
    fd: int,
    path: str | os.PathLike[str],
    *,
    only: Sequence[str] = (),
    format: Format | None = None,
    shape: Sequence[int] | None = None,
) -> Array:
    """The one array in the file, by what its header or, for raw bytes, the caller says.

    Raises FileFault where the file says something else, or holds several.
    """
    kind = kind_of(path)
    name = os.fsencode(Path(path).stem).decode(errors="replace")
    if kind == ".safetensors":
        return _read_tensor(fd, only)
    size = os.fstat(fd).st_size
    if kind == ".npy":
        array = Array(name, *npy.read_header(fd))
    else:
        array = _describe_raw(name, size, format, shape)
    if array.offset + array.nbytes != size:
        raise FileFault(
            f"file size: {array.size} items of {array.format.itemsize} bytes make {array.nbytes}, "
            f"but the file has {size - array.offset}"
        )
    return array


def _describe_raw(
    name: str, size: int, format: Format | None, shape: Sequence[int] | None
) -> Array:
    if format is None:
        raise ValueError("raw bytes need a format")
    if format.itemsize == 0:
        raise ValueError(f"format {format.text!r}: items of 0 bytes cannot be read")
    if shape is None:
        if size % format.itemsize:
            raise FileFault(f"file size: {size} bytes are no whole items of {format.itemsize}")
        shape = (size // format.itemsize,)
    if any(n < 0 for n in shape):
        raise ValueError(f"shape {tuple(shape)}: sizes must be 0 or more")
    return Array(name, format, tuple(shape), is_raw=True)


def _read_tensor(fd: int, only: Sequence[str]) -> Array:
    header = safetensors.read_header(fd)
    chosen = [
        tensor
        for tensor in header.tensors
        if not only or any(fnmatch.fnmatchcase(tensor.name, pattern) for pattern in only)
    ]
    if len(chosen) != 1:
        names = ", ".join(repr(tensor.name) for tensor in (chosen or header.tensors)[:5])
        raise FileFault(
            f"{len(chosen)} of its {len(header.tensors)} tensors are meant, but the target takes "
            f"one; choose it with --only ({names}, ...)"
        )
    tensor = chosen[0]
    if tensor.dtype not in TENSOR_FORMATS:
        raise FileFault(
            f"tensor {tensor.name!r}: {tensor.dtype} packs several values in a byte, which no "
            f"format can say"
        )
    format = Format(TENSOR_FORMATS[tensor.dtype])
    return Array(tensor.name, format, tensor.shape, offset=header.data_start + tensor.begin)


def plan_array(source: Array, path: str | os.PathLike[str], format: Format) -> ArrayPlan:
    """How `source` becomes the file `path`, its items of `format`.

    Raises FileFault for a format that cannot be reached, or that the target has no name for.
    """
    if format.itemsize == 0:
        raise FileFault(f"format {format.text!r}: items of 0 bytes cannot be written")
    if source.format != format:
        if not format.fields:
            raise FileFault(f"format {format.text!r}: is padding alone, which takes no values")
        try:
            stridecast.plan(source.format, format, 1)
        except (TypeError, ValueError) as error:
            raise FileFault(str(error)) from None
    kind = kind_of(path)
    target = replace(source, format=format, offset=0)
    if kind == ".npy":
        try:
            header = npy.encode_header(format, source.shape, source.fortran_order)
        except npy.UnnamedFormatError as error:
            ways = "; ".join(_ways_out(source, format))
            raise FileFault(f"{error}; {ways}") from None
    else:
        target = replace(target, fortran_order=False)
        header = _encode_tensor(target) if kind == ".safetensors" else b""
    return ArrayPlan(header, source, replace(target, offset=len(header)))


def require_values(source: Array, format: Format) -> None:
    """Raises FileFault where `source` is bytes without a type and `format` would need values."""
    if source.format.fields or source.format == format:
        return
    size = source.format.itemsize
    is_half = size == 2
    again = f"--format {'E' if is_half else 'FMT'}{_shape_option(source)}"
    if not source.is_raw:
        raw = f"OUT.raw --to {source.format.text}"
        again = f"write them to a raw file, {raw}, and convert that with {again}"
    raise FileFault(
        f"items of {size} bytes without a type (V{size}"
        f"{', as which NumPy also saves bfloat16' if is_half else ''}) have no values to convert; "
        f"to say {'that they are bfloat16' if is_half else 'what they are'}, {again}"
    )


def _ways_out(source: Array, format: Format) -> list[str]:
    """What to do instead of writing `format` into a .npy file, which has no name for it."""
    text = shlex.quote(format.text)
    ways = []
    if any(format == Format(text) for text in TENSOR_FORMATS.values()):
        ways.append(f"a .safetensors file has one: OUT.safetensors --to {text}")
    try:
        stridecast.plan(source.format, "f", 1)
        ways.append("for the values in a type that NumPy has: --to f")
    except (TypeError, ValueError):
        pass
    bits = _BITS.get(format.itemsize)
    first = format.fields[0] if len(format.fields) == 1 else None
    if bits is not None and first is not None and not first.shape and not first.fields:
        bits = (">" if first.byteorder == ">" else "") + bits
        bits = shlex.quote(bits)
        again = f"--format {bits}{_shape_option(source)} --to {bits}"
        if source.is_raw and source.format == format:
            ways.append(f"for the bits: {again}")
        else:
            ways.append(
                f"for the bits: first a raw file, OUT.raw --to {text}, and from that to "
                f".npy {again}"
            )
    return ways or ["a raw file takes the items as they are"]


def _shape_option(array: Array) -> str:
    sizes = ",".join(map(str, array.shape))
    return "" if len(array.shape) == 1 else f" --shape {shlex.quote(sizes)}"


def _encode_tensor(array: Array) -> bytes:
    if array.name == "__metadata__":
        raise FileFault("a tensor cannot be named '__metadata__' there; rename the input")
    for dtype, text in TENSOR_FORMATS.items():
        if array.format == Format(text):
            tensor = safetensors.Tensor(array.name, dtype, array.shape, 0, array.nbytes)
            return safetensors.encode_header([tensor], None)
    raise FileFault(
        f"format {array.format.text!r}: a .safetensors file has no name for it, only for "
        f"{', '.join(TENSOR_FORMATS.values())}"
    )


def write_transposed(
    plan: ArrayPlan,
    source_fd: int,
    source_path: str | os.PathLike[str],
    target_fd: int,
    overflow: str | None,
    threads: int,
    progress: Progress,
) -> None:
    """Reads a Fortran-ordered array whole and writes it in C order, a few rows at a time."""
    source, itemsize = plan.source, plan.target.format.itemsize
    data = memoryview(bytearray(source.nbytes))
    with reported(source_path):
        for begin in range(0, len(data), WINDOW_BYTES):
            window = data[begin : begin + WINDOW_BYTES]
            read_exactly(source_fd, window, source.offset + begin)
            progress(len(window))
    # Bytes in C order of the reversed shape; the last dimension, of bytes, becomes one item.
    reversed_shape = (*reversed(source.shape), source.format.itemsize)
    items = Buffer(data.cast("B", reversed_shape)).view(source.format)[..., 0].T
    row_items = math.prod(source.shape[1:])
    rows = max(1, 16 * WINDOW_BYTES // (row_items * itemsize))
    for first in range(0, source.shape[0], rows):
        try:
            block = stridecast.convert(
                items[first : first + rows],
                plan.target.format,
                order="C",
                overflow=overflow,
                threads=threads,
            )
        except ITEM_ERRORS as error:
            text = re.fullmatch(r"element (\d+)(.*)", str(error), re.DOTALL)
            if text is None:
                raise
            item = replace(source, fortran_order=False).name_item(first * row_items + int(text[1]))
            raise FileConversionError(f"{os.fspath(source_path)}: {item}{text[2]}") from error
        offset = plan.target.offset + first * row_items * itemsize
        write_exactly(target_fd, memoryview(block.view("B")).cast("B"), offset)
