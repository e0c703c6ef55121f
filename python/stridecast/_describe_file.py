"""Says what a .safetensors or .npy file holds, by its header alone."""

from __future__ import annotations

import os

from stridecast import _safetensors as safetensors
from stridecast._convert_array import TENSOR_FORMATS, read_array
from stridecast._files import kind_of, opened, reported


def describe_file(path: str | os.PathLike[str]) -> str:
    """One line for each array: its name, format, shape, and where its bytes are.

    Raises FileConversionError for a file that cannot be read or breaks the rules of its format,
    ValueError for one that has no header.
    """
    kind = kind_of(path)
    if not kind:
        raise ValueError(
            f"{os.fspath(path)}: raw bytes do not say what they are; .safetensors and .npy files do"
        )
    with opened(path) as fd, reported(path):
        lines = _tensor_lines(fd) if kind == ".safetensors" else [_array_line(fd, path)]
    return "".join(f"{_printable(line)}\n" for line in lines)


def _array_line(fd: int, path: str | os.PathLike[str]) -> str:
    array = read_array(fd, path)
    order = "Fortran order, " if array.fortran_order and array.has_order else ""
    return (
        f"{array.name}: {array.format.text} {_shape(array.shape)}, {order}{array.nbytes} bytes "
        f"from {array.offset}"
    )


def _tensor_lines(fd: int) -> list[str]:
    header = safetensors.read_header(fd)
    lines = []
    for tensor in header.tensors:
        text = TENSOR_FORMATS.get(tensor.dtype, "packed")
        lines.append(
            f"{tensor.name}: {text} ({tensor.dtype}) {_shape(tensor.shape)}, {tensor.nbytes} bytes "
            f"from {header.data_start + tensor.begin}"
        )
    return lines


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one item"


def _printable(line: str) -> str:
    """Names come out of files: no byte of them may steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
