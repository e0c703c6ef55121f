"""Packed measurements: big-endian int16 with scale, offset and a sentinel to float32, and back.

Beside NumPy's steps with out= buffers, in the order that is fastest for NumPy; decoding also beside
PyTorch's steps, numexpr's expression, numba's loop and our own plain cast of the same source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import stridecast
from stridecast_bench.cases.basic import LARGE, SMALL, expect_equal
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import (
    DESTINATION_OFFSET,
    Batch,
    Case,
    Planned,
    Unable,
    Work,
    aligned,
    timed,
)
from stridecast_bench.peers import loops
from stridecast_bench.peers.casts import expression
from stridecast_bench.peers.libraries import THREADED, find_torch, tensor_of

PACKED = np.dtype(">i2")
MISSING = -32768
#: Powers of two and small integers: each step is exact, so that its order changes no bit.
SCALE, OFFSET = np.float32(1 / 64), np.float32(-5)
#: Every so many items one is missing, at random.
MISSING_EVERY = 50


def _ours(name: str) -> Callable[..., object]:
    function = getattr(stridecast, name, None)
    if function is None:
        raise Unable(f"this stridecast has no {name}()")
    return function


def _packed(count: int, dtype: np.dtype = PACKED) -> np.ndarray:
    random = np.random.default_rng(20)
    packed = aligned(count, dtype)
    packed[:] = random.integers(-32767, 32767, count, endpoint=True)
    packed[random.integers(0, count, count // MISSING_EVERY)] = MISSING
    return packed


def _unpacked(packed: np.ndarray, out: np.ndarray, mask: np.ndarray) -> None:
    """NumPy's decoding, without a temporary array; of nine orders the fastest."""
    np.copyto(out, packed, casting="unsafe")
    np.equal(out, np.float32(MISSING), out=mask)  # not of `packed`, whose bytes it would swap again
    np.multiply(out, SCALE, out=out)
    np.add(out, OFFSET, out=out)
    np.copyto(out, np.float32(np.nan), where=mask)


def _packed_again(a: np.ndarray, out: np.ndarray, scratch: np.ndarray, mask: np.ndarray) -> None:
    """NumPy's encoding, without a temporary array; of five orders the fastest."""
    np.isnan(a, out=mask)
    np.subtract(a, OFFSET, out=scratch)
    np.divide(scratch, SCALE, out=scratch)
    np.rint(scratch, out=scratch)
    np.copyto(scratch, np.float32(MISSING), where=mask)
    np.copyto(out, scratch, casting="unsafe")


def _torch_steps(packed: np.ndarray, out: np.ndarray, mask: np.ndarray) -> Batch | None:
    """PyTorch's decoding, without a temporary tensor. It has no foreign byte order."""
    torch = find_torch()
    if torch is None or not packed.dtype.isnative:
        return None

    def steps(a: object, out: object, mask: object) -> None:
        torch.eq(a, MISSING, out=mask)
        torch.mul(a, float(SCALE), out=out)
        out.add_(float(OFFSET))
        out.masked_fill_(mask, float("nan"))

    tensors = {"a": packed, "o": out, "mask": mask}
    tensors = {name: tensor_of(torch, array) for name, array in tensors.items()}
    return timed("steps(a, o, mask)", steps=steps, **tensors)


def _by_expression(packed: np.ndarray, out: np.ndarray) -> Batch | None:
    numbers = {"m": np.int32(MISSING), "n": np.float32(np.nan), "s": SCALE, "f": OFFSET}
    arrays = {name: np.asarray(number) for name, number in numbers.items()}
    found = expression("where(a == m, n, a * s + f)", out, a=packed, **arrays)
    return found and found.batch


def _checked(
    name: str, ours: Batch, peers: dict[str, Batch], out: np.ndarray
) -> Callable[[], None]:
    def check() -> None:
        peers["numpy"](1)
        expected = out.copy()
        for label, fill in {"stridecast": ours, **peers}.items():
            out.view(np.uint8).fill(0xA5)
            fill(1)
            expect_equal(out, expected, f"{name} by {label}")

    return check


def _options() -> dict[str, float | int]:
    return {"scale": float(SCALE), "offset": float(OFFSET), "missing": MISSING}


def decode(
    name: str,
    count: int,
    dtype: np.dtype = PACKED,
    level: str = "",
    threads: int | None = None,
) -> Case:
    """`threads`, if any, beside the libraries that share a call's work out to threads."""
    function = _ours("decode")
    packed = _packed(count, dtype)
    out = aligned(count, np.dtype(np.float32), DESTINATION_OFFSET)
    mask = aligned(count, np.dtype(bool))
    call = 'decode(a, "f", scale=s, offset=f, missing=m, out=o)'
    if threads is not None:
        call = call.replace("out=o", "out=o, threads=t")
    s, f, m = _options().values()
    ours = timed(call, decode=function, a=packed, o=out, s=s, f=f, m=m, t=threads)
    numpy = timed("steps(a, o, mask)", steps=_unpacked, a=packed, o=out, mask=mask)
    peers = {
        "numpy": numpy,
        "torch": _torch_steps(packed, out, mask),
        "numexpr": _by_expression(packed, out),
        "numba": loops.decode(packed, out, MISSING, SCALE, OFFSET),
    }
    peers = {peer: batch for peer, batch in peers.items() if batch is not None}
    check = _checked(name, ours, peers, out)
    work = Work.between(packed, out, level, threads or 1)
    if threads is not None:
        threaded = {peer: batch for peer, batch in peers.items() if peer in THREADED}
        return Case(name, ours, threaded, 0.6, check, work=work)
    plain_call = 'convert(a, "f", out=o)'
    plain = timed(plain_call, convert=stridecast.convert, a=packed, o=out)
    return Case(name, ours, {**peers, "plain": plain}, 0.5, check, work=work)


def encode(name: str, count: int, level: str = "") -> Case:
    function = _ours("encode")
    packed = _packed(count)
    mask = aligned(count, np.dtype(bool))
    measured = aligned(count, np.dtype(np.float32))
    _unpacked(packed, measured, mask)
    out = aligned(count, PACKED, DESTINATION_OFFSET)
    scratch = np.empty_like(measured)
    # In float32 as NumPy's steps; encode's own choice is float64.
    call = 'encode(a, ">h", scale=s, offset=f, missing=m, compute="float32", out=o)'
    s, f, m = _options().values()
    ours = timed(call, encode=function, a=measured, o=out, s=s, f=f, m=m)
    names = {"a": measured, "o": out, "scratch": scratch, "mask": mask}
    steps = timed("steps(a, o, scratch, mask)", steps=_packed_again, **names)
    peers = {"numpy": steps}
    check = _checked(name, ours, peers, out)
    return Case(name, ours, peers, 0.5, check, work=Work.between(measured, out, level))


def _cases(head: str, make: Callable[[str, int], Case]) -> Iterator[Planned]:
    for size, count in (("16Ki", SMALL), ("16Mi", LARGE)):
        yield Planned(f"{head}/{size}", make, count)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Planned]]] = {
    "decode": lambda _: _cases("decode", decode),
    "encode": lambda _: _cases("encode", encode),
}
