"""Copies and casts by the libraries beside NumPy: batches that fill a destination from a source.

What a library cannot express (negative strides or swapped bytes in PyTorch) is left out: there is
no such batch. How they reduce is in reductions.py, numba's loops are in loops.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from stridecast_bench.cases.types import name_of
from stridecast_bench.measure import Batch, timed
from stridecast_bench.peers import loops
from stridecast_bench.peers.libraries import (
    CANNOT,
    find_numexpr,
    find_numkong,
    find_pyarrow,
    find_tensorstore,
    find_torch,
    tensor_of,
)


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
    found = find_tensorstore()
    if found is None or not (src.dtype.isnative and dst.dtype.isnative):  # it takes them for native
        return None
    tensorstore, context = found
    try:
        stores = [tensorstore.array(array, context=context, copy=False) for array in (src, dst)]
        if src.dtype != dst.dtype:
            stores[0] = tensorstore.cast(stores[0], stores[1].dtype)
    except (TypeError, ValueError):
        return None
    return timed("write(a).result()", write=stores[1].write, a=stores[0])


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
    dtype = getattr(torch, name_of(array.dtype), None) if array.dtype.isnative else None
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
    numkong = find_numkong()
    if numkong is None or not hasattr(numkong, "astype"):
        return None
    if not (src.dtype.isnative and dst.dtype.isnative):
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


def expression(text: str, out: np.ndarray | None = None, **names: np.ndarray) -> Cast | None:
    """What numexpr makes of `text`, compiled once: into `out`, or anew.

    Its evaluate() would look the compiled expression up by text and types in every call. It
    computes in int32, int64, float32 and float64 and converts on the way in and out.
    """
    numexpr = find_numexpr()
    types = {name: _numexpr_type(array.dtype) for name, array in names.items()}
    if numexpr is None or None in types.values():
        return None
    compiled = numexpr.NumExpr(text, signature=list(types.items()))
    given = [names[name] for name in compiled.input_names]
    places = {f"a{k}": array for k, array in enumerate(given)}
    options = {"out": out, "casting": "unsafe", "ex_uses_vml": False}
    batch = timed(
        f"run({', '.join(places)}, out=out, casting=casting, ex_uses_vml=ex_uses_vml)",
        run=compiled,
        **places,
        **options,
    )
    return Cast(batch, lambda: compiled(*given, **options))


def _numexpr_type(dtype: np.dtype) -> type | None:
    """The type that numexpr reads items of this one as."""
    if dtype.kind == "b":
        return bool
    if dtype.kind in "iu":
        wide = dtype.itemsize > 4 or (dtype.kind == "u" and dtype.itemsize > 2)
        return np.int64 if wide else np.int32
    if dtype.kind == "f" and dtype.itemsize <= 8:  # its float is float32; ml_dtypes' kind is "V"
        return np.float64 if dtype.itemsize == 8 else float
    return None


def numexpr_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    if _numexpr_type(dst.dtype) is None:
        return None
    return expression("a", dst, a=src)


def numba_cast(src: np.ndarray, dst: np.ndarray) -> Cast | None:
    batch = loops.copy(src, dst)
    return batch and filling(batch, dst)


#: Batches that do all that ours does, by the name of their library.
COPIES: dict[str, Callable[[np.ndarray, np.ndarray], Batch | None]] = {
    "torch": torch_copy,
    "tensorstore": tensorstore_copy,
    "numba": loops.copy,
}
#: Casts of contiguous arrays by the name of their library; None where there is no such cast. Some
#: find out only when they are run: they raise one of CANNOT.
CASTS: dict[str, Callable[[np.ndarray, np.ndarray], Cast | None]] = {
    "torch": torch_cast,
    "pyarrow": pyarrow_cast,
    "tensorstore": tensorstore_cast,
    "numkong": numkong_cast,
    "numexpr": numexpr_cast,
    "numba": numba_cast,
}
