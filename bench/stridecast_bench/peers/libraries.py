"""The libraries beside NumPy, where they are installed and asked for.

What could not be imported is in `absent`, for the report; whose group is not selected
(peers.select) is not imported at all. All are kept to one thread, unless use_threads() says
otherwise. What their users write is in casts.py, reductions.py and loops.py.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import ml_dtypes
import numpy as np

from stridecast_bench.peers import is_selected

#: Why a library is not there, by its name.
absent: dict[str, str] = {}
#: Versions of the libraries that are there, by name.
versions: dict[str, str] = {}
#: What they raise where they lack a conversion; NotImplementedError is a RuntimeError.
CANNOT = (TypeError, ValueError, RuntimeError)
#: The peers that can do one call's work on several threads.
THREADED = ("torch", "numexpr", "numba")

_threads = 1


def use_threads(count: int) -> None:
    """From now on THREADED work on so many threads; the others have one."""
    global _threads
    _threads = count


def threads() -> int:
    return _threads


def _found(name: str) -> ModuleType | None:
    """The module, if it is there and its group is selected."""
    return _imported(name) if is_selected(name) else None


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


def find_torch() -> ModuleType | None:
    module = _found("torch")
    if module is not None and module.get_num_threads() != _threads:
        module.set_num_threads(_threads)
    return module


def find_pyarrow() -> tuple[ModuleType, ModuleType] | None:
    module = _found("pyarrow")
    if module is None:
        return None
    module.set_cpu_count(1)
    return module, import_module("pyarrow.compute")


def find_bottleneck() -> ModuleType | None:
    """It has no threads."""
    return _found("bottleneck")


def find_pandas() -> ModuleType | None:
    return _found("pandas")


def find_xarray() -> ModuleType | None:
    return _found("xarray")


def find_numexpr() -> ModuleType | None:
    # Its own limit is 16, and read when it is imported.
    os.environ.setdefault("NUMEXPR_MAX_THREADS", str(os.cpu_count()))
    module = _found("numexpr")
    if module is not None:
        module.set_num_threads(_threads)
    return module


def find_numba() -> ModuleType | None:
    module = _found("numba")
    if module is not None:
        module.set_num_threads(_threads)
    return module


def find_tensorstore() -> tuple[ModuleType, object] | None:
    module = _found("tensorstore")
    return module and (module, _one_thread_of(module))


@cache
def _one_thread_of(tensorstore: ModuleType) -> object:
    return tensorstore.Context({"data_copy_concurrency": {"limit": 1}})


def find_numkong() -> ModuleType | None:
    return _found("numkong")


def tensor_of(torch: ModuleType, array: np.ndarray) -> object:
    """The array's memory, strided as it is."""
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    if array.dtype.kind == "u" and array.itemsize > 1:
        # PyTorch's unsigned types are late additions: signed ones are what it is fast with.
        return torch.from_numpy(array.view(f"i{array.itemsize}"))
    return torch.from_numpy(array)
