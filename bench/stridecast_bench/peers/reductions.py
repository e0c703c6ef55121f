"""How NumPy and the libraries beside it reduce: what their users write, for those that can.

NumPy's names are ours: an operation is called by its name, and `axis` is None, an int or a tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stridecast_bench.library import NAIVE_FOLDS, BenchLibrary
from stridecast_bench.measure import Batch, timed
from stridecast_bench.peers import loops
from stridecast_bench.peers.casts import expression
from stridecast_bench.peers.libraries import find_bottleneck, find_pyarrow, find_torch, tensor_of

Axis = int | tuple[int, ...] | None


@dataclass(frozen=True)
class Reduction:
    """A way to reduce one array, whose result is made anew by every call."""

    batch: Batch
    #: Reduces once and returns what came out.
    result: Callable[[], np.ndarray]


def calling(
    function: Callable[..., object],
    *arguments: object,
    as_array: Callable[[object], np.ndarray] = np.asarray,
    **options: object,
) -> Reduction:
    """`function(*arguments, **options)`; the timing leaves out the look-up of a method."""
    names = {f"a{k}": argument for k, argument in enumerate(arguments)}
    given = ", ".join([*names, *(f"{option}={option}" for option in options)])
    batch = timed(f"function({given})", function=function, **names, **options)
    return Reduction(batch, lambda: as_array(function(*arguments, **options)))


def along(name: str, axis: Axis) -> dict[str, object]:
    """The option that says which axes, where it is not all of them."""
    return {} if axis is None else {name: axis}


def numpy_reduction(a: np.ndarray, op: str, axis: Axis) -> Reduction:
    if op == "count_nonzero":  # which is no method
        return calling(np.count_nonzero, a, **along("axis", axis))
    return calling(getattr(a, op), **along("axis", axis))


def _torch_array(tensor: object) -> np.ndarray:
    # NumPy's arrays have no bfloat16 as far as PyTorch knows; float32 holds each of them.
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def torch_reduction(a: np.ndarray, op: str, axis: Axis) -> Reduction | None:
    torch = find_torch()
    if torch is None:
        return None
    tensor = tensor_of(torch, a)
    name, options = op, along("dim", axis)
    if op in ("min", "max") and axis is not None:
        name = f"a{op}"  # the other one finds the indices too
    elif op == "mean" and a.dtype.kind == "i":
        options["dtype"] = torch.float64  # it refuses to choose by itself
    elif op == "var":
        options["correction"] = 0  # as NumPy; its own choice is 1
    return calling(getattr(tensor, name), as_array=_torch_array, **options)


#: What Bottleneck was compiled for: the rest it hands to NumPy.
BOTTLENECK_TYPES = ("int32", "int64", "float32", "float64")


def bottleneck_reduction(a: np.ndarray, op: str, axis: Axis) -> Reduction | None:
    bottleneck = find_bottleneck()
    # Its functions pass NaN over, which costs it little; it has no others.
    function = getattr(bottleneck, f"nan{op}", None)
    if function is None or a.dtype.name not in BOTTLENECK_TYPES or isinstance(axis, tuple):
        return None
    return calling(function, a, **along("axis", axis))


#: PyArrow's names of what it calls otherwise.
PYARROW_NAMES = {"var": "variance"}
PYARROW_OPS = ("sum", "mean", "min", "max", "var")


def pyarrow_reduction(a: np.ndarray, op: str, axis: Axis) -> Reduction | None:
    """Its arrays have one axis, and lie without gaps."""
    found = find_pyarrow()
    if found is None or op not in PYARROW_OPS or axis is not None or not a.flags.c_contiguous:
        return None
    pyarrow, compute = found
    # With less around it than compute.sum().
    call = compute.get_function(PYARROW_NAMES.get(op, op)).call
    arrays = [pyarrow.array(a.reshape(-1))]
    dtype = a.dtype if a.dtype.kind == "M" else None  # else the type that its scalar has in Python
    return calling(call, arrays, as_array=lambda scalar: np.asarray(scalar.as_py(), dtype))


def _packed(a: np.ndarray, axis: Axis) -> np.ndarray | None:
    """All items along one axis, if that is what is folded and they lie without gaps."""
    return a.reshape(-1) if axis is None and a.flags.c_contiguous else None


def numexpr_reduction(a: np.ndarray, op: str, axis: Axis) -> Reduction | None:
    items = _packed(a, axis)
    if op != "sum" or items is None:
        return None
    found = expression("sum(a)", a=items)
    return found and Reduction(found.batch, found.result)


def numba_reduction(a: np.ndarray, op: str, axis: Axis) -> Reduction | None:
    items = _packed(a, axis)
    loop = None if items is None else loops.fold(items, op)
    return loop and calling(loop, items)


def naive_reduction(
    a: np.ndarray, op: str, axis: Axis, library: BenchLibrary | None
) -> Reduction | None:
    """The loop of a C++ user."""
    items = _packed(a, axis)
    if items is None or library is None or op not in NAIVE_FOLDS:
        return None
    result = np.empty((), getattr(a[(slice(1),) * a.ndim], op)().dtype)
    batch = library.naive_fold(op, items, result)

    def once() -> np.ndarray:
        batch(1)
        return result.copy()

    return batch and Reduction(batch, once)


#: Ways to reduce by the name of their library; None where there is none. Some find out only when
#: they are made or run: they raise one of libraries.CANNOT.
REDUCTIONS: dict[str, Callable[[np.ndarray, str, Axis], Reduction | None]] = {
    "numpy": numpy_reduction,
    "torch": torch_reduction,
    "bottleneck": bottleneck_reduction,
    "pyarrow": pyarrow_reduction,
    "numexpr": numexpr_reduction,
    "numba": numba_reduction,
}
