"""examples/zarr_codec in zarr: both codecs in arrays, the data types, the installed package."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from zarr_arrays import (
    EXAMPLE,
    NUMPY_NAMES,
    CastValue,
    ScaleOffset,
    create,
    our_codecs,  # noqa: F401
    round_trip,
    spec_of,
    zarr,
)
from zarr_rules import DTYPES, FLOATS
from zarr_stridecast import codec as codec_module

# In arrays


@pytest.mark.parametrize("target", ["uint8", "int16", "float16", "bfloat16", "float8_e5m2", "int4"])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "i8", ">u2"])
def test_arrays_round_trip(dtype, target):
    x = np.arange(24).reshape(2, 3, 4).astype(dtype) % 7
    y = round_trip(x, [CastValue(data_type=target)], chunks=(1, 2, 3))
    assert np.array_equal(x, y)
    assert y.dtype == np.dtype(dtype).newbyteorder("=") or y.dtype == np.dtype(dtype)


def test_between_transposes_and_shards():
    from zarr.codecs import TransposeCodec

    x = np.arange(64.0).reshape(8, 8)
    x[3, 4] = np.nan
    filters = [
        TransposeCodec(order=(1, 0)),
        CastValue(
            data_type="uint8",
            scalar_map={"encode": [["NaN", 255]], "decode": [[255, "NaN"]]},
        ),
    ]
    for options in ({"chunks": (3, 5)}, {"chunks": (2, 2), "shards": (4, 8)}):
        y = round_trip(x, filters, fill_value="NaN", **options)
        assert np.array_equal(x, y, equal_nan=True)


def test_chunks_never_written_read_as_the_fill_value():
    z = zarr.create_array(
        {}, shape=9, chunks=3, dtype="f4", fill_value=7, filters=[CastValue(data_type="int8")]
    )
    z[:3] = 1
    assert z[...].tolist() == [1, 1, 1, 7, 7, 7, 7, 7, 7]


def test_empty_and_zero_dimensional_arrays():
    for shape in ((), (0,), (2, 0)):
        x = np.ones(shape)
        filters = [ScaleOffset(offset=1, scale=2), CastValue(data_type="int8")]
        for codec in filters:
            array = codec.encode_array(x, spec_of("f8", 1.0, shape))
            assert array.shape == shape
    assert round_trip(np.array(3.0), [CastValue(data_type="int8")]) == 3


def test_decoding_errors_name_the_decode_map():
    spec = spec_of("int8", np.int8(0))
    message = r"decode int16 to int8: element 1.*scalar_map\['decode'\]"
    with pytest.raises(ValueError, match=message):
        CastValue(data_type="int16").decode_array(np.array([1, 300], "i2"), spec)


def test_batches_with_gaps_on_and_off_the_event_loop(monkeypatch):
    seen = set()

    class Watched(CastValue):
        def encode_array(self, array, spec):
            seen.add(threading.get_ident())
            return super().encode_array(array, spec)

    codec, spec = Watched(data_type="int8"), spec_of("f4", 0.0)
    buffer = spec.prototype.nd_buffer.from_numpy_array(np.arange(4, dtype="f4"))

    async def there_and_back():
        batch = list(await codec.encode([(buffer, spec), (None, spec), (buffer, spec)]))
        back = list(await codec.decode([(chunk, spec) for chunk in batch]))
        return batch, back

    for limit, on_the_loop in [(1 << 30, True), (0, False)]:
        monkeypatch.setattr(codec_module, "THREAD_BYTES", limit)
        seen.clear()
        batch, back = asyncio.run(there_and_back())
        assert batch[1] is back[1] is None
        assert batch[2].as_numpy_array().dtype == np.int8
        assert back[2].as_numpy_array().tolist() == [0, 1, 2, 3]
        assert (threading.get_ident() in seen) == on_the_loop


# Data types


@pytest.mark.parametrize("name", [n for n in DTYPES if n not in NUMPY_NAMES])
def test_arrays_of_the_types_that_zarr_lacks(name):
    dtype = DTYPES[name]
    x = np.array([1, 1, 1], "i1").astype(dtype)
    store, _ = create(x, [CastValue(data_type="int8")], fill_value=1)
    z = zarr.open_array(store, mode="r")
    assert json.loads(store["zarr.json"].to_bytes())["data_type"] == name
    assert z.dtype == dtype
    assert z[...].tolist() == x.tolist()
    assert z.fill_value == x[0]


@pytest.mark.parametrize("name", [n for n in FLOATS if n not in NUMPY_NAMES])
def test_fill_values_in_json(name):
    from zarr.core.dtype import parse_dtype

    zdtype = parse_dtype(name, zarr_format=3)
    dtype = DTYPES[name]
    width = 2 * dtype.itemsize
    six = name.startswith(("float4", "float6"))
    every = np.arange(2 ** (8 * dtype.itemsize) if not six else 16).astype(f"u{dtype.itemsize}")
    for scalar in every.view(dtype)[:: 1 if width == 2 else 101]:
        text = zdtype.to_json_scalar(scalar, zarr_format=3)
        assert json.loads(json.dumps(text, allow_nan=False)) == text
        assert zdtype.from_json_scalar(text, zarr_format=3).tobytes() == scalar.tobytes()
    bits = "0x" + "1" * width
    assert zdtype.from_json_scalar(bits, zarr_format=3).tobytes() == b"\x11" * dtype.itemsize
    with pytest.raises(ValueError, match=f"{width} hexadecimal digits"):
        zdtype.from_json_scalar("0x1", zarr_format=3)


def test_fill_values_that_a_type_lacks():
    from zarr.core.dtype import parse_dtype

    for name, value in [
        ("int4", 8),
        ("int4", 1.5),
        ("uint2", -1),
        ("float4_e2m1fn", "NaN"),
        ("float8_e4m3fnuz", "Infinity"),
        ("float8_e8m0fnu", 0),
    ]:
        with pytest.raises(ValueError, match=str(value)):
            parse_dtype(name, zarr_format=3).from_json_scalar(value, zarr_format=3)


def test_bfloat16_in_both_byte_orders():
    from zarr.codecs import BytesCodec

    x = np.array([1.0, -2.5])
    for endian, first in (("little", 0x80), ("big", 0x3F)):
        serializer = BytesCodec(endian=endian)
        store, z = create(x, [CastValue(data_type="bfloat16")], serializer=serializer)
        assert store["c/0"].to_bytes()[0] == first
        assert z[...].tolist() == [1, -2.5]


# The package


def test_installed_it_is_found_by_its_entry_points(tmp_path):
    pytest.importorskip("setuptools", minversion="70.1")  # the first to need no package `wheel`
    pytest.importorskip("pip")
    source = shutil.copytree(EXAMPLE, tmp_path / "source")
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", site, source]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    script = f"""
import sys; sys.path.insert(0, {str(site)!r})
from zarr.core.dtype import data_type_registry
from zarr.registry import get_codec_class
print(get_codec_class("cast_value").__module__)
print(get_codec_class("scale_offset").__module__)
print(data_type_registry.get("int4").__module__)
import runpy; runpy.run_path({str(EXAMPLE / "demo.py")!r})
"""
    chosen = {
        "ZARR_CODECS__CAST_VALUE": "zarr_stridecast.cast_value.CastValue",
        "ZARR_CODECS__SCALE_OFFSET": "zarr_stridecast.scale_offset.ScaleOffset",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *modules, said = done.stdout.split("\n", 3)
    assert [name.removeprefix("zarr_stridecast.") for name in modules] == [
        "cast_value",
        "scale_offset",
        "data_types",
    ]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (EXAMPLE / "README.md").read_text(), re.M | re.S)
    assert said == [text for language, text in blocks if not language][-1]
