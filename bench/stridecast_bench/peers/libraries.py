"""The peers beside NumPy, where they are installed: batches that fill a destination from a source.

PyTorch, TensorStore, PyArrow, NumKong and Bottleneck are optional; how they reduce is in
reductions.py. What could not be imported is in `absent`, for the report. What they cannot express
(negative strides or swapped bytes in PyTorch) is left out as well: there is no such batch. All are
kept to one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import ml_dtypes
import numpy as np

from stridecast_bench.cases.types import name_of
from stridecast_bench.measure import Batch, timed

#: Why a library is not there, by its name.
absent: dict[str, str] = {}
#: Versions of the libraries that are there, by name.
versions: dict[str, str] = {}
#: What they raise where they lack a conversion; NotImplementedError is a RuntimeError.
CANNOT = (TypeError, ValueError, RuntimeError)


@cache
def _imported(name: str) -> ModuleType | None:
    """The module, imported when it is first needed; PyTorch takes seconds."""
    try:
        module = import_module(name)
    except (ImportError, OSError) as error:  # a library of theirs that is missing is an OSError
        absent[name] = f"{type(error).__name__}: {error}".splitlines()[0]
        return None
    versions[name] = getattr(module, "__version__", None) or _installed_version(name)
    return module


def _installed_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


@cache
def find_torch() -> ModuleType | None:
    module = _imported("torch")
    if module is not None:
        module.set_num_threads(1)
    return module


@cache
def _tensorstore() -> tuple[ModuleType, object] | None:
    module = _imported("tensorstore")
    if module is None:
        return None
    return module, module.Context({"data_copy_concurrency": {"limit": 1}})


def tensor_of(torch: ModuleType, array: np.ndarray) -> object:
    """The array's memory, strided as it is."""
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    if array.dtype.kind == "u" and array.itemsize > 1:
        # PyTorch's unsigned types are late additions: signed ones are what it is fast with.
        return torch.from_numpy(array.view(f"i{array.itemsize}"))
    return torch.from_numpy(array)


def torch_copy(src: np.ndarray, dst: np.ndarray) -> Batch | None:
    torch = find_torch()
    if torch is None:
        return None
    try:
        tensors = {"out": tensor_of(torch, dst), "a": tensor_of(torch, src)}
    except (TypeError, ValueError):
        return None
    return timed("out.copy_(a)", **tensors)


def tensorstore_copy(src: np.ndarray, dst: np.ndarray) -> Batch | None:
    found = _tensorstore()
    if found is None:
        return None
    tensorstore, context = found
    try:
        stores = [tensorstore.array(array, context=context, copy=False) for array in (src, dst)]
        if src.dtype != dst.dtype:
            stores[0] = tensorstore.cast(stores[0], stores[1].dtype)
    except (TypeError, ValueError):
        return None
    return timed("write(a).result()", write=stores[1].write, a=stores[0])


#: Batches that do all that ours does, by the name of their library.
COPIES: dict[str, Callable[[np.ndarray, np.ndarray], Batch | None]] = {
    "torch": torch_copy,
    "tensorstore": tensorstore_copy,
}


@dataclass(frozen=True)
class Cast:
    """A peer's way from one contiguous array to another of the same length."""

    batch: Batch
    #: Converts once and returns what came out.
    result: Callable[[], np.ndarray]


def filling(batch: Batch, dst: np.ndarray) -> Cast:
    """A cast whose batch writes `dst`."""

    def result() -> np.ndarray:
        batch(1)
        return dst

    return Cast(batch, result)


def _torch_tensor(torch: ModuleType, array: np.ndarray) -> object | None:
    """The array's memory with PyTorch's type of the same name; None if it has no such type."""
    dtype = getattr(torch, name_of(array.dtype), None)
    if not isinstance(dtype, torch.dtype):
        return None
    return torch.from_numpy(array.view(np.uint8)).view(dtype)


def torch_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    torch = find_torch()
    if torch is None:
        return None
    tensors = {"out": _torch_tensor(torch, dst), "a": _torch_tensor(torch, src)}
    if None in tensors.values():
        return None
    return filling(timed("out.copy_(a)", **tensors), dst)


def tensorstore_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    """A write of one array in memory, seen through a cast, into another: it has no shorter way."""
    batch = tensorstore_copy(src, dst)
    return batch and filling(batch, dst)


@cache
def find_pyarrow() -> tuple[ModuleType, ModuleType] | None:
    module = _imported("pyarrow")
    if module is None:
        return None
    module.set_cpu_count(1)
    return module, import_module("pyarrow.compute")


def find_bottleneck() -> ModuleType | None:
    """It has no threads."""
    return _imported("bottleneck")


@cache
def find_numexpr() -> ModuleType | None:
    module = _imported("numexpr")
    if module is not None:
        module.set_num_threads(1)
    return module


def find_numba() -> ModuleType | None:
    """It uses one thread but for loops that ask for more."""
    return _imported("numba")


def find_pandas() -> ModuleType | None:
    return _imported("pandas")


def find_xarray() -> ModuleType | None:
    return _imported("xarray")


def pyarrow_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    """PyArrow has no out=: it allocates, from a pool that is warm.

    Left out: its booleans, which are bits, and casts that hand on the memory of their source.
    """
    found = find_pyarrow()
    if found is None or np.bool_ in (src.dtype, dst.dtype):
        return None
    pyarrow, compute = found
    call = compute.get_function("cast").call  # with less around it than compute.cast
    try:
        arrays = [pyarrow.array(src)]
        options = compute.CastOptions.unsafe(pyarrow.from_numpy_dtype(dst.dtype))
        first = call(arrays, options).to_numpy()
    except CANNOT:
        return None
    if np.shares_memory(first, src):
        return None
    return Cast(
        timed("cast(arrays, options)", cast=call, arrays=arrays, options=options),
        lambda: call(arrays, options).to_numpy(),
    )


#: NumKong's names of the types that it calls otherwise than ml_dtypes. Its e4m3 is that "fn".
#: Left out: its four-bit integers are two to a byte, and it has no booleans.
NUMKONG_NAMES = {
    "float8_e4m3fn": "e4m3",
    "float8_e5m2": "e5m2",
    "float6_e2m3fn": "e2m3",
    "float6_e3m2fn": "e3m2",
}
NUMKONG_TYPES = {
    **{f"{kind}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{name: name for name in ("float16", "bfloat16", "float32", "float64")},
    **{name: name for name in ("complex32", "bcomplex32", "complex64", "complex128")},
    **NUMKONG_NAMES,
}


def numkong_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    numkong = _imported("numkong")
    if numkong is None or not hasattr(numkong, "astype"):
        return None
    types = [NUMKONG_TYPES.get(name_of(array.dtype)) for array in (src, dst)]
    if None in types:
        return None
    tensors = [
        numkong.from_pointer(array.ctypes.data, array.shape, dtype, owner=array)
        for array, dtype in zip((src, dst), types, strict=True)
    ]
    names = {"astype": numkong.astype, "a": tensors[0], "o": tensors[1], "to": types[1]}
    return filling(timed("astype(a, to, out=o)", **names), dst)


#: Casts of contiguous arrays by the name of their library; None where there is no such cast. Some
#: find out only when they are run: they raise one of CANNOT.
CASTS: dict[str, Callable[[np.ndarray, np.ndarray], Cast | None]] = {
    "torch": torch_cast,
    "pyarrow": pyarrow_cast,
    "tensorstore": tensorstore_cast,
    "numkong": numkong_cast,
}
