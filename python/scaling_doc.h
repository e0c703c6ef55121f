// Docstrings of decode and encode. The first line of each is its signature; CPython takes it from
// there.
#ifndef STRIDECAST_PYTHON_SCALING_DOC_H_
#define STRIDECAST_PYTHON_SCALING_DOC_H_

namespace stridecast::python {

inline constexpr char kDecodeDoc[] =
    R"(decode(buf, fmt, *, scale=1.0, offset=0.0, missing=None, axis=None, compute=None, out=None, overflow=None, nan=None, rounding=None, seed=0, index_offset=0, order='K', threads=None)
--

What stored numbers stand for, in one pass: ``stored * scale + offset``, and NaN for missing ones. It is
the step of netCDF's scale_factor, add_offset and _FillValue, of FITS's BSCALE, BZERO and BLANK, and of
quantised tensors (``offset=-zero_point * scale``).

Parameters
----------
buf : buffer of one real number or time an item, any shape
    The stored items, as for `convert`.
fmt : str, bytes, Format, dtype or scalar type
    The format of the result, as for `convert`; None means the format of `out`. Missing items of times
    are NaT.
scale, offset : number, or sequence or array of numbers
    One value, or one for each index of `axis`; finite. They are rounded to `compute` first.
missing : number or sequence of up to 8 numbers, optional
    Which stored values stand for missing ones. They are compared with the items as these are stored, bit
    by bit, so each must be one of their format exactly; of times, ints in their unit. NaN and NaT are
    missing in any case.
axis : int, optional
    Which axis of the result the values of `scale` and `offset` belong to.
compute : None, 'float32' or 'float64'
    The type that both operations round to. None is the type of the result if it is one of them, else
    float64. What is too large for it is infinite, and no error.
out : writable buffer, optional
    Receives the result; `buf` is broadcast to its shape.
overflow, nan, rounding, seed, index_offset
    How what was computed becomes an item of the result: as for `convert`. Times never wrap: None is an
    error.
order, threads
    As for `convert`.

Returns
-------
Buffer or out

Raises
------
TypeError
    Items are no single real numbers or times.
ValueError
    A missing value is none of the stored format; the numbers of values and the axis do not fit.
OverflowError, BufferError, FormatError
    As for `convert`.

>>> import stridecast
>>> from array import array
>>> stored = array("h", [0, 10, -9999])
>>> stridecast.decode(stored, "f", scale=0.5, offset=20, missing=-9999).tolist()
[20.0, 25.0, nan]
>>> rows = memoryview(bytes([0, 1, 2, 3, 4, 5])).cast("B", (2, 3))
>>> stridecast.decode(rows, "f", scale=[1, 10, 100], axis=1).tolist()
[[0.0, 10.0, 200.0], [3.0, 40.0, 500.0]]
)";

inline constexpr char kEncodeDoc[] =
    R"(encode(buf, fmt, *, scale=1.0, offset=0.0, missing=None, axis=None, compute=None, out=None, overflow=None, nan=None, rounding=None, seed=0, index_offset=0, order='K', threads=None)
--

The way back of `decode`: ``(value - offset) / scale`` in one pass, and `missing` in place of NaN.

Parameters
----------
buf : buffer of one real number or time an item, any shape
fmt : str, bytes, Format, dtype or scalar type
    The format to store as; None means the format of `out`.
scale, offset, axis, compute, out, order, threads
    As for `decode`; no scale may be 0.
missing : number, optional
    What NaN (and NaT) becomes: exactly a value of the stored format. Without one NaN follows `nan`, and
    NaT in times is kept.
overflow : None, 'wrap', 'saturate', 'raise' or 'nat'
    What a value outside the range of the stored format becomes, as for `convert`. Under 'raise' a value that becomes
    `missing` though it was none is an error, too.
nan : None or 'raise'
    As for `convert`, where there is no `missing`.
rounding : None or str
    How values between two integers are rounded: None is 'nearest-even'.
seed, index_offset
    As for `convert`.

Returns
-------
Buffer or out

Raises
------
TypeError, ValueError, OverflowError, BufferError, FormatError
    As for `decode`.

>>> import stridecast
>>> from array import array
>>> kelvin = array("f", [20.0, 25.0, float("nan")])
>>> stridecast.encode(kelvin, "h", scale=0.5, offset=20, missing=-9999).tolist()
[0, 10, -9999]
>>> stridecast.encode(array("f", [-3.0, 0.26, 100.0]), "B", scale=0.1, overflow="saturate").tolist()
[0, 3, 255]
)";

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_SCALING_DOC_H_
