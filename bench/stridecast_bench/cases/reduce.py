"""Reductions of every operation, type and layout beside all peers that can do them; sums beside a
stream that reads the same bytes, beside our own sums by other algorithms, and on two threads.

Every result is new, as the peers' are. A cell that stridecast does not reduce is no failure: it is
reported as not done.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

import ml_dtypes
import numpy as np

import stridecast
from stridecast_bench.cases.basic import LARGE, SMALL
from stridecast_bench.cases.types import dtype_of
from stridecast_bench.levels import MIB
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import Batch, Case, Planned, Unable, Work, aligned
from stridecast_bench.peers import PEERS, is_selected
from stridecast_bench.peers.libraries import CANNOT
from stridecast_bench.peers.reductions import (
    REDUCTIONS,
    Axis,
    Reduction,
    along,
    calling,
    naive_reduction,
)

#: By data that they share, which is made once for neighbours.
OPS = ("sum", "mean", "min", "max", "argmin", "argmax", "var", "any", "count_nonzero")
INTEGERS = ("int8", "int32", "int64")
NARROW = ("float16", "bfloat16")
TIMES = "datetime64[us]"
TYPES = (*INTEGERS, *NARROW, "float32", "float64", "complex64", TIMES)
#: Operations that NumPy has for times, and that have one item for their result.
OF_TIMES = ("min", "max", "argmin", "argmax")
ARGUMENTS = ("argmin", "argmax")


@dataclass(frozen=True)
class Layout:
    """How `count` items lie that are folded along `axis`."""

    axis: Axis
    axes: int = 2
    transposed: bool = False
    #: Columns from one item to the next.
    step: int = 1


FLAT = "flat"
#: Squares but for "02", which is a cube, or half of one; FLAT, of any length, is not in the matrix.
LAYOUTS = {
    FLAT: Layout(None, axes=1),
    "none": Layout(None),
    "0": Layout(0),
    "1": Layout(1),
    "02": Layout((0, 2), axes=3),
    "T-none": Layout(None, transposed=True),
    "T-1": Layout(1, transposed=True),
    "s2-none": Layout(None, step=2),
    "s2-1": Layout(1, step=2),
}
#: Of as many items, by the number of axes.
SHAPES = {
    SMALL: {2: (128, 128), 3: (16, 32, 32)},
    LARGE: {2: (4096, 4096), 3: (256, 256, 256)},
}


def name_of(type_name: str) -> str:
    """What a type is called in names of cases."""
    return "datetime64" if type_name == TIMES else type_name


#: Integers and times lie between minus and plus this: int8 and int32 are filled, so that sums need
#: the 64 bits that NumPy's have, and no sum of int64 wraps.
LIMITS = {"int8": 2**7 - 1, "int32": 2**31 - 1, "int64": 2**38, TIMES: 2**50}


def _random_items(type_name: str, count: int) -> np.ndarray:
    """Integers and times from all of their range, else standard normals: no NaN and no NaT."""
    random = np.random.default_rng(20)
    dtype = dtype_of(type_name)
    if type_name in LIMITS:
        limit = LIMITS[type_name]
        return random.integers(-limit, limit, count, endpoint=True).astype(dtype)
    parts = count * (2 if dtype.kind == "c" else 1)
    wide = np.float64 if type_name == "float64" else np.float32
    normals = random.standard_normal(parts, wide)
    return normals.view(dtype) if dtype.kind == "c" else normals.astype(dtype)


def _items(op: str, type_name: str, count: int) -> np.ndarray:
    """What `op` is asked about: all zeros for "any", so that nobody may stop early.

    Beyond LARGE they begin again from the first.
    """
    if op == "any":
        return np.zeros(count, dtype_of(type_name))
    items = np.resize(_random_items(type_name, min(count, LARGE)), count)
    if op == "count_nonzero":
        items[::3] = 0  # regularly, so that who branches does not pay for it
    return items


def _arranged(items: np.ndarray, layout: Layout) -> np.ndarray:
    """The items, in their logical order, as the layout has them."""
    shape = SHAPES[items.size][layout.axes] if layout.axes > 1 else items.shape
    memory = aligned(items.size * layout.step, items.dtype)
    # Touched: memory that nobody wrote is one page, over and over, and lies in the nearest cache.
    memory.view(np.uint8).fill(0)
    a = memory.reshape(*shape[:-1], -1)[..., :: layout.step]
    a = a.T if layout.transposed else a
    a[...] = items.reshape(a.shape)
    return a


@lru_cache(maxsize=1)
def _source_of(data: str, type_name: str, layout_name: str, count: int) -> np.ndarray:
    return _arranged(_items(data, type_name, count), LAYOUTS[layout_name])


def source(op: str, type_name: str, layout_name: str, count: int) -> np.ndarray:
    """Only the last one is kept: take care not to write it."""
    data = op if op in ("any", "count_nonzero") else "sum"
    return _source_of(data, type_name, layout_name, count)


@dataclass(frozen=True)
class Expected:
    """The right result, and how far from it ours and a peer's may be; None: not at all."""

    result: np.ndarray
    ours: np.ndarray | None = None
    peers: np.ndarray | None = None

    def require(self, got: np.ndarray, within: np.ndarray | None) -> None:
        if got.shape != self.result.shape:
            raise AssertionError(f"its shape is {got.shape}, not {self.result.shape}")
        if within is None:
            near = got == self.result
        else:
            near = np.abs(got.astype(self.result.dtype) - self.result) <= within
        if not near.all():
            item = int(np.argmin(near))
            raise AssertionError(f"item {item} is {got.flat[item]}, not {self.result.flat[item]}")


def _epsilon(type_name: str) -> float:
    """The distance from 1 to the next number; of integers that of float64, their means' type."""
    dtype = dtype_of(type_name)
    return float(ml_dtypes.finfo(np.float64 if dtype.kind == "i" else dtype).eps)


def expected(type_name: str, op: str, a: np.ndarray, axis: Axis) -> Expected:
    """NumPy's result where there is but one, else NumPy's in float64 with bounds for the others.

    Rounding a sum of n numbers, added in pairs, comes to log2(n) epsilons of the sum of their
    magnitudes. Ours has to keep that bound, with the epsilon of float32 for 16-bit floats and one
    of their own for the result. A peer may do worse and is timed: NumPy adds 16-bit floats in
    themselves, others add one by one, which comes to about the root of n.
    """
    if op not in ("sum", "mean", "var") or (op == "sum" and a.dtype.kind == "i"):
        return Expected(REDUCTIONS["numpy"](a, op, axis).result())
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    result = np.asarray(getattr(a, op)(axis=axis, dtype=wide))
    if op == "var":
        result = result.real  # of complex numbers too
    folded = a.size // result.size
    magnitude = LIMITS.get(type_name, 2.0)  # of normals the mean is below 2, their squares' too
    scale = {"sum": folded * magnitude, "mean": magnitude, "var": magnitude**2}[op]
    epsilon = _epsilon(type_name)
    rounding = epsilon * np.abs(result)
    adding = (_epsilon("float32") if type_name in NARROW else epsilon) * scale
    return Expected(
        result,
        ours=adding * math.log2(folded) + rounding,
        peers=epsilon * scale * math.sqrt(folded) + rounding,
    )


def our_reduction(a: np.ndarray, op: str, axis: Axis = None, **options: object) -> Reduction:
    """Ours; Unable where stridecast has no such reduction."""

    def make(array: np.ndarray) -> Reduction:
        given = {**along("axis", axis), **options}
        return calling(stridecast.reduce, array, op, as_array=lambda new: new.numpy(), **given)

    # One item tells: what is not known is refused before a byte is read.
    try:
        make(a[(slice(1),) * a.ndim]).result()
    except (TypeError, ValueError) as error:
        raise Unable(str(error)) from error
    return make(a)


def checked(right: Expected, *reductions: Reduction) -> Callable[[], None]:
    """The check that each of ours gives the right result."""

    def check() -> None:
        for reduction in reductions:
            right.require(reduction.result(), right.ours)

    return check


def able_peers(
    a: np.ndarray,
    op: str,
    axis: Axis,
    right: Expected,
    library: BenchLibrary | None,
    asked: Collection[str] = PEERS,
) -> tuple[dict[str, Batch], dict[str, str]]:
    """Those asked who can do it, and who gives another result, with an example."""
    peers: dict[str, Batch] = {}
    others: dict[str, str] = {}
    naive = partial(naive_reduction, library=library)
    for name, make in {**REDUCTIONS, "c++": naive}.items():
        if name not in asked or not is_selected(name):
            continue
        try:
            reduction = make(a, op, axis)
            if reduction is None:
                continue
            right.require(reduction.result(), right.peers)
        except CANNOT:
            continue
        except AssertionError as error:
            others[name] = str(error)
        else:
            peers[name] = reduction.batch
    return peers, others


#: Seconds for ours and for each peer, and rounds that are run whatever they take.
BUDGETS = {SMALL: (0.04, 5), LARGE: (0.12, 3)}


def beside_peers(
    name: str,
    op: str,
    type_name: str,
    layout_name: str,
    count: int,
    library: BenchLibrary | None,
    level: str = "",
) -> Case:
    """A reduction beside every peer that can do it."""
    a, axis = source(op, type_name, layout_name, count), LAYOUTS[layout_name].axis
    ours = our_reduction(a, op, axis)
    right = expected(type_name, op, a, axis)
    peers, others = able_peers(a, op, axis, right, library)
    seconds, rounds = BUDGETS[SMALL if a.nbytes < 16 * MIB else LARGE]
    return Case(
        name,
        ours.batch,
        peers,
        seconds * (1 + len(peers)),
        checked(right, ours),
        rounds=rounds,
        other_results=others,
        work=Work.reducing(a, ours.result(), level),
    )


def _exists(op: str, type_name: str, layout: Layout) -> bool:
    """Whether NumPy has it: no first item along two axes, no sum or mean of times."""
    if op in ARGUMENTS and isinstance(layout.axis, tuple):
        return False
    return type_name != TIMES or op in OF_TIMES


def ignore_overflows() -> None:
    """NumPy's, of float16: whose sums are infinite is named as a peer with another result."""
    warnings.filterwarnings("ignore", "overflow encountered in reduce", RuntimeWarning)


def _matrix(head: str, count: int, library: BenchLibrary | None) -> Iterator[Planned]:
    ignore_overflows()
    layouts = [layout for layout in LAYOUTS if layout != FLAT]
    for type_name, layout_name, op in product(TYPES, layouts, OPS):
        if _exists(op, type_name, LAYOUTS[layout_name]):
            name = f"{head}/{op}/{name_of(type_name)}/{layout_name}"
            yield Planned(name, beside_peers, op, type_name, layout_name, count, library)


def _stream(name: str, type_name: str, library: BenchLibrary | None) -> Case:
    """A contiguous sum beside a read of the same bytes."""
    if library is None:
        raise Unable("its yardstick is in libstridecast_bench")
    a = source("sum", type_name, "none", LARGE).reshape(-1)
    ours = our_reduction(a, "sum")
    right = expected(type_name, "sum", a, None)
    work = Work.reducing(a, ours.result())
    return Case(name, ours.batch, {"stream": library.read(a)}, 0.8, checked(right, ours), work=work)


def stream_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    for type_name in (*INTEGERS, *NARROW, "float32", "float64"):
        yield Planned(f"reduce-stream/sum/{type_name}", _stream, type_name, library)


def _to_the_last_bit(type_name: str, a: np.ndarray) -> Expected:
    """The sum of all items, by long doubles, and the rounding of one result."""
    exact = a.sum(dtype=np.longdouble)
    adding = ml_dtypes.finfo(np.longdouble).eps * math.log2(a.size) * a.size
    return Expected(np.asarray(exact), _epsilon(type_name) * abs(exact) + adding)


def _algorithm(name: str, algorithm: str, type_name: str) -> Case:
    a = source("sum", type_name, "none", LARGE)
    ours = our_reduction(a, "sum", algorithm=algorithm)
    plain = our_reduction(a, "sum")
    compensated = algorithm == "compensated"
    right = _to_the_last_bit(type_name, a) if compensated else expected(type_name, "sum", a, None)
    peers, work = {"pairwise": plain.batch}, Work.reducing(a, ours.result())
    return Case(name, ours.batch, peers, 0.8, checked(right, ours), work=work)


def algorithm_cases() -> Iterator[Planned]:
    """Sums that cost more and are worth more, beside our own plain ones."""
    for algorithm, type_name in product(("compensated", "reproducible"), ("float32", "float64")):
        name = f"reduce-algorithm/{algorithm}/{type_name}"
        yield Planned(name, _algorithm, algorithm, type_name)


def _on_threads(
    name: str,
    op: str,
    type_name: str,
    layout_name: str,
    threads: int,
    library: BenchLibrary | None,
) -> Case:
    """Our threads beside one of ours, and beside what reading the same bytes gains by them."""
    a, axis = source(op, type_name, layout_name, LARGE), LAYOUTS[layout_name].axis
    ours, one = (our_reduction(a, op, axis, threads=count) for count in (threads, 1))
    peers = {"one": one.batch}
    if library is not None:
        peers["read-1"] = library.read(a)
        peers["read-n"] = library.read(a, threads)
    right = expected(type_name, op, a, axis)
    work = Work.reducing(a, one.result(), threads=threads)
    return Case(name, ours.batch, peers, 0.8, checked(right, one, ours), work=work)


def thread_cases(library: BenchLibrary | None, threads: int) -> Iterator[Planned]:
    """In a process that is pinned to as many CPUs."""
    ops, types = ("sum", "max", "argmax"), ("int8", "bfloat16", "float32")
    for type_name, layout_name, op in product(types, ("none", "0", "1"), ops):
        name = f"reduce-threads/{op}/{type_name}/{layout_name}"
        yield Planned(name, _on_threads, op, type_name, layout_name, threads, library)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {
    "reduce-small": lambda library: _matrix("reduce-small", SMALL, library),
    "reduce-large": lambda library: _matrix("reduce-large", LARGE, library),
    "reduce-stream": stream_cases,
    "reduce-algorithm": lambda _: algorithm_cases(),
}
