"""FITS images to native numbers: frames in memory, and from the file.

The images are astropy's own test data, big-endian int16 as the observatory stored them: a mosaic
of 20 x 21 pixels with BSCALE and BZERO, and a raw frame of a spectrograph of 62 x 44, whose BZERO
of 32768 stands for uint16. They are tiled to 2048 x 2048, the size of a detector. `blank` is the
mosaic with a BLANK, as pipelines leave them: one pixel in 50, at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.packed import Packing, our_way, packed_peers
from stridecast_bench.cases.workloads.ways import (
    Way,
    carried,
    destination,
    fills,
    gives,
    scratch_folder,
    tool,
    within,
    workload,
)
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find_numba
from stridecast_bench.peers.loops import swapper

SIDE = 2048
BLANK = -32768
BLOCK = 2880  # bytes: parts of a FITS file are padded to it
TESTS = ("io", "fits", "tests", "data")
#: The file and the number of the part that has the image.
IMAGES = {"scaled": ("scale.fits", 0), "unsigned": ("o4sp040b0_raw.fits", 1)}


def _tiled(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape
    times = (-(-SIDE // rows), -(-SIDE // columns))
    frame = aligned(SIDE * SIDE, np.dtype(">i2")).reshape(SIDE, SIDE)
    frame[...] = np.tile(image, times)[:SIDE, :SIDE]
    return frame


@cache
def _frame(kind: str) -> tuple[np.ndarray, Packing]:
    """A frame as it is stored, and what its header says."""
    file, part = IMAGES["scaled" if kind == "blank" else kind]
    with tool("astropy.io.fits").open(
        carried("astropy", *TESTS, file), do_not_scale_image_data=True
    ) as parts:
        header, frame = parts[part].header, _tiled(parts[part].data)
    packing = [np.float32(header.get("BSCALE", 1)), np.float32(header["BZERO"])]
    if kind != "blank":
        return frame, Packing(*packing)
    frame.reshape(-1)[np.random.default_rng(20).integers(0, frame.size, frame.size // 50)] = BLANK
    return frame, Packing(*packing, BLANK)


def _memory(name: str, kind: str) -> Case:
    frame, packing = _frame(kind)
    out = destination(frame.shape, "f4")
    peers = packed_peers(frame, packing, out)
    return workload(name, our_way(frame, packing, out), peers, Work.between(frame, out))


# Raw detectors' frames, whose uint16 FITS stores as int16 from -32768 on


def _unsigned(name: str) -> Case:
    frame, packing = _frame("unsigned")
    out = destination(frame.shape, "u2")
    names = {"a": frame, "o": out, "offset": float(packing.offset)}
    call = 'decode(a, "H", offset=offset, out=o)'
    ours = fills(timed(call, decode=stridecast.decode, **names), out)
    # The offset turns the sign bit, so that NumPy need not compute in more bits.
    names = {"xor": np.bitwise_xor, "a": frame.view(">u2"), "sign": np.uint16(1 << 15), "o": out}
    return workload(
        name,
        ours,
        {
            "numpy": lambda: fills(timed("xor(a, sign, out=o)", **names), out),
            "numba": partial(_flip, frame, out),
        },
        Work.between(frame, out),
    )


def _flip(frame: np.ndarray, out: np.ndarray) -> Way | None:
    numba = find_numba()
    if numba is None:
        return None

    swapped = swapper()

    @numba.njit(nogil=True)
    def flip(bits: np.ndarray, out: np.ndarray) -> None:
        for k in range(bits.size):
            out[k] = swapped(bits[k]) ^ np.uint16(1 << 15)

    names = {"a": frame.view("u2").reshape(-1), "o": out.reshape(-1)}
    return fills(timed("flip(a, o)", flip=flip, **names), out)


# From the file, which the page cache holds, to numbers in fresh memory


def _written(kind: str) -> str:
    """A FITS file of the frame: a header, the bytes as they are, and padding."""
    frame, packing = _frame(kind)
    header = tool("astropy.io.fits").Header(
        [("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", SIDE), ("NAXIS2", SIDE)]
        + [("BSCALE", float(packing.scale)), ("BZERO", float(packing.offset))]
        + ([("BLANK", packing.missing)] if packing.missing is not None else [])
    )
    path = scratch_folder() / f"{kind}.fits"
    padding = bytes(-frame.nbytes % BLOCK)
    path.write_bytes(header.tostring().encode("ascii") + frame.tobytes() + padding)
    return str(path)


def _read_by_us(path: str) -> np.ndarray:
    """astropy finds the header and maps the bytes; the rest is one call."""
    with tool("astropy.io.fits").open(path, do_not_scale_image_data=True) as parts:
        header = parts[0].header
        return stridecast.decode(
            parts[0].data,
            "f",
            scale=header["BSCALE"],
            offset=header["BZERO"],
            missing=header.get("BLANK"),
        ).numpy()


def _read_by_astropy(path: str) -> np.ndarray:
    with tool("astropy.io.fits").open(path) as parts:
        return parts[0].data


def _fitsio(path: str) -> Way | None:
    fitsio = tool("fitsio")
    return fitsio and gives(fitsio.read, path)


def _file(name: str, kind: str) -> Case:
    path = _written(kind)
    frame, packing = _frame(kind)
    peers = {"astropy": partial(gives, _read_by_astropy, path)}
    if packing.missing is None:  # which it would leave what it is
        peers["fitsio"] = partial(_fitsio, path)
    # cfitsio computes in float64 and rounds once.
    step = float(np.spacing(np.nanmax(np.abs(_read_by_us(path)))))
    return workload(
        name,
        gives(_read_by_us, path),
        peers,
        Work(frame.size, frame.nbytes, 2 * frame.nbytes, "int16", "float32"),
        loosely={"fitsio": within(step)},
    )


def cases() -> Iterator[Planned]:
    there = [carried("astropy", *TESTS, file) for file, _ in IMAGES.values()]
    if None in there or tool("astropy.io.fits") is None:
        return
    for kind in ("scaled", "blank"):
        yield Planned(f"workload/fits/{kind}/memory", _memory, kind)
    yield Planned("workload/fits/unsigned-float32/memory", _memory, "unsigned")
    yield Planned("workload/fits/unsigned-uint16/memory", _unsigned)
    for kind in ("scaled", "blank"):
        yield Planned(f"workload/fits/{kind}/file", _file, kind)
