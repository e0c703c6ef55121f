"""What both codecs share: NDBuffers to ndarrays and back, on the event loop or off it."""

import asyncio
import math
from abc import abstractmethod
from typing import Any

import numpy as np
from zarr.abc.codec import ArrayArrayCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import NDBuffer
from zarr.core.common import JSON

# Above this many bytes a chunk is worth a thread, so that the event loop goes on with its I/O.
THREAD_BYTES = 1 << 18


class ArrayCodec(ArrayArrayCodec):
    """A codec of elements: one for one, with an ndarray function for each direction."""

    is_fixed_size = True

    @abstractmethod
    def encode_array(self, array: np.ndarray, spec: ArraySpec) -> np.ndarray:
        """`spec` is the decoded side's."""

    @abstractmethod
    def decode_array(self, array: np.ndarray, spec: ArraySpec) -> np.ndarray:
        """`spec` is the decoded side's."""

    # zarr calls these two where it needs no event loop, and the async ones elsewhere.
    def _encode_sync(self, chunk: NDBuffer, spec: ArraySpec) -> NDBuffer:
        array = self.encode_array(chunk.as_numpy_array(), spec)
        return spec.prototype.nd_buffer.from_numpy_array(array)

    def _decode_sync(self, chunk: NDBuffer, spec: ArraySpec) -> NDBuffer:
        array = self.decode_array(chunk.as_numpy_array(), spec)
        return spec.prototype.nd_buffer.from_numpy_array(array)

    async def _encode_single(self, chunk: NDBuffer, spec: ArraySpec) -> NDBuffer:
        return await _run(self._encode_sync, chunk, spec)

    async def _decode_single(self, chunk: NDBuffer, spec: ArraySpec) -> NDBuffer:
        return await _run(self._decode_sync, chunk, spec)


async def _run(function, chunk: NDBuffer, spec: ArraySpec) -> NDBuffer:
    if math.prod(chunk.shape) * chunk.dtype.itemsize < THREAD_BYTES:
        return function(chunk, spec)
    return await asyncio.to_thread(function, chunk, spec)


def fill_scalar(spec: ArraySpec) -> np.ndarray:
    """The fill value of a spec, as an array of one."""
    dtype = spec.dtype.to_native_dtype()
    fill = spec.dtype.default_scalar() if spec.fill_value is None else spec.fill_value
    return np.array([fill]).astype(dtype, copy=False)


def check_keys(name: str, data: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Unknown keys belong to later versions of a codec: the specification has readers refuse."""
    unknown = sorted(set(data) - set(allowed))
    if unknown:
        raise ValueError(
            f"{name} has no option {', '.join(map(repr, unknown))}; it knows {', '.join(allowed)}. "
            f"The array may have been written by a newer version of the codec."
        )


def to_json(value: object) -> JSON:
    """A scalar as JSON has it: NaN and the infinities are strings there."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is no scalar: give a number, or a string such as 'NaN'")
    return value
