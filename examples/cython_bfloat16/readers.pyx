# cython: language_level=3, boundscheck=False, wraparound=False
"""Loops over bfloat16 and datetime64, which no typed memoryview can name.

A bfloat16 is 16 bits and a datetime64 a count of 64: stridecast says so to Cython, or converts.
"""

from libc.stdint cimport INT64_MIN, int64_t, uint16_t, uint32_t
from libc.string cimport memcpy

import stridecast

cdef int64_t NAT = INT64_MIN


cdef inline float widened(uint16_t bits) noexcept nogil:
    """A bfloat16 is the upper half of a float."""
    cdef uint32_t wide = <uint32_t>bits << 16
    cdef float value
    memcpy(&value, &wide, sizeof(value))
    return value


def sum_without_stridecast(array):
    """What fails today: NumPy exports neither bfloat16 nor datetime64."""
    cdef const uint16_t[:] bits = array
    return sum(widened(b) for b in bits)


def sum_of_bits(array):
    """Nothing is copied: view("H") calls the same bytes uint16, whatever their strides."""
    cdef const uint16_t[:] bits = stridecast.Buffer(array).view("H")
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(bits.shape[0]):
        total += widened(bits[i])
    return total


def sum_of_floats(array):
    """Converted first, by SIMD kernels: any number format, byte order and strides will do."""
    cdef const float[:] values = stridecast.convert(array, "f")
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(values.shape[0]):
        total += values[i]
    return total


def to_bfloat16(values):
    """A result: Cython writes the bits, and the Buffer is bfloat16 for NumPy."""
    cdef const float[:] source = stridecast.convert(values, "f")
    result = stridecast.convert(values, "E")  # a place of the right size and format
    cdef uint16_t[:] bits = result.view("H")
    cdef uint32_t wide
    cdef Py_ssize_t i
    for i in range(source.shape[0]):
        memcpy(&wide, &source[i], sizeof(wide))
        bits[i] = <uint16_t>(wide >> 16)  # rounded toward zero, unlike convert's
    return result


def longest_gap(times):
    """The longest step between datetimes that follow each other, in their unit; NaT ends a run."""
    cdef const int64_t[:] ticks = stridecast.Buffer(times).view("q")
    cdef int64_t longest = 0
    cdef Py_ssize_t i
    for i in range(1, ticks.shape[0]):
        if ticks[i] != NAT and ticks[i - 1] != NAT:
            longest = max(longest, ticks[i] - ticks[i - 1])
    return longest
