"""Cases that change the place of items in memory: transposes, images, permutations, plain copies.

Beside NumPy, and where a case names them PyTorch, TensorStore, memcpy and the streams of the same
bytes. Sources that are read with a step, byteswaps and structs are in strided.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np

import stridecast
from stridecast_bench.cases.basic import dtype_of, expect_equal, values
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import (
    DESTINATION_OFFSET,
    Batch,
    Case,
    Planned,
    Work,
    aligned,
    scaled,
    timed,
)
from stridecast_bench.peers import is_selected
from stridecast_bench.peers.casts import COPIES

MIB = 1 << 20
#: Types of every size: a copy knows no other difference.
UNSIGNED = {1: np.dtype("u1"), 2: np.dtype("u2"), 4: np.dtype("u4"), 8: np.dtype("u8")}

Shape = tuple[int, ...]


def scattered(shape: Shape, dtype: np.dtype, count: int | None = None) -> np.ndarray:
    """A contiguous array on a page, filled with bytes that do not repeat in step with its axes.

    `count` items are allocated, if that is more than the shape needs.
    """
    size = math.prod(shape)
    memory = aligned(max(size, count or 0), dtype)
    raw = memory.view(np.uint8)
    pattern = np.frombuffer(np.random.default_rng(20).bytes(1_000_003), np.uint8)
    for start in range(0, raw.size, pattern.size):
        raw[start : start + pattern.size] = pattern[: raw.size - start]
    return memory[:size].reshape(shape)


def destination(shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Contiguous, half a page behind a page. The check of its case makes it warm."""
    return aligned(math.prod(shape), dtype, DESTINATION_OFFSET).reshape(shape)


def our_batch(src: np.ndarray, dst: np.ndarray) -> Batch:
    if src.dtype == dst.dtype:
        return timed("copy(a, out=o)", copy=stridecast.copy, a=src, o=dst)
    return timed("convert(a, None, out=o)", convert=stridecast.convert, a=src, o=dst)


def packed_peers(
    library: BenchLibrary | None, src: np.ndarray, dst: np.ndarray
) -> dict[str, Batch]:
    """Copies of the same bytes from where they are packed, `src`, in the order of memory."""
    if library is None or not is_selected("memcpy"):
        return {}
    src, dst = src.reshape(-1), dst.reshape(-1)
    peers = {"memcpy": library.memcpy(src, dst)}
    if dst.nbytes >= 16 * MIB:  # below, stores past the cache are no yardstick
        out = uncached_destination(dst)
        peers["stream-nt"] = library.stream(src, out, non_temporal=True)
        peers["stream-nt4"] = library.stream_pages(src, out)
    return peers


def uncached_destination(dst: np.ndarray) -> np.ndarray:
    """Where non-temporal stores go in place of `dst`.

    They drop its lines from the cache, and whoever is timed next would find it cold. What no cache
    holds is left as it is.
    """
    if dst.nbytes > 128 * MIB:
        return dst
    out = destination(dst.shape, dst.dtype)
    out.view(np.uint8).fill(0)  # touches it
    return out


def filled_as_numpy(
    name: str,
    src: np.ndarray,
    dst: np.ndarray,
    fills: dict[str, Batch],
    scratch: np.ndarray | None = None,
) -> Callable[[], None]:
    """The check that each of `fills` leaves in `dst` what NumPy does, and nothing that was there.

    The peers too: a peer that does something else would be no measure. NumPy's result is put into
    `scratch`, if given.
    """

    def check() -> None:
        expected = np.empty_like(dst) if scratch is None else scratch
        np.copyto(expected, src, casting="unsafe")
        for label, fill in fills.items():
            dst.reshape(-1).view(np.uint8).fill(0xA5)
            fill(1)
            expect_equal(dst, expected, f"{name} by {label}")

    return check


def plain_loops(library: BenchLibrary | None, src: np.ndarray, dst: np.ndarray) -> dict[str, Batch]:
    """What a C++ user writes: a loop, and where it is a transpose one by blocks."""
    if library is None or not is_selected("c++"):
        return {}
    batches = {"c++": library.naive_copy(src, dst)}
    if src.ndim == 2 and src.dtype == dst.dtype and src.T.flags.c_contiguous:
        batches["c++ blocked"] = library.blocked_transpose(src.T, dst)
    return {name: batch for name, batch in batches.items() if batch is not None}


def relayout(
    name: str,
    src: np.ndarray,
    dst: np.ndarray,
    *,
    beside: tuple[str, ...] = tuple(COPIES),
    fills: dict[str, Batch] | None = None,
    streams: dict[str, Batch] | None = None,
    seconds: float = 0.3,
    level: str = "",
) -> Case:
    """The items of `src`, in its logical order, into the contiguous `dst`.

    Beside NumPy, these libraries, `fills`, which have to do the same, and `streams`.
    """
    ours = our_batch(src, dst)
    made = {peer: COPIES[peer](src, dst) for peer in beside}
    others = {peer: batch for peer, batch in made.items() if batch is not None}
    others |= fills or {}
    numpy = timed('copyto(o, a, casting="unsafe")', copyto=np.copyto, a=src, o=dst)
    check = filled_as_numpy(name, src, dst, {"stridecast": ours, **others})
    work = Work.between(src, dst, level)
    return Case(
        name, ours, {"numpy": numpy, **others, **(streams or {})}, seconds, check, work=work
    )


def square(
    name: str, n: int, dtype: np.dtype, library: BenchLibrary | None, level: str = ""
) -> Case:
    a = scattered((n, n), dtype)
    out = destination((n, n), dtype)
    loops, streams = plain_loops(library, a.T, out), packed_peers(library, a, out)
    return relayout(name, a.T, out, fills=loops, streams=streams, level=level)


def square_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """Square matrices of every item size, transposed."""
    for n in (128, 1000, 1024, 4096, 4099, 8192):
        for size, dtype in UNSIGNED.items():
            yield Planned(f"square/{n}/{size}", square, n, dtype, library)


def _neighbour(name: str, n: int, other: int, size: int) -> Case:
    """Our own transpose beside our own transpose of a matrix that is nearly as large."""
    most = max(n, other) ** 2
    memory = scattered((most,), UNSIGNED[size])
    out = destination((most,), UNSIGNED[size])
    views = {side: memory[: side * side].reshape(side, side).T for side in (n, other)}
    outs = {side: out[: side * side].reshape(side, side) for side in (n, other)}
    batches = {side: our_batch(views[side], outs[side]) for side in (n, other)}

    def check() -> None:
        for side, batch in batches.items():
            filled_as_numpy(name, views[side], outs[side], {"stridecast": batch})()

    # As if the other had as many items.
    beside = scaled(batches[other], (n / other) ** 2)
    work = Work.between(views[n], outs[n])
    return Case(name, batches[n], {"neighbour": beside}, 0.3, check, work=work)


def neighbour_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """Powers of two, whose rows compete for the same cache sets, beside their neighbours."""
    del library
    for n, other in ((1024, 1000), (4096, 4099), (8192, 8200)):
        for size in UNSIGNED:
            yield Planned(f"neighbour/{n}-{other}/{size}", _neighbour, n, other, size)


def _fused(name: str, src_name: str, dst_name: str, swapped: bool, n: int) -> Case:
    """A transpose that converts, beside our plain transpose of the wider of the two types."""
    dtype = dtype_of(src_name)
    a = aligned(n * n, dtype).reshape(n, n)
    a[:] = values(src_name, dst_name, n * n).reshape(n, n)
    if swapped:
        a = a.byteswap(inplace=True).view(dtype.newbyteorder())
    out = destination((n, n), dtype_of(dst_name))
    case = relayout(name, a.T, out, beside=("torch",))
    wide = UNSIGNED[max(a.itemsize, out.itemsize)]
    plain = our_batch(scattered((n, n), wide).T, destination((n, n), wide))
    plain(1)  # touches its destination
    case.peers["plain"] = plain
    return case


def fused_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    del library
    pairs = (
        ("float32", "bfloat16", False),
        ("float64", "float32", False),
        ("int16", "float32", True),
    )
    for src, dst, swapped in pairs:
        for n in (1024, 4096):
            name = f"fused/{'>' if swapped else ''}{src}-{dst}/{n}"
            yield Planned(name, _fused, src, dst, swapped, n)


def image(
    name: str,
    shape: Shape,
    axes: Shape,
    src_type: str,
    dst_type: str,
    library: BenchLibrary | None,
    level: str = "",
) -> Case:
    """An image, or a batch of them, whose axes change places."""
    a = scattered(shape, dtype_of(src_type))
    if src_type == "float32":  # bytes that are no numbers would be copied all the same
        a[:] = np.arange(a.size, dtype=np.uint32).astype(np.float32).reshape(shape)
    src = a.transpose(axes)
    out = destination(src.shape, dtype_of(dst_type))
    streams = packed_peers(library, a, out) if a.dtype == out.dtype else None
    loops = {}
    if axes == CHANNELS_FIRST:  # a loop over each channel
        channels = shape[-1]
        loops = plain_loops(library, a.reshape(-1, channels).T, out.reshape(channels, -1))
    return relayout(name, src, out, fills=loops, streams=streams, level=level)


CHANNELS_FIRST = (2, 0, 1)


def image_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """Channels last to channels first, and back."""
    to_first, to_last = CHANNELS_FIRST, (1, 2, 0)
    hwc, chw = (1080, 1920, 3), (3, 1080, 1920)
    yield Planned("image/uint8/hwc-chw", image, hwc, to_first, "uint8", "uint8", library)
    yield Planned("image/uint8/chw-hwc", image, chw, to_last, "uint8", "uint8", library)
    yield Planned("image/uint8-float32/hwc-chw", image, hwc, to_first, "uint8", "float32", library)
    for n, c, h, w in ((32, 64, 112, 112), (8, 64, 56, 56), (16, 3, 512, 512)):
        size = f"{n}x{c}x{h}x{w}"
        for way, shape, axes in (
            ("nchw-nhwc", (n, c, h, w), (0, 2, 3, 1)),
            ("nhwc-nchw", (n, h, w, c), (0, 3, 1, 2)),
        ):
            name = f"image/float32/{way}/{size}"
            yield Planned(name, image, shape, axes, "float32", "float32", library)


def _plain_copy(name: str, mib: int, size: int, library: BenchLibrary | None) -> Case:
    a = scattered((mib * MIB // size,), UNSIGNED[size])
    out = destination(a.shape, a.dtype)
    loops, streams = plain_loops(library, a, out), packed_peers(library, a, out)
    return relayout(name, a, out, fills=loops, streams=streams, seconds=0.6)


def copy_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """Contiguous to contiguous, more than the caches hold."""
    for mib, size in ((80, 1), (128, 2), (192, 4), (256, 8)):
        yield Planned(f"copy/{mib}MiB/{size}", _plain_copy, mib, size, library)


def _permutation(
    name: str, axes: Shape, a: np.ndarray, out: np.ndarray, scratch: np.ndarray
) -> Case:
    """In few rounds: there are hundreds of cases, and NumPy takes up to half a second a call."""
    src = a.transpose(axes)
    case = relayout(name, src, out, beside=(), seconds=0.02)
    case.check = filled_as_numpy(name, src, out, {"stridecast": case.ours}, scratch)
    case.rounds = 1
    return case


def permutation_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    """All orders of six axes of 16."""
    del library
    shape = (16,) * 6
    a = scattered(shape, UNSIGNED[4]).view(np.float32)
    out = destination(shape, np.dtype(np.float32))
    scratch = np.zeros_like(out)
    for axes in permutations(range(6)):
        yield Planned("permutation/" + "".join(map(str, axes)), _permutation, axes, a, out, scratch)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {
    "square": square_cases,
    "neighbour": neighbour_cases,
    "fused": fused_cases,
    "image": image_cases,
    "copy": copy_cases,
    "permutation": permutation_cases,
}
