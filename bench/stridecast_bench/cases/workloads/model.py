"""The weights of a model to bfloat16, to float8_e4m3fn and back: the file of `make demo`.

All 103 float32 tensors of one model, from 384 to 11.7 million values, each into memory that is
there. Without the file that the demo keeps in .cache, of the tree or of the folder where the
benchmark is started, there are no cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import ml_dtypes
import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import Way, destination, fills, tool, workload
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import absent, find_torch

#: The package may be installed, away from the tree.
PLACES = (Path(__file__).resolve().parents[4], Path.cwd())
MODEL = next(
    (path for folder in PLACES if (path := folder / ".cache" / "model.safetensors").exists()),
    PLACES[0] / ".cache" / "model.safetensors",
)

Tensors = list[np.ndarray]


@cache
def _weights() -> Tensors:
    loaded = tool("safetensors.numpy").load_file(MODEL)
    weights = []
    for tensor in loaded.values():
        if tensor.dtype == np.float32:
            kept = aligned(tensor.size, tensor.dtype).reshape(tensor.shape)
            kept[...] = tensor
            weights.append(kept)
    return weights


def _each(convert: Callable[[object, object], object], sources: list, outs: list) -> Callable:
    pairs = list(zip(sources, outs, strict=True))

    def run() -> None:
        for source, out in pairs:
            convert(source, out)

    return run


def _numpy(sources: Tensors, outs: Tensors) -> Way:
    def convert(source: np.ndarray, out: np.ndarray) -> None:
        np.copyto(out, source, casting="unsafe")

    return fills(timed("run()", run=_each(convert, sources, outs)), *outs)


def _torch(sources: Tensors, outs: Tensors) -> Way | None:
    torch = find_torch()
    if torch is None:
        return None

    def tensor(array: np.ndarray) -> object:
        raw = torch.from_numpy(array.reshape(-1).view(np.uint8))
        return raw.view(getattr(torch, array.dtype.name)).reshape(array.shape)

    # One call for all of them, which is the fastest way there is.
    names = {"outs": [tensor(out) for out in outs], "a": [tensor(source) for source in sources]}
    return fills(timed("copy(outs, a)", copy=torch._foreach_copy_, **names), *outs)


def _numpy_table(sources: Tensors, outs: Tensors) -> Way | None:
    """Of 8-bit floats: a look-up in the 256 results there are."""
    src, dst = sources[0].dtype, outs[0].dtype
    if src.itemsize != 1:
        return None
    table = np.arange(256, dtype="u1").view(src).astype(dst).view("u2")
    places = [(a.view("u1"), out.view("u2")) for a, out in zip(sources, outs, strict=True)]

    def run() -> None:
        for bits, out in places:
            np.take(table, bits, out=out, mode="clip")

    return fills(timed("run()", run=run), *outs)


def _ours(sources: Tensors, outs: Tensors) -> Way:
    convert = stridecast.convert
    run = _each(lambda source, out: convert(source, None, out=out), sources, outs)
    return fills(timed("run()", run=run), *outs)


def _case(name: str, src: type, dst: type) -> Case:
    weights = _weights()
    sources = [weight.astype(src) for weight in weights] if src != np.float32 else weights
    outs = [destination(weight.shape, dst) for weight in weights]
    peers = {
        "numpy": partial(_numpy, sources, outs),
        "numpy-table": partial(_numpy_table, sources, outs),
        "torch": partial(_torch, sources, outs),
    }
    count = sum(weight.size for weight in weights)
    sizes = (np.dtype(src).itemsize * count, np.dtype(dst).itemsize * count)
    work = Work(count, *sizes, np.dtype(src).name, np.dtype(dst).name, "memory")
    return workload(name, _ours(sources, outs), peers, work)


def cases() -> Iterator[Planned]:
    if not MODEL.exists():
        absent["model.safetensors"] = "`make demo` fetches it"
        return
    if tool("safetensors.numpy") is None:
        return
    bfloat16, float8 = ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn
    yield Planned("workload/model/bfloat16", _case, np.float32, bfloat16)
    yield Planned("workload/model/bfloat16-float32", _case, bfloat16, np.float32)
    yield Planned("workload/model/float8_e4m3fn", _case, np.float32, float8)
    yield Planned("workload/model/float8_e4m3fn-bfloat16", _case, float8, bfloat16)
