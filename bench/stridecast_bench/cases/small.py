"""What a call costs: eight, 64 and 512 elements, plans made and looked up.

Beside NumPy's and PyTorch's calls for the same. Calls of C++ time themselves; beside a plan that
runs stands the loop that a C++ user would write in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from time import perf_counter_ns

import numpy as np

import stridecast
from stridecast_bench.cases.basic import ONE, expect_equal
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import Batch, Case, Work, timed
from stridecast_bench.peers.casts import torch_copy
from stridecast_bench.peers.libraries import find_torch, tensor_of

SIZES = (8, 64, 512)


def _made(**batches: Batch | None) -> dict[str, Batch]:
    """The peers that are there."""
    return {name: batch for name, batch in batches.items() if batch is not None}


def _torch(call: str, **arrays: np.ndarray) -> Batch | None:
    """A call of PyTorch over tensors of these arrays, which have its own types."""
    torch = find_torch()
    if torch is None:
        return None
    tensors = {name: tensor_of(torch, array) for name, array in arrays.items()}
    return timed(call, **tensors, float64=torch.float64)


def _filling(
    name: str, src: np.ndarray, out: np.ndarray, ours: Batch, **others: Batch | None
) -> Case:
    """A case that fills `out` with what `src` has, beside np.copyto and others."""
    copyto = timed("copyto(o, a)", copyto=np.copyto, a=src, o=out)
    peers = _made(numpy=copyto, torch=torch_copy(src, out), **others)

    def check() -> None:
        for peer, batch in {"stridecast": ours, **peers}.items():
            out.fill(-1)
            batch(1)
            expect_equal(out, src.astype(out.dtype), f"{name} by {peer}")

    return Case(name, ours, peers, 0.3, check, work=Work.between(src, out))


def _convert(count: int) -> Case:
    src, out = np.arange(count, dtype=np.float32), np.zeros(count, np.float64)
    ours = timed('convert(a, "d", out=o)', convert=stridecast.convert, a=src, o=out)
    return _filling(f"small/{count}/convert", src, out, ours)


def _plan_run(count: int, library: BenchLibrary) -> Case:
    src, out = np.arange(count, dtype=np.float32), np.zeros(count, np.float64)
    others = {"c++": library.naive_cast(src, out)}
    case = _filling(f"small/{count}/plan-run/c++", src, out, library.plan_run(src, out), **others)
    case.peers = {name: batch for name, batch in case.peers.items() if name == "c++"}
    return case


def _copy(count: int) -> Case:
    src, out = np.arange(2 * count, dtype=np.float32)[::2], np.zeros(count, np.float32)
    ours = timed("copy(a, out=o)", copy=stridecast.copy, a=src, o=out)
    return _filling(f"small/{count}/copy-strided", src, out, ours)


def _astype(count: int) -> Case:
    name, src = f"small/{count}/astype", np.arange(count, dtype=np.float32)
    double = np.dtype(np.float64)
    ours = timed("astype(a, to)", astype=stridecast.astype, a=src, to=double)
    numpy = timed("a.astype(to)", a=src, to=double)
    wanted = src.astype(double)

    peers = _made(numpy=numpy, torch=_torch("a.to(float64)", a=src))

    def check() -> None:
        expect_equal(stridecast.astype(src, double), wanted, name)
        if "torch" in peers:
            theirs = tensor_of(find_torch(), src).to(find_torch().float64)
            expect_equal(theirs.numpy(), wanted, f"{name} by torch")

    return Case(name, ours, peers, 0.3, check, work=Work.between(src, wanted))


def _byteswap(count: int) -> Case:
    name, a = f"small/{count}/byteswap", np.arange(count, dtype=np.uint32)
    ours = timed("byteswap(a, inplace=True)", byteswap=stridecast.byteswap, a=a)
    numpy = timed("byteswap(True)", byteswap=a.byteswap)

    def check() -> None:
        for peer, batch in {"stridecast": ours, "numpy": numpy}.items():
            expected = a.byteswap()
            batch(1)
            expect_equal(a, expected, f"{name} by {peer}")

    return Case(name, ours, {"numpy": numpy}, 0.3, check, work=Work.inside(a))


def _reduce(count: int) -> Case:
    name, a = f"small/{count}/reduce", np.arange(count, dtype=np.float32)
    ours = timed('reduce(a, "sum")', reduce=stridecast.reduce, a=a)
    peers = _made(numpy=timed("a.sum()", a=a), torch=_torch("a.sum()", a=a))

    def check() -> None:
        expect_equal(stridecast.reduce(a, "sum").numpy(), np.asarray(a.sum()), name)
        if "torch" in peers:
            theirs = tensor_of(find_torch(), a).sum().numpy()
            expect_equal(theirs, np.asarray(a.sum()), f"{name} by torch")

    return Case(name, ours, peers, 0.3, check, work=Work.reducing(a, a[:1]))


#: More shapes than plans are kept of.
SHAPES = range(8, 8 + 4096)


def _make_each(make: Callable[[int], object]) -> Batch:
    """`make` for one shape after the other."""
    shapes = cycle(SHAPES)

    def batch(n: int) -> int:
        some = list(islice(shapes, n))
        start = perf_counter_ns()
        for count in some:
            make(count)
        return perf_counter_ns() - start

    return batch


def _plan_cases(library: BenchLibrary | None) -> Iterator[Case]:
    """Plans beside what NumPy makes before it converts: an iterator over both arrays."""
    src, out = np.arange(8, dtype=np.float32), np.zeros(8, np.float64)
    copyto = {"numpy": timed("copyto(o, a)", copyto=np.copyto, a=src, o=out)}
    look_up = timed("plan(a, o)", plan=stridecast.plan, a=src, o=out)
    yield Case("small/plan-lookup/python", look_up, copyto, 0.5, work=ONE)
    call = 'nditer([a, o], ["external_loop", "buffered"], flags, casting="unsafe")'
    flags = [["readonly"], ["writeonly"]]
    nditer = {"numpy": timed(call, nditer=np.nditer, a=src, o=out, flags=flags)}
    make = _make_each(lambda count: stridecast.plan("f", "d", count))
    yield Case("small/plan-make/python", make, nditer, 0.5, work=ONE)
    if library is not None:
        yield Case("small/plan-lookup/c++", library.plan_lookup_ns, copyto, 0.5, work=ONE)
        yield Case("small/plan-make/c++", library.plan_make_ns, nditer, 0.5, work=ONE)


def small_cases(library: BenchLibrary | None) -> Iterator[Case]:
    src, out = np.arange(8, dtype=np.float32), np.zeros(8, np.float64)
    ours = timed('convert(a, "d", out=o)', convert=stridecast.convert, a=src, o=out)
    case = _filling("small/convert", src, out, ours)
    case.seconds = 0.5
    yield case
    yield from _plan_cases(library)
    for count in SIZES:
        for make in (_convert, _astype, _copy, _byteswap, _reduce):
            yield make(count)
        if library is not None:
            yield _plan_run(count, library)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Case]]] = {"small": small_cases}
