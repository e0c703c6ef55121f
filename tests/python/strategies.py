"""Random ndarrays for the tests of whole functions: any dtype, any layout, any bits."""

import math

import ml_dtypes
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import stridecast as sc

# What a copy can meet: every element size from 1 to 32 and odd ones, with and without byte order.
DTYPES = [
    np.dtype(text)
    for text in (
        *("?", "i1", "u2", ">i2", "f4", ">u4", "f8", ">i8", "c8", ">c16", "g", "S3", "S7", "U2"),
        *(">U3", "V5", "V16", "M8[us]", ">M8[D]", "m8[25s]", "i1,>f8", "S3,f4,(2,2)i2"),
    )
] + [np.dtype(getattr(ml_dtypes, name)) for name in ("bfloat16", "float8_e4m3fn", "int4")]
SWAPPABLE = [dtype for dtype in DTYPES if dtype.kind != "V" or dtype.names]


def shapes(max_dims=4, max_side=7):
    return hnp.array_shapes(min_dims=0, max_dims=max_dims, min_side=0, max_side=max_side)


@st.composite
def laid_out(draw, x):
    """The items of `x` at other places: permuted, reversed, spread, off alignment, broadcast."""
    axes = draw(st.permutations(range(x.ndim)))
    steps = tuple(draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in range(x.ndim))
    memory_shape = tuple(x.shape[axis] * abs(steps[axis]) for axis in axes)
    size = math.prod(memory_shape) * x.itemsize
    start = draw(st.sampled_from([0, 1, 3, 8]))
    raw = np.arange(size + start, dtype="u4").astype("u1") & 1
    memory = raw[start : start + size].view(f"V{x.itemsize}").view(x.dtype).reshape(memory_shape)
    y = memory.transpose(np.argsort(axes) if x.ndim else ())
    y = y[(..., *(slice(None, None, step) for step in steps))]
    y[...] = x
    return y


@st.composite
def arrays(draw, dtypes=DTYPES, shape=None):
    """An ndarray of any bits and any layout."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(shapes()) if shape is None else shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = math.prod(shape) * dtype.itemsize
    raw = rng.integers(0, 2 if dtype.kind == "b" else 256, size, dtype="u1")
    if dtype.kind == "U":  # characters
        raw = rng.integers(0, 0x800, size // 4, dtype="u4").astype(dtype.str[0] + "u4").view("u1")
    x = raw.view(f"V{dtype.itemsize}").view(dtype).reshape(shape)
    return draw(laid_out(x))


def masks(shape):
    """A mask that broadcasts to `shape`, of any layout."""

    @st.composite
    def draw_mask(draw):
        keep = draw(st.integers(0, len(shape)))
        small = tuple(n if draw(st.booleans()) else 1 for n in shape[keep:])
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        mask = rng.random(small) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
        return draw(laid_out(mask))

    return draw_mask()


def raw_items(array):
    """The items in C order as bytes, padding included; NumPy itself copies fields only."""
    packed = sc.Buffer(np.lib.stride_tricks.as_strided(array, array.shape, array.strides))
    return np.array(packed.view(f"{array.itemsize}x").numpy()).tobytes()
