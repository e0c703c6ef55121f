"""Arrays with the codecs of examples/zarr_codec: what the tests of both codecs share.

Importing this skips a test module where zarr is not installed.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from zarr_rules import DTYPES

zarr = pytest.importorskip("zarr", minversion="3.1", reason="needs zarr: pip install 'zarr>=3.1'")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "zarr_codec"
sys.path.insert(0, str(EXAMPLE))
try:
    import zarr_stridecast
    from zarr_stridecast import CastValue, ScaleOffset
finally:
    sys.path.remove(str(EXAMPLE))

NUMPY_NAMES = [name for name in DTYPES if DTYPES[name].kind in "iuf" and name != "float8_e5m2"]
bfloat16 = DTYPES["bfloat16"]


@pytest.fixture(autouse=True)
def our_codecs():
    """zarr takes the example's codecs during a test, and whatever it took before after it."""
    names = {"cast_value": CastValue, "scale_offset": ScaleOffset}
    paths = {f"codecs.{k}": f"{v.__module__}.{v.__qualname__}" for k, v in names.items()}
    with zarr.config.set(paths):
        zarr_stridecast.use()
        yield


def create(array, filters, fill_value=0, **options):
    """The store, a dict, and the array in it, written as one chunk if not told otherwise."""
    store = {}
    options = {"chunks": array.shape, "compressors": None} | options
    z = zarr.create_array(
        store,
        shape=array.shape,
        dtype=array.dtype,
        filters=filters,
        fill_value=fill_value,
        **options,
    )
    z[...] = array
    return store, z


def stored(store, dtype):
    """The items of the only chunk of a 1-d array."""
    return np.frombuffer(store["c/0"].to_bytes(), dtype)


def round_trip(array, filters, fill_value=0, **options):
    store, _ = create(array, filters, fill_value, **options)
    return zarr.open_array(store, mode="r")[...]


def spec_of(dtype, fill_value, shape=(4,)):
    """What zarr tells a codec about a chunk."""
    from zarr.core.array_spec import ArrayConfig, ArraySpec
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.dtype import parse_dtype

    zdtype = parse_dtype(np.dtype(dtype), zarr_format=3)
    return ArraySpec(
        shape, zdtype, fill_value, ArrayConfig.from_dict({}), default_buffer_prototype()
    )


def zarrs_own(name):
    """The codec class of zarr itself, which has had them since 3.2."""
    codecs = pytest.importorskip("zarr.codecs")
    if not hasattr(codecs, name):
        pytest.skip(f"this zarr has no {name} of its own")
    return getattr(codecs, name)
