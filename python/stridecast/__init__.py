"""stridecast: fast conversion of strided buffers, in every format that a buffer can have.

>>> import stridecast
>>> from array import array
>>> weights = stridecast.convert(array("f", [0.5, 1.25, -3.0]), "E")  # float32 to bfloat16
>>> weights.format, weights.tolist()
(Format('E'), [0.5, 1.25, -3.0])

NumPy is optional: ndarrays are understood where NumPy is imported, and `astype`, `ascontiguous`,
`asarray` and ``Buffer.numpy()`` import it. Tensors of PyTorch and other libraries come in by DLPack
and go out by ``from_dlpack(buffer)``; objects such as PIL's images by ``__array_interface__``.
"""

from stridecast._core import (
    Buffer,
    Field,
    Format,
    FormatError,
    Plan,
    UnknownTypeError,
    active_target,
    asarray,
    ascontiguous,
    astype,
    build_info,
    byteswap,
    clear_plan_cache,
    convert,
    copy,
    datetime_fields,
    decode,
    decode_time,
    encode,
    encode_time,
    get_threads,
    join,
    plan,
    plan_cache_stats,
    reduce,
    register,
    set_target,
    set_threads,
    split,
    targets,
    version,
)

__version__ = version()

__all__ = [
    "Buffer",
    "Field",
    "Format",
    "FormatError",
    "Plan",
    "UnknownTypeError",
    "__version__",
    "active_target",
    "asarray",
    "ascontiguous",
    "astype",
    "build_info",
    "byteswap",
    "clear_plan_cache",
    "convert",
    "copy",
    "datetime_fields",
    "decode",
    "decode_time",
    "encode",
    "encode_time",
    "get_threads",
    "join",
    "plan",
    "plan_cache_stats",
    "reduce",
    "register",
    "set_target",
    "set_threads",
    "split",
    "targets",
    "version",
]
