// Docstrings of the functions in bind_ops.cc. The first line of each is its signature; CPython
// takes it from there.
#ifndef STRIDECAST_PYTHON_OPS_DOC_H_
#define STRIDECAST_PYTHON_OPS_DOC_H_

namespace stridecast::python {

inline constexpr char kConvertDoc[] =
    R"(convert(buf, fmt, *, out=None, overflow=None, nan=None, order='K', fields=None, threads=None)
--

Converts every item of a buffer to another format.

Parameters
----------
buf : buffer, any shape
    An ndarray (read through its dtype), a Buffer, or any exporter of the buffer protocol.
fmt : str, bytes, Format, dtype or scalar type
    The format of the result. A str is always a format text: ``"E"`` is bfloat16, ``">h"`` big-endian
    int16. None means the format of `out`.
out : writable buffer, optional
    Receives the result; `buf` is broadcast to its shape. Padding in it is kept.
overflow : None, 'wrap', 'saturate' or 'raise'
    What a value outside the range of the new format becomes. None is 'wrap' for numbers.
nan : None or 'raise'
    What NaN becomes in an integer: None follows `overflow` (wrap: the low bits of the smallest int64,
    saturate: 0, raise: an error).
order : 'K', 'C', 'F' or 'A'
    Memory order of a fresh result; 'K' keeps the order of the axes in `buf`.
fields : None, 'name' or 'position'
    How the fields of structs are paired; None is by name if every field of the result has one.
threads : int, optional
    The most threads to use. None decides by size and `set_threads`. It never changes the result.

Returns
-------
Buffer or out
    A fresh Buffer, aligned to 64 bytes, or `out` itself.

Raises
------
FormatError
    `fmt` or the buffer's own format is malformed.
TypeError
    Nothing converts one format to the other, or `buf` is no buffer.
OverflowError
    A value does not fit and the options ask to report it; the message names index and value.
BufferError
    `out` is read-only or overlaps `buf`.
ValueError
    `buf` does not broadcast to `out`.

>>> import stridecast
>>> from array import array
>>> stridecast.convert(array("f", [1.5, -2.25, 3.0]), "E").tolist()
[1.5, -2.25, 3.0]
>>> out = bytearray(4)
>>> stridecast.convert(array("i", [1, 300, -1, 7]), "B", out=out, overflow="saturate") is out
True
>>> list(out)
[1, 255, 0, 7]
)";

inline constexpr char kAstypeDoc[] =
    R"(astype(array, dtype, *, order='K', casting='unsafe', copy=True, out=None, overflow=None, nan=None, threads=None)
--

Converts an ndarray to another dtype: ``array.astype`` with more control and more dtypes.

Parameters
----------
array : ndarray or buffer, any shape
dtype : dtype or what ``numpy.dtype`` accepts
    None means the dtype of `out`. The fields of structs are paired by position, as in NumPy.
order : 'K', 'C', 'F' or 'A'
    Memory order of a fresh result.
casting : 'unsafe', 'same_kind', 'safe', 'equiv' or 'no'
    Which casts are allowed, by the rules of ``numpy.can_cast``.
copy : bool
    False returns `array` itself if its dtype and order are right already.
out : ndarray, optional
    Receives the result; `array` is broadcast to its shape.
overflow, nan, threads
    As for `convert`.

Returns
-------
ndarray
    A fresh array that owns its memory, or `out`, or `array` itself.

Raises
------
TypeError
    `casting` forbids the cast or nothing converts one dtype to the other.
OverflowError, BufferError, ValueError
    As for `convert`.

>>> import numpy as np, stridecast
>>> stridecast.astype(np.array([1.5, 300.0]), np.uint8, overflow="saturate")
array([  1, 255], dtype=uint8)
)";

inline constexpr char kCopyDoc[] =
    R"(copy(buf, *, order='C', out=None)
--

Copies every item of a buffer, padding included.

Parameters
----------
buf : buffer, any shape
order : 'C', 'F', 'A' or 'K'
    Memory order of a fresh result.
out : writable buffer of the same format, optional
    Receives the copy; `buf` is broadcast to its shape.

Returns
-------
Buffer or out

Raises
------
BufferError
    `out` is read-only or overlaps `buf`.
ValueError
    `out` has another format, or `buf` does not broadcast to it.

>>> import stridecast
>>> stridecast.copy(memoryview(b"abcdef")[::-2]).tolist()
[102, 100, 98]
)";

inline constexpr char kByteswapDoc[] =
    R"(byteswap(buf, *, inplace=False)
--

Reverses the bytes of every element and keeps the format, as ``numpy.ndarray.byteswap``.

Parameters
----------
buf : buffer, any shape
inplace : bool
    True swaps in the memory of `buf` itself and returns `buf`.

Returns
-------
Buffer or buf

Raises
------
BufferError
    `inplace` and `buf` is read-only.
TypeError
    The format has elements of unknown structure.

>>> import stridecast
>>> from array import array
>>> stridecast.byteswap(array("H", [1, 256])).tolist()
[256, 1]
)";

inline constexpr char kReduceDoc[] =
    R"(reduce(buf, op, *, axis=None, dtype=None, keepdims=False, out=None, threads=None)
--

Folds the items of a buffer along axes. The order of a sum is fixed by shape and axes alone, so that
strides and threads never change a bit of it.

Parameters
----------
buf : buffer of bools, integers or floats, any shape ('min' takes no uint64 so far)
op : 'sum' or 'min'
    A sum of integers has 64 bits and wraps; narrow floats are summed in float32 and rounded once; NaN
    passes through 'min'.
axis : None, int or tuple of int
    The axes to fold; None folds all of them.
dtype : format, optional
    The format of the result: the default, as NumPy's (int64 or uint64 for a sum of integers, else the type
    of the items), or the accumulator's (float32 for the narrow floats).
keepdims : bool
    Keep the folded axes with size 1.
out : writable buffer, optional
    Receives the result.
threads : int, optional
    As for `convert`.

Returns
-------
Buffer or out

Raises
------
TypeError
    The operation does not exist for the format.
ValueError
    An axis is out of range or given twice, `out` has another shape, or 'min' has no items to fold.

>>> import stridecast
>>> from array import array
>>> stridecast.reduce(array("d", [1.0, 2.5, -4.0]), "sum").item()
-0.5
)";

inline constexpr char kAsarrayDoc[] =
    R"(asarray(buf)
--

An ndarray over the memory of a buffer, without a copy: what ``numpy.asarray`` would give if it
understood the format. Imports NumPy, and ml_dtypes for its types.

Parameters
----------
buf : buffer, any shape

Returns
-------
ndarray
    Read-only if the buffer is. An ndarray is returned as it is.

Raises
------
TypeError
    NumPy has no dtype for the format.

>>> import stridecast
>>> from array import array
>>> stridecast.asarray(stridecast.convert(array("f", [1.5, -2.0]), "E"))
array([1.5, -2], dtype=bfloat16)
)";

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_OPS_DOC_H_
