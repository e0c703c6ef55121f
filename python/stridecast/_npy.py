"""Reads, checks and writes the header of a .npy file, versions 1.0 to 3.0.

A file is: the magic bytes, a version, the header's length; a Python dict literal with the keys
descr, fortran_order and shape; the items' bytes. What a descr means is NumPy's to say
(numpy.lib.format), so NumPy is needed for these files. No file's bytes are ever unpickled.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import os
import warnings
from typing import Any

from stridecast import Buffer, Format
from stridecast._files import FileFault, read_exactly

_MAGIC = b"\x93NUMPY"
_ALIGNMENT = 64  # of the items in the file, as NumPy writes them
# NumPy refuses literals of more than 10,000 characters, for which Python's parser may take long.
_MAX_HEADER_BYTES = 1 << 16
_KEYS = {"descr", "fortran_order", "shape"}


class NpyError(FileFault):
    """A .npy file breaks a rule of its format, or holds what has no format text."""


class UnnamedFormatError(NpyError):
    """NumPy has no name for a format, so that no .npy file can hold its items."""


def _numpy_format() -> Any:
    try:
        import numpy.lib.format
    except ImportError as error:
        raise NpyError(f".npy files need NumPy, which is not installed ({error})") from None
    return numpy.lib.format


def read_header(fd: int) -> tuple[Format, tuple[int, ...], bool, int]:
    """The format, shape, whether the order is Fortran's, and where the items begin."""
    size = os.fstat(fd).st_size
    start = bytearray(min(size, 12))
    read_exactly(fd, memoryview(start), 0)
    if not start.startswith(_MAGIC) or len(start) < 10:
        raise NpyError(f"must begin with {_MAGIC!r} and a version, not with {bytes(start[:8])!r}")
    version = (start[6], start[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise NpyError(f"version {version[0]}.{version[1]} is unknown; 1.0, 2.0 and 3.0 are read")
    begin = 10 if version == (1, 0) else 12
    length = int.from_bytes(start[8:begin], "little")
    if begin + length > size:
        raise NpyError(f"header length: {length} bytes, but only {size - begin} follow in the file")
    if length > _MAX_HEADER_BYTES:
        raise NpyError(f"header length: {length} bytes, at most {_MAX_HEADER_BYTES} are read")
    text = bytearray(length)
    read_exactly(fd, memoryview(text), begin)
    encoding = "utf-8" if version == (3, 0) else "latin-1"
    format, shape, fortran_order = _parse(bytes(text), encoding)
    return format, shape, fortran_order, begin + length


def _parse(text: bytes, encoding: str) -> tuple[Format, tuple[int, ...], bool]:
    try:
        header = ast.literal_eval(text.decode(encoding).strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise NpyError(f"header: no literal that can be read: {error}") from None
    if not isinstance(header, dict) or header.keys() != _KEYS:
        raise NpyError(f"header: must be a dict with the keys {', '.join(sorted(_KEYS))}")
    shape, fortran_order = header["shape"], header["fortran_order"]
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise NpyError(f"header: shape must be a tuple of sizes of 0 or more, not {shape!r:.80}")
    if any(n >= 1 << 63 for n in shape):  # whose digits Python might refuse to write
        raise NpyError("header: a size in shape is 2^63 or more")
    if type(fortran_order) is not bool:
        raise NpyError(f"header: fortran_order must be True or False, not {fortran_order!r}")
    return _format_of_descr(header["descr"]), shape, fortran_order


def _format_of_descr(descr: object) -> Format:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about how dtypes were written in the past
            dtype = _numpy_format().descr_to_dtype(descr)
        if dtype.hasobject:
            raise NpyError("holds pickled Python objects, which are never read")
        if dtype.itemsize == 0:
            raise NpyError(f"header: items of 0 bytes ({dtype}) cannot be converted")
        return Format.of(dtype)
    except NpyError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, RecursionError) as error:
        raise NpyError(f"header: descr {descr!r}: {error}") from None


def encode_header(format: Format, shape: tuple[int, ...], fortran_order: bool) -> bytes:
    """The bytes of a file before its items.

    Raises UnnamedFormatError for a format that NumPy cannot name, NpyError for other faults.
    """
    dtype, more = _dtype_of(format)
    if more and fortran_order:
        raise NpyError(f"format {format.text!r}: sub-arrays cannot be written in Fortran order")
    lib_format = _numpy_format()
    try:
        descr = lib_format.dtype_to_descr(dtype)
        named = lib_format.descr_to_dtype(descr) == dtype
    except (TypeError, ValueError):
        named = False
    if not named:
        raise UnnamedFormatError(f"format {format.text!r}: a .npy file has no name for it")
    header = repr({"descr": descr, "fortran_order": fortran_order, "shape": shape + more})
    try:
        return _framed(header.encode("latin-1"), (1, 0))
    except UnicodeEncodeError:
        return _framed(header.encode(), (3, 0))


def _framed(text: bytes, version: tuple[int, int]) -> bytes:
    """The header with magic, version and length, padded so that the items lie aligned."""
    if version == (1, 0) and len(text) > 0xFFFF - _ALIGNMENT:
        version = (2, 0)
    prefix = len(_MAGIC) + 2 + (2 if version == (1, 0) else 4)
    length = -(-(prefix + len(text) + 1) // _ALIGNMENT) * _ALIGNMENT - prefix
    padded = text.ljust(length - 1) + b"\n"
    count = length.to_bytes(prefix - len(_MAGIC) - 2, "little")
    return _MAGIC + bytes(version) + count + padded


def _dtype_of(format: Format) -> tuple[Any, tuple[int, ...]]:
    """The dtype of an item, and the dimensions that a sub-array at the top becomes."""
    try:
        item = Buffer(bytes(format.itemsize)).view(format).numpy()
    except (TypeError, ValueError) as error:
        raise NpyError(f"format {format.text!r}: {error}") from None
    return item.dtype, item.shape[1:]
