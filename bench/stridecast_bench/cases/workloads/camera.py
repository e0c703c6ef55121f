"""Photographs for a neural network: uint8 HWC to float32 CHW, normalised by channel, and back.

Whole photographs, as scikit-image carries them; the middle 224 x 224 of one, where it lies in its
photograph; and a batch of 32 such windows. Mean and deviation are those of ImageNet. All use the
shorter form of the arithmetic, one multiplication and one addition of constants made before,
`x * (1 / (255 * deviation)) + (-mean / deviation)`; torchvision alone divides. How it is rounded
differs (PyTorch and Numba may fuse): results agree within 1e-6, values being at most 2.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import (
    Way,
    carried,
    destination,
    fills,
    gives,
    tool,
    within,
    workload,
)
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find_numba, find_torch

PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "coffee": "coffee.png",
    "chelsea": "chelsea.png",
    "hubble": "hubble_deep_field.jpg",
}
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
SCALE = (1 / (255 * DEVIATION)).astype("f4")
OFFSET = (-MEAN / DEVIATION).astype("f4")
TOLERANCE = 1e-6
WINDOW = 224
BATCH = 32


@cache
def _photograph(name: str) -> np.ndarray:
    with tool("PIL.Image").open(carried("skimage", "data", PHOTOGRAPHS[name])) as image:
        pixels = np.asarray(image.convert("RGB"))
    kept = aligned(pixels.size, pixels.dtype).reshape(pixels.shape)
    kept[...] = pixels
    return kept


def _window(image: np.ndarray, top: int, left: int) -> np.ndarray:
    return image[top : top + WINDOW, left : left + WINDOW]


def _middle() -> np.ndarray:
    image = _photograph("astronaut")
    height, width, _ = image.shape
    return _window(image, (height - WINDOW) // 2, (width - WINDOW) // 2)


def _batch() -> np.ndarray:
    """Windows at random from all photographs, one behind the other."""
    random = np.random.default_rng(20)
    shape = (BATCH, WINDOW, WINDOW, 3)
    batch = aligned(int(np.prod(shape)), np.dtype("u1")).reshape(shape)
    for k, photograph in enumerate(np.resize(list(PHOTOGRAPHS), BATCH)):
        image = _photograph(str(photograph))
        room = [size - WINDOW for size in image.shape[:2]]
        batch[k] = _window(image, *random.integers(0, room, endpoint=True))
    return batch


SOURCES: dict[str, Callable[[], np.ndarray]] = {
    "astronaut": lambda: _photograph("astronaut"),
    "hubble": lambda: _photograph("hubble"),
    "window": _middle,
    "batch": _batch,
}


def _channels_first(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, -1, -3)


def _many(images: np.ndarray) -> np.ndarray:
    """One image as a batch of one."""
    return images if images.ndim == 4 else images[None]


# To float32


def _numpy(image: np.ndarray, out: np.ndarray) -> Way:
    """Converted where it goes, then in place by channel; image by image, for the cache."""
    scale, offset = SCALE[:, None, None], OFFSET[:, None, None]
    pairs = list(zip(_channels_first(_many(image)), _many(out), strict=True))

    def steps() -> None:
        for planes, into in pairs:
            np.copyto(into, planes)
            np.multiply(into, scale, out=into)
            np.add(into, offset, out=into)

    return fills(timed("steps()", steps=steps), out)


def _numpy_table(image: np.ndarray, out: np.ndarray) -> Way:
    """A look-up in the 256 results of each channel."""
    tables = np.arange(256, dtype="f4") * SCALE[:, None] + OFFSET[:, None]
    places = [
        (one[..., c], into[c], tables[c])
        for one, into in zip(_many(image), _many(out), strict=True)
        for c in range(3)
    ]

    def steps() -> None:
        for plane, into, table in places:
            np.take(table, plane, out=into, mode="clip")

    return fills(timed("steps()", steps=steps), out)


def _torch(image: np.ndarray, out: np.ndarray) -> Way | None:
    torch = find_torch()
    if torch is None:
        return None
    planes = torch.from_numpy(_many(image)).movedim(-1, -3).unbind()
    pairs = list(zip(planes, torch.from_numpy(_many(out)).unbind(), strict=True))
    scale, offset = (torch.from_numpy(v[:, None, None].copy()) for v in (SCALE, OFFSET))

    def steps() -> None:
        for planes, into in pairs:
            into.copy_(planes).mul_(scale).add_(offset)

    return fills(timed("steps()", steps=steps), out)


def _torchvision(image: np.ndarray) -> Way | None:
    """What its users write; it has no out=."""
    torch = find_torch()
    if torch is None or tool("torchvision.transforms.v2") is None:
        return None
    v2 = tool("torchvision.transforms.v2").functional
    planes = torch.from_numpy(image).movedim(-1, -3)
    mean, deviation = MEAN.tolist(), DEVIATION.tolist()

    def steps() -> object:
        floats = v2.to_dtype(planes.contiguous(), torch.float32, scale=True)
        return v2.normalize(floats, mean, deviation, inplace=True)

    return gives(steps)


def _planes_by_row(image: np.ndarray, scale: np.ndarray, offset: np.ndarray, out: np.ndarray):
    """Of the orders of these loops the fastest: each row is read once, from the cache."""
    for k in range(image.shape[0]):
        for y in range(image.shape[1]):
            for c in range(3):
                for x in range(image.shape[2]):
                    out[k, c, y, x] = np.float32(image[k, y, x, c]) * scale[c] + offset[c]


@cache
def _compiled(function: Callable) -> Callable:
    return find_numba().njit(nogil=True, fastmath=True)(function)


def _numba(image: np.ndarray, out: np.ndarray) -> Way | None:
    if find_numba() is None:
        return None
    names = {"planes": _compiled(_planes_by_row), "a": _many(image), "s": SCALE, "f": OFFSET}
    names["o"] = _many(out)
    return fills(timed("planes(a, s, f, o)", **names), out)


def _to_floats(name: str, kind: str) -> Case:
    image = SOURCES[kind]()
    planes = _channels_first(image)
    out = destination(planes.shape, "f4")
    names = {"a": planes, "s": SCALE, "f": OFFSET, "axis": planes.ndim - 3, "o": out}
    call = 'decode(a, "f", scale=s, offset=f, axis=axis, out=o)'
    peers = {
        "numpy": partial(_numpy, image, out),
        "numpy-table": partial(_numpy_table, image, out),
        "torch": partial(_torch, image, out),
        "torchvision": partial(_torchvision, image),
        "numba": partial(_numba, image, out),
    }
    work = Work(image.size, image.size, out.nbytes, "uint8", "float32")
    ours = fills(timed(call, decode=stridecast.decode, **names), out)
    return workload(name, ours, peers, work, agree=within(TOLERANCE))


# Back to pixels


def _numpy_back(planes: np.ndarray, out: np.ndarray) -> Way:
    scratch = np.empty_like(planes)
    factor, offset = (v[:, None, None] for v in (np.float32(1) / SCALE, OFFSET))

    image = np.moveaxis(scratch, 0, -1)

    def steps() -> None:
        np.subtract(planes, offset, out=scratch)
        np.multiply(scratch, factor, out=scratch)
        np.rint(scratch, out=scratch)
        np.clip(scratch, 0, 255, out=scratch)
        np.copyto(out, image, casting="unsafe")

    return fills(timed("steps()", steps=steps), out)


def _torch_back(planes: np.ndarray, out: np.ndarray) -> Way | None:
    torch = find_torch()
    if torch is None:
        return None
    a, into = torch.from_numpy(planes), torch.from_numpy(out).movedim(-1, 0)
    scratch = torch.empty_like(a)
    factor, offset = (
        torch.from_numpy(v[:, None, None].copy()) for v in (np.float32(1) / SCALE, OFFSET)
    )

    def steps() -> None:
        torch.sub(a, offset, out=scratch)
        into.copy_(scratch.mul_(factor).round_().clamp_(0, 255))

    return fills(timed("steps()", steps=steps), out)


def _to_pixels(name: str, kind: str) -> Case:
    """What was made of a photograph back to its pixels, which come out as they were."""
    image = SOURCES[kind]()
    planes = destination((3, *image.shape[:2]), "f4")
    scale, offset = SCALE[:, None, None], OFFSET[:, None, None]
    planes[...] = _channels_first(image) * scale + offset
    out = destination(image.shape, "u1")
    names = {"a": planes, "s": SCALE, "f": OFFSET, "o": _channels_first(out)}
    options = 'scale=s, offset=f, axis=0, overflow="saturate", compute="float32"'
    call = f'encode(a, "B", {options}, out=o)'
    ours = fills(timed(call, encode=stridecast.encode, **names), out)
    peers = {
        "numpy": partial(_numpy_back, planes, out),
        "torch": partial(_torch_back, planes, out),
    }
    return workload(name, ours, peers, Work.between(planes, out))


def cases() -> Iterator[Planned]:
    there = [carried("skimage", "data", file) for file in PHOTOGRAPHS.values()]
    if None in there or tool("PIL.Image") is None:
        return
    for kind in SOURCES:
        yield Planned(f"workload/camera/{kind}", _to_floats, kind)
    yield Planned("workload/camera/astronaut-back", _to_pixels, "astronaut")
