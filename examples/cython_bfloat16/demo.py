"""Reads bfloat16 and datetime64 arrays in Cython; see README.md."""

import ml_dtypes
import numpy as np
import readers

numbers = np.array([[1.5, 0], [2.25, 0], [-3, 0]], ml_dtypes.bfloat16)[::-1, 0]  # strides of -4
times = np.array(["2026-01-01", "2026-01-02", "NaT", "2026-03-01", "2026-03-04"], "datetime64[s]")

try:
    readers.sum_without_stridecast(numbers)
except ValueError as error:
    print("bfloat16 as it is:", error)
print("bfloat16 as const uint16_t[:]:", readers.sum_of_bits(numbers))
print("bfloat16 as const float[:]:", readers.sum_of_floats(numbers))
print("big-endian int64 as const float[:]:", readers.sum_of_floats(np.arange(4, dtype=">i8")))
result = readers.to_bfloat16(np.array([0.1, 1e9]))
print("bfloat16 from Cython:", result.numpy().dtype, result.tolist())
print("datetime64[s] as const int64_t[:]:", np.timedelta64(readers.longest_gap(times), "s"))
