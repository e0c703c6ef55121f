"""Stores float arrays as int16, bfloat16 and int4 with zarr; see README.md."""

import json

import numpy as np
import zarr
import zarr_stridecast
from zarr_stridecast import CastValue, ScaleOffset

zarr_stridecast.use()  # also where zarr has codecs of these names itself


def store(values, filters, **options):
    """What was stored, a mapping of keys to bytes, and the array opened from it."""
    kept = {}
    zarr.create_array(
        kept, data=values, filters=filters, compressors=None, chunks=values.shape, **options
    )
    stored = sum(len(value.to_bytes()) for key, value in kept.items() if key.startswith("c"))
    codecs = json.loads(kept["zarr.json"].to_bytes())["codecs"]
    print(values.dtype, values.nbytes, "bytes, stored", stored)
    print(" ", " -> ".join(codec["name"] for codec in codecs))
    return zarr.open_array(kept, mode="r")


temperature = np.array([[-20.05, 0, np.nan], [21.37, 36.6, 99.99]], np.float32)

# Degrees in int16 steps of 1/100, NaN as the smallest int16: the specification's packing.
missing = {"encode": [["NaN", -32768]], "decode": [[-32768, "NaN"]]}
packed = store(
    temperature,
    [ScaleOffset(offset=20, scale=100), CastValue(data_type="int16", scalar_map=missing)],
    fill_value="NaN",
)
print(" ", np.round(packed[...].astype(float), 2).tolist())

# A type that NumPy and zarr lack: stored as bfloat16, read back as float32.
half = store(temperature, [CastValue(data_type="bfloat16")], fill_value=0)
print(" ", half[...].tolist())

# Four bits a value, one value a byte, as the specification has int4; out of range goes to -8 and 7.
tiny = store(
    np.array([-100.0, -1.5, 2.5, 100]),
    [CastValue(data_type="int4", rounding="nearest-away", out_of_range="clamp")],
    fill_value=0,
)
print(" ", tiny[...].tolist())

try:
    store(temperature, [CastValue(data_type="int16")], fill_value=0)
except ValueError as error:
    print(error)
