"""PyTorch and TensorStore, where they are installed: batches that fill a destination from a source.

Both are optional. What could not be imported is in `absent`, for the report. What they cannot
express (negative strides or swapped bytes in PyTorch) is left out as well: there is no such batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import ml_dtypes
import numpy as np

from measure import Batch, timed

#: Why a library is not there, by its name.
absent: dict[str, str] = {}
#: Versions of the libraries that are there, by name.
versions: dict[str, str] = {}


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
def _torch() -> ModuleType | None:
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


def _tensor(torch: ModuleType, array: np.ndarray) -> object:
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    if array.dtype.kind == "u" and array.itemsize > 1:
        # PyTorch's unsigned types are late additions: signed ones are what it is fast with.
        return torch.from_numpy(array.view(f"i{array.itemsize}"))
    return torch.from_numpy(array)


def torch_copy(src: np.ndarray, dst: np.ndarray) -> Batch | None:
    torch = _torch()
    if torch is None:
        return None
    try:
        tensors = {"out": _tensor(torch, dst), "a": _tensor(torch, src)}
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
