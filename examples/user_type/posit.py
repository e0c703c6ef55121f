"""posit16 as a type of one's own: what it is for NumPy, and three ways to give it conversions."""

import ctypes
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import stridecast

HERE = Path(__file__).resolve().parent


class posit16:
    """Names the type: its items in buffers have the format "[posit$posit16$]"."""

    @classmethod
    def _numpy_dtype_from_buffer_fmt(cls, param, *, byteorder="="):
        """The hook: NumPy has no posits, so that its arrays see the bits."""
        if param:
            raise ValueError(f"posit16 has no parameter {param!r}")
        return np.dtype(np.uint16).newbyteorder(byteorder)


def register(kernels):
    """Makes the type known to stridecast; `kernels` is one of the functions below."""
    decode, encode = kernels()
    stridecast.register("posit", "posit16", itemsize=2, decode={"d": decode}, encode={"d": encode})


def kernels_from_c(include=HERE.parents[1] / "include"):
    """Compiles posit_kernels.c; the functions of the library run in any thread, without the GIL."""
    with tempfile.TemporaryDirectory() as folder:  # once loaded, the file is not needed
        library = Path(folder, "posit_kernels.so")
        compile_it = f"cc -O2 -shared -fPIC -I{include} -o".split()
        subprocess.run([*compile_it, library, HERE / "posit_kernels.c", "-lm"], check=True)
        loaded = ctypes.CDLL(str(library))
    return loaded.posit16_to_double, loaded.double_to_posit16


def kernels_from_numba():
    """The Python functions below, compiled to machine code."""
    import numba
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def pointer(context, address):
        def build(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], cgutils.voidptr_t)

        return types.voidptr(types.intp), build

    # The head of sc_run; a kernel of packed items needs no more.
    head = [("struct_size", "u4"), ("flags", "u4"), ("n", "i8", 2), ("src", "i8")]
    head += [("src_step", "i8", 2), ("dst", "i8")]
    run_type = numba.from_dtype(np.dtype(head))

    def kernel(function, source, result):
        compiled = numba.njit(function)

        @numba.cfunc(types.uint32(types.CPointer(run_type)))
        def run_kernel(address):
            run = numba.carray(address, 1)[0]
            items = run.n[1]
            src = numba.carray(pointer(run.src), items, source)
            dst = numba.carray(pointer(run.dst), items, result)
            for i in range(items):
                dst[i] = compiled(src[i])
            return types.uint32(0)

        return run_kernel

    return kernel(to_float, np.uint16, np.float64), kernel(from_float, np.float64, np.uint16)


def kernels_from_python():
    """Callables on arrays: slow, but nothing is needed; exceptions arrive where they are due."""

    def decode(bits):
        return np.array([to_float(int(b)) for b in bits])

    def encode(values):
        return np.array([from_float(v) for v in values], np.uint16)

    return decode, encode


def to_float(bits):
    """As to_double in posit_kernels.c, where the comments are."""
    if bits == 0:
        return 0.0
    if bits == 0x8000:
        return math.nan
    negative = bits >= 0x8000
    body = 0x10000 - bits if negative else bits
    first = body >> 14
    at = 13
    while at >= 0 and (body >> at) & 1 == first:
        at -= 1
    regime = 13 - at if first else at - 14
    at -= 1
    exponent = (body >> at) & 1 if at >= 0 else 0
    fraction_bits = max(at, 0)
    fraction = body & ((1 << fraction_bits) - 1)
    value = math.ldexp(1.0 + math.ldexp(float(fraction), -fraction_bits), 2 * regime + exponent)
    return -value if negative else value


def from_float(value):
    if value == 0:
        return 0
    if not math.isfinite(value):
        return 0x8000
    half_fraction, scale = math.frexp(abs(value))
    scale -= 1
    if scale >= 28:
        bits = 0x7FFF
    elif scale < -28:
        bits = 1
    else:
        regime = scale // 2
        regime_bits = regime + 2 if regime >= 0 else 1 - regime
        run = (2 << (regime + 1)) - 2 if regime >= 0 else 1
        shifted = math.ldexp(2.0 * half_fraction - 1.0, 40)
        kept = int(shifted)
        inexact = 1 if shifted > kept else 0
        every = (((run << 1 | (scale - 2 * regime)) << 40 | kept) << 1) | inexact
        surplus = regime_bits + 42 - 15
        half = 1 << (surplus - 1)
        rest = every & (2 * half - 1)
        bits = every >> surplus
        if rest > half or (rest == half and bits & 1):
            bits += 1
    return 0x10000 - bits if value < 0 else bits
