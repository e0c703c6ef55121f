"""Plans the conversion of the floating-point tensors of a .safetensors file into another.

Headers are checked by _safetensors.py; the windows are taken over by _windows.py.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from stridecast import Format
from stridecast._safetensors import (
    DTYPE_BITS,
    Header,
    SafetensorsError,
    Tensor,
    encode_header,
    read_header,
    tensor_bytes,
)
from stridecast._windows import Run

# The dtypes that are converted, with their format texts: files are little-endian on every host.
FORMAT_TEXTS = {"F64": "<d", "F32": "<f", "F16": "<e", "BF16": "<E"}
_BYTES = Format("B")


@dataclass(frozen=True, slots=True)
class TensorPlan:
    """What is written before the tensors, and where each of them comes from."""

    header: bytes
    runs: list[Run]
    converted: int  # tensors
    carried: int
    source_bytes: int  # of tensor data
    target_bytes: int

    @property
    def what(self) -> str:
        return f"{self.converted} tensors converted, {self.carried} carried over"


@dataclass(frozen=True, slots=True)
class _Job:
    """One source tensor and what becomes of it."""

    source: Tensor
    target: Tensor

    @property
    def is_converted(self) -> bool:
        return self.source.dtype != self.target.dtype


def target_dtype(text: str) -> str:
    """The safetensors dtype for a format text: "E" is "BF16". Raises ValueError for others."""
    canonical = Format(text)
    for dtype, format_text in FORMAT_TEXTS.items():
        if canonical == Format(format_text):
            return dtype
    choices = ", ".join(f"{text[1:]} ({dtype})" for dtype, text in FORMAT_TEXTS.items())
    raise ValueError(f"format {text!r}: a .safetensors file is converted to one of {choices}")


def plan_tensors(source_fd: int, dtype: str, only: Sequence[str]) -> TensorPlan:
    """What becomes of the file `source_fd`; raises SafetensorsError where it breaks the format."""
    header = read_header(source_fd)
    jobs = _jobs(header, dtype, only)
    target_header = encode_header((job.target for job in jobs), header.metadata)
    converted = sum(job.is_converted for job in jobs)
    return TensorPlan(
        header=target_header,
        runs=_runs(jobs, header.data_start, len(target_header)),
        converted=converted,
        carried=len(jobs) - converted,
        source_bytes=sum(job.source.nbytes for job in jobs),
        target_bytes=sum(job.target.nbytes for job in jobs),
    )


def _jobs(header: Header, dtype: str, only: Sequence[str]) -> list[_Job]:
    """What becomes of each tensor, in the order of the target's bytes."""
    for pattern in only:
        if not any(fnmatch.fnmatchcase(tensor.name, pattern) for tensor in header.tensors):
            raise SafetensorsError(f"no tensor's name matches --only {pattern!r}")

    def becomes(tensor: Tensor) -> str:
        chosen = not only or any(fnmatch.fnmatchcase(tensor.name, pattern) for pattern in only)
        return dtype if chosen and tensor.dtype in FORMAT_TEXTS else tensor.dtype

    # Wide items first, as the format's own writer has them, so that every tensor lies aligned to
    # its items; apart from that the source's order, so that it is read from front to back.
    chosen = [(tensor, becomes(tensor)) for tensor in header.tensors]
    chosen.sort(key=lambda pair: -DTYPE_BITS[pair[1]])
    jobs = []
    position = 0
    for tensor, new_dtype in chosen:
        size = tensor_bytes(new_dtype, tensor.shape, f"tensor {tensor.name!r}, converted")
        target = Tensor(tensor.name, new_dtype, tensor.shape, position, position + size)
        jobs.append(_Job(tensor, target))
        position += size
    return jobs


def _runs(jobs: Sequence[_Job], source_start: int, target_start: int) -> list[Run]:
    """Joins neighbours that are treated alike: small tensors then cost no windows of their own."""
    groups: list[list[_Job]] = []
    for job in jobs:
        if job.source.nbytes == 0:
            continue
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and last.source.end == job.source.begin
            and last.is_converted == job.is_converted
            and (
                not job.is_converted
                or (last.source.dtype, last.target.dtype) == (job.source.dtype, job.target.dtype)
            )
        ):
            groups[-1].append(job)
        else:
            groups.append([job])
    runs = []
    for group in groups:
        first, last = group[0], group[-1]
        converted = first.is_converted
        source_format = Format(FORMAT_TEXTS[first.source.dtype]) if converted else _BYTES
        target_format = Format(FORMAT_TEXTS[first.target.dtype]) if converted else _BYTES
        runs.append(
            Run(
                source_start + first.source.begin,
                target_start + first.target.begin,
                (last.source.end - first.source.begin) // source_format.itemsize,
                source_format,
                target_format,
                _Namer([job.source for job in group], source_format.itemsize),
            )
        )
    return runs


@dataclass(frozen=True, slots=True)
class _Namer:
    """Names an item of neighbouring tensors by its tensor and its place there."""

    tensors: list[Tensor]
    itemsize: int

    def __call__(self, item: int) -> str:
        for tensor in self.tensors:
            count = tensor.nbytes // self.itemsize
            if item < count:
                return f"tensor {tensor.name!r}, element {item}"
            item -= count
        raise IndexError(item)
