"""Times the codecs beside cast-value-rs, cast-value and zarr's own: python speed.py [values]

One thread each, one chunk of 1 Mi values in memory, the best of several runs, in milliseconds.
Prints the tables of README.md.
"""

import sys
import time
import warnings

import numpy as np
from zarr.core.array_spec import ArrayConfig, ArraySpec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.dtype import parse_dtype
from zarr_stridecast import CastValue, ScaleOffset

import stridecast

VALUES = int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 20

NAN_TO_ZERO = {"encode": [["NaN", 0]]}
CASTS = [  # from, and the codec's options
    ("float64", {"data_type": "uint8", "out_of_range": "clamp"}),
    ("float64", {"data_type": "int16"}),
    ("float64", {"data_type": "int16", "out_of_range": "wrap"}),
    ("float64", {"data_type": "int16", "scalar_map": NAN_TO_ZERO}),
    ("float32", {"data_type": "uint8", "rounding": "nearest-away"}),
    ("float32", {"data_type": "int16", "rounding": "towards-negative"}),
    ("float32", {"data_type": "float16"}),
    ("float64", {"data_type": "float32", "rounding": "towards-zero"}),
    ("int64", {"data_type": "int32"}),
    ("uint16", {"data_type": "uint8", "out_of_range": "clamp"}),
    ("uint8", {"data_type": "float32"}),
    ("int16", {"data_type": "float64"}),
    ("float32", {"data_type": "bfloat16"}),
    ("float32", {"data_type": "float8_e4m3"}),
    ("float32", {"data_type": "int4"}),
]
SHIFTS = [
    ("float32", {"offset": 5.0, "scale": 0.5}),
    ("float16", {"offset": 5.0, "scale": 0.5}),
    ("uint16", {"offset": 1, "scale": 2}),
    ("uint64", {"offset": 1, "scale": 2}),
]


def best(function, seconds: float = 0.3) -> float | None:
    """Milliseconds; None where it refuses."""
    try:
        function()
    except (TypeError, ValueError, FloatingPointError):
        return None
    shortest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        function()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest * 1e3


def row(name: str, *times: float | None) -> None:
    cells = ("-" if time is None else f"{time:.2f}" for time in times)
    print(f"| {name} | {' | '.join(cells)} |")


def spec_of(dtype: str) -> ArraySpec:
    zdtype = parse_dtype(dtype, zarr_format=3)
    config, prototype = ArrayConfig.from_dict({}), default_buffer_prototype()
    return ArraySpec((VALUES,), zdtype, zdtype.default_scalar(), config, prototype)


def package(name: str):
    """A package's cast_array, or a function that says that it is not there."""
    try:
        return __import__(name).cast_array
    except ImportError:

        def missing(*args, **kwargs):
            raise TypeError(f"{name} is not installed")

        return missing


def casts(values: np.ndarray) -> None:
    print("| cast_value | stridecast | cast-value-rs | cast-value |\n| --- | --- | --- | --- |")
    rs, pure = package("cast_value_rs"), package("cast_value")
    for source, options in CASTS:
        codec, spec = CastValue(**options), spec_of(source)
        array = (values % 7 if options["data_type"] == "int4" else values).astype(source)
        target = codec.data_type.to_native_dtype()
        common = {
            "rounding_mode": codec.rounding,
            "out_of_range_mode": codec.out_of_range,
            "scalar_map_entries": {np.nan: 0} if codec.scalar_map else None,
            "target_dtype": target,
        }
        extra = [str(v) for k, v in options.items() if k not in ("data_type", "scalar_map")]
        extra += ["NaN to 0"] * bool(codec.scalar_map)
        row(
            ", ".join([f"{source} to {target.name}", *extra]),
            best(lambda a=array, c=codec, s=spec: c.encode_array(a, s)),
            best(lambda a=array, k=common: rs(a, **k)),
            best(lambda a=array, k=common: pure(a, **k)),
        )


def shifts(values: np.ndarray) -> None:
    try:
        from zarr.codecs import ScaleOffset as Zarrs
    except ImportError:
        Zarrs = None
    print("\n| scale_offset | stridecast | zarr |\n| --- | --- | --- |")
    for source, options in SHIFTS:
        spec, array = spec_of(source), values.astype(source) + 1
        chunk = spec.prototype.nd_buffer.from_numpy_array(array)
        theirs = None if Zarrs is None else Zarrs(**options)
        row(
            f"{source}, offset {options['offset']}, scale {options['scale']}",
            best(lambda a=array, s=spec, o=options: ScaleOffset(**o).encode_array(a, s)),
            theirs and best(lambda c=chunk, s=spec, t=theirs: t._encode_sync(c, s)),
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    stridecast.set_threads(1)
    known = np.random.default_rng(1).uniform(0, 127, VALUES)
    casts(known)
    shifts(known)
