"""Converts a file into a new file: .safetensors, .npy, raw bytes.

Between two .safetensors files all floating-point tensors are converted (_convert_tensors.py);
everything else is one array (_convert_array.py). The windows are _windows.py, the target's
appearance is _atomic_file.py, the terminal is cli.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stridecast import Format
from stridecast import _windows as windows
from stridecast._atomic_file import AtomicFile
from stridecast._convert_array import (
    ArrayPlan,
    plan_array,
    read_array,
    require_values,
    write_transposed,
)
from stridecast._convert_tensors import TensorPlan, plan_tensors, target_dtype
from stridecast._files import (
    FileConversionError,
    FileFault,
    is_same_file,
    kind_of,
    opened,
    reported,
    write_exactly,
)
from stridecast._windows import Progress, Pump

__all__ = ["FileConversionError", "Summary", "convert_file"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a conversion did."""

    converted: int  # tensors
    carried: int
    source_bytes: int  # of tensor data
    target_bytes: int
    what: str  # for people


def convert_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    to: str,
    *,
    only: Sequence[str] = (),
    format: str | None = None,
    shape: Sequence[int] | None = None,
    overflow: str | None = None,
    threads: int | None = None,
    force: bool = False,
    sync: bool = True,
    start: Callable[[int], Progress] | None = None,
) -> Summary:
    """Converts what is in `source` to the format `to`; the files' extensions, in
    letters of any case, say what they are.

    From .safetensors to .safetensors every F64, F32, F16 and BF16 tensor is converted. Tensors of
    other dtypes, and those whose name matches none of the globs in `only`, are carried over byte
    for byte, and so is the metadata. Otherwise one array is converted: that of a .npy file, the one
    tensor that `only` chooses, or raw bytes, which are what `format` and `shape` say (without a
    shape: one dimension). The target is a .npy file, a .safetensors file of one tensor named after
    the source, or raw bytes in C order.

    `target` appears when everything has been written and synced; until then, and after every error,
    it is what it was. `overflow` is that of stridecast.convert. `threads` is at most the number of
    cores, and that by default. Where `target` is the file `source` itself, `force` is needed.
    `sync=False` leaves it to the system when the bytes reach the disk. `start` is called with the
    number of bytes to read, and what it returns with the bytes of each window that is done, from
    any thread.

    Raises FileConversionError, and ValueError where an argument makes no sense.

        convert_file("model.safetensors", "model-bf16.safetensors", "E")
        convert_file("table.npy", "table.raw", ">f")
        convert_file("image.raw", "image.npy", "f", format="<H", shape=(480, 640))
    """
    plan_for = _planner(source, target, to, only, format, shape)
    if threads is not None and threads < 1:
        raise ValueError(f"threads={threads}: must be 1 or more")
    workers = min(threads or windows.cores(), windows.cores())
    with opened(source) as source_fd:
        plan = plan_for(source_fd)
        with reported(target):
            if not force and is_same_file(source_fd, target):
                raise FileFault("is the input itself, which only --force allows")
            with AtomicFile(target) as file:
                write_exactly(file.fd, plan.header, 0)
                progress = start(plan.source_bytes) if start else lambda _: None
                if isinstance(plan, ArrayPlan) and plan.is_transposed:
                    write_transposed(plan, source_fd, source, file.fd, overflow, workers, progress)
                else:
                    pump = Pump(source_fd, source, file.fd, plan.runs, overflow, workers, progress)
                    pump.run()
                file.commit(sync=sync)
    return Summary(plan.converted, plan.carried, plan.source_bytes, plan.target_bytes, plan.what)


def _planner(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    to: str,
    only: Sequence[str],
    format: str | None,
    shape: Sequence[int] | None,
) -> Callable[[int], TensorPlan | ArrayPlan]:
    """What reads the open source and plans; raises ValueError for arguments that do not belong."""
    kind, target_kind = kind_of(source), kind_of(target)
    is_raw = not kind
    if not is_raw and (format is not None or shape is not None):
        raise ValueError(f"{os.fspath(source)}: --format and --shape are for raw bytes only")
    if is_raw and format is None:
        raise ValueError(f"{os.fspath(source)}: raw bytes, which need --format (and --shape)")
    if kind != ".safetensors" and only:
        raise ValueError(f"{os.fspath(source)}: --only chooses tensors of a .safetensors file")
    if kind == target_kind == ".safetensors":
        dtype = target_dtype(to)

        def plan_many(fd: int) -> TensorPlan:
            with reported(source):
                return plan_tensors(fd, dtype, only)

        return plan_many
    source_format = None if format is None else Format(format)
    target_format = Format(to)
    if target_format.itemsize == 0:
        raise ValueError(f"--to {to!r}: items of 0 bytes cannot be written")

    def plan_one(fd: int) -> ArrayPlan:
        with reported(source):
            array = read_array(fd, source, only=only, format=source_format, shape=shape)
            require_values(array, target_format)
        with reported(target):
            return plan_array(array, target, target_format)

    return plan_one
