"""The Zarr v3 codecs cast_value and scale_offset on stridecast.

zarr-python finds both by their entry points. Where it has codecs of these names itself, `use()`
says whose are meant:

>>> import zarr, zarr_stridecast
>>> zarr_stridecast.use()
>>> z = zarr.create_array({}, shape=4, dtype="f8", fill_value=0,
...                       filters=[zarr_stridecast.CastValue(data_type="bfloat16")])

Importing the package registers the data types of data_types.py, which zarr 3.1 does not do by their
entry points before it reads or writes one.
"""

import zarr
from zarr.core.dtype import data_type_registry
from zarr.registry import register_codec

from zarr_stridecast.cast_value import CastValue
from zarr_stridecast.data_types import DATA_TYPES
from zarr_stridecast.scale_offset import ScaleOffset

__all__ = ["CastValue", "ScaleOffset", "use"]

for _data_type in DATA_TYPES:
    if _data_type._zarr_v3_name not in data_type_registry.contents:
        data_type_registry.register(_data_type._zarr_v3_name, _data_type)


def use() -> None:
    """Makes zarr take these codecs for arrays that it opens, whichever others are installed.

    The same in zarr's configuration file or environment:
    ``ZARR_CODECS__CAST_VALUE=zarr_stridecast.cast_value.CastValue`` and
    ``ZARR_CODECS__SCALE_OFFSET=zarr_stridecast.scale_offset.ScaleOffset``.
    Works from a checkout too, where no entry point is installed.
    """
    for name, codec in {"cast_value": CastValue, "scale_offset": ScaleOffset}.items():
        register_codec(name, codec)
        zarr.config.set({f"codecs.{name}": f"{codec.__module__}.{codec.__qualname__}"})
