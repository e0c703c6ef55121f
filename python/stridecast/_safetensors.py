"""Reads, checks and writes the header of a .safetensors file.

A file is: 8 bytes, the header's length N (unsigned, little-endian); N bytes of JSON; the tensors'
bytes, without gap or overlap, in little-endian C order. Nothing in a header is believed before it
has been checked, and every check says what is wrong and where. This file knows no conversion and
reads no tensor data; that is _convert_tensors.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stridecast._files import FileFault

# The format's own limit, so that a corrupt length cannot make us read a whole disk as JSON.
MAX_HEADER_BYTES = 100_000_000

# Every dtype name of the format, with its width in bits.
DTYPE_BITS: Mapping[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}

_TENSOR_KEYS = {"dtype", "shape", "data_offsets"}
_MAX_UINT64 = 2**64 - 1


class SafetensorsError(FileFault):
    """A .safetensors file breaks a rule of its format; the text says which one and where."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file; `begin` and `end` are bytes from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def nbytes(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Header:
    """What a file holds: its tensors in the order of their bytes, and its free-form metadata."""

    tensors: tuple[Tensor, ...]
    metadata: dict[str, str] | None
    data_start: int  # bytes from the start of the file: where the first tensor begins


def read_header(fd: int) -> Header:
    """Reads and checks the header of the open file `fd`, whose position is left alone.

    Raises SafetensorsError for anything that the format forbids, OSError where reading fails.
    """
    file_size = os.fstat(fd).st_size
    if file_size < 8:
        raise SafetensorsError(
            f"header length: the file has {file_size} bytes, the length alone takes 8"
        )
    length = int.from_bytes(_read_exactly(fd, 8, 0), "little")
    if length > MAX_HEADER_BYTES:
        raise SafetensorsError(
            f"header length: {length} bytes, the format allows {MAX_HEADER_BYTES}"
        )
    if length > file_size - 8:
        raise SafetensorsError(
            f"header length: {length} bytes, but only {file_size - 8} follow in the file"
        )
    return parse_header(_read_exactly(fd, length, 8), file_size - 8 - length)


def parse_header(text: bytes, data_size: int) -> Header:
    """Checks the JSON `text` of a header that `data_size` bytes of tensor data follow."""
    entries = _load_json(text)
    metadata = _check_metadata(entries.pop("__metadata__", None))
    tensors = [_check_tensor(name, entry) for name, entry in entries.items()]
    # The keys may stand in any order; equal begins are empty tensors before a filled one.
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    _check_coverage(tensors, data_size)
    return Header(tuple(tensors), metadata, 8 + len(text))


def encode_header(tensors: Iterable[Tensor], metadata: Mapping[str, str] | None) -> bytes:
    """The bytes of a file before its data, the length included, padded to a multiple of 8."""
    entries: dict[str, object] = {}
    if metadata is not None:
        entries["__metadata__"] = dict(metadata)
    for tensor in tensors:
        entries[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [tensor.begin, tensor.end],
        }
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER_BYTES:
        raise SafetensorsError(
            f"header length: {len(text)} bytes would have to be written, the format allows "
            f"{MAX_HEADER_BYTES}"
        )
    return len(text).to_bytes(8, "little") + text


def tensor_bytes(dtype: str, shape: Iterable[int], where: str) -> int:
    """The bytes of a tensor, with the overflow checks of a reader that counts in 64 bits."""
    bits = DTYPE_BITS[dtype]
    count = 1
    for size in shape:
        count *= size
        if count > _MAX_UINT64:
            raise SafetensorsError(f"{where}: the number of elements overflows 64 bits")
    if count * bits > _MAX_UINT64:
        raise SafetensorsError(f"{where}: the size in bits overflows 64 bits")
    if count * bits % 8:
        raise SafetensorsError(f"{where}: {count} elements of {bits} bits end inside a byte")
    return count * bits // 8


def _read_exactly(fd: int, size: int, offset: int) -> bytes:
    parts = []
    while size > 0:
        part = os.pread(fd, size, offset)
        if not part:
            raise SafetensorsError(f"the file ended at byte {offset} while it was read")
        parts.append(part)
        size -= len(part)
        offset += len(part)
    return b"".join(parts)


def _load_json(text: bytes) -> dict[str, object]:
    if not text.startswith(b"{"):
        raise SafetensorsError(f"header: must begin with '{{' at byte 8, not with {text[:1]!r}")
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SafetensorsError(f"header: not UTF-8 at byte {8 + error.start}") from None
    try:
        entries = json.loads(
            decoded, object_pairs_hook=_unique_object, parse_constant=_refuse_constant
        )
    except SafetensorsError:
        raise
    except json.JSONDecodeError as error:
        byte = 8 + len(decoded[: error.pos].encode())
        raise SafetensorsError(f"header: not JSON at byte {byte}: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # digits without end, depth without end
        raise SafetensorsError(f"header: not JSON that can be read: {error}") from None
    assert isinstance(entries, dict)  # it began with a brace
    return entries


def _unique_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries: dict[str, object] = {}
    for key, value in pairs:
        if key in entries:
            raise SafetensorsError(f"header: the key {key!r} stands twice in one object")
        try:
            key.encode()
        except UnicodeEncodeError:
            raise SafetensorsError(f"header: the key {key!r} holds half a surrogate pair") from None
        entries[key] = value
    return entries


def _refuse_constant(word: str) -> None:
    raise SafetensorsError(f"header: {word} is no JSON")


def _check_metadata(metadata: object) -> dict[str, str] | None:
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SafetensorsError("header: __metadata__ must be an object of strings")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise SafetensorsError(f"header: __metadata__[{key!r}] must be a string")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise SafetensorsError(
                f"header: __metadata__[{key!r}] holds half a surrogate pair"
            ) from None
    return metadata


def _check_tensor(name: str, entry: object) -> Tensor:
    where = f"tensor {name!r}"
    if not isinstance(entry, dict):
        raise SafetensorsError(f"{where}: must be an object")
    if entry.keys() != _TENSOR_KEYS:
        missing, unknown = _TENSOR_KEYS - entry.keys(), entry.keys() - _TENSOR_KEYS
        said = [f"{key!r} is missing" for key in sorted(missing)]
        said += [f"{key!r} is unknown" for key in sorted(unknown)]
        raise SafetensorsError(f"{where}: {', '.join(said)}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise SafetensorsError(f"{where}: the dtype {dtype!r} is unknown")
    if not isinstance(shape, list) or not all(map(_is_uint64, shape)):
        raise SafetensorsError(f"{where}: the shape must be a list of sizes of 0 or more")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_uint64, offsets)):
        raise SafetensorsError(f"{where}: data_offsets must be two offsets of 0 or more")
    begin, end = offsets
    if end < begin:
        raise SafetensorsError(f"{where}: data_offsets end at {end}, before they begin at {begin}")
    expected = tensor_bytes(dtype, shape, where)
    if end - begin != expected:
        raise SafetensorsError(
            f"{where}: data_offsets span {end - begin} bytes, its dtype {dtype} and shape take "
            f"{expected}"
        )
    return Tensor(name, dtype, tuple(shape), begin, end)


def _is_uint64(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_UINT64  # JSON's true is an int to isinstance


def _check_coverage(tensors: list[Tensor], data_size: int) -> None:
    position = 0
    for tensor in tensors:
        if tensor.begin != position:
            what = (
                f"inside the tensor before it, which ends at {position}"
                if tensor.begin < position
                else f"and leaves a gap from {position}"
            )
            raise SafetensorsError(
                f"tensor {tensor.name!r}: begins at data byte {tensor.begin} {what}"
            )
        position = tensor.end
    if position != data_size:
        raise SafetensorsError(
            f"file size: the tensors take {position} bytes, but {data_size} follow the header"
        )
