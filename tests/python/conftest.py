"""What the Python tests share: the types that convert, and values at the edges of each."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import settings

import stridecast

settings.register_profile("stridecast", deadline=None, max_examples=60)
settings.load_profile("stridecast")

bfloat16 = np.dtype(ml_dtypes.bfloat16)

# Format text and dtype of the 13 types that all convert to each other.
ARITHMETIC = {
    "?": np.dtype(bool),
    "b": np.dtype(np.int8),
    "B": np.dtype(np.uint8),
    "h": np.dtype(np.int16),
    "H": np.dtype(np.uint16),
    "i": np.dtype(np.int32),
    "I": np.dtype(np.uint32),
    "q": np.dtype(np.int64),
    "Q": np.dtype(np.uint64),
    "e": np.dtype(np.float16),
    "E": bfloat16,
    "f": np.dtype(np.float32),
    "d": np.dtype(np.float64),
}
FLOATS = {"e", "E", "f", "d"}
INTEGERS = set("bBhHiIqQ")


def sample(dtype: np.dtype) -> np.ndarray:
    """Values of `dtype` that convert to every type without leaving its range, 1-d."""
    return np.array([0, 1, 0, 1, 1, 0, 1, 1, 0] * 5).astype(dtype)


def bits(array: np.ndarray) -> bytes:
    """The items in C order, byte for byte, padding included."""
    if array.dtype.names is None:
        return array.tobytes()
    return array.view(f"V{array.itemsize}").tobytes()  # NumPy copies the fields of structs only


@pytest.fixture(autouse=True)
def environment_choices():
    """Every test ends with the process-wide choices that it found."""
    yield
    stridecast.set_target(None)
    stridecast.set_threads(None)
