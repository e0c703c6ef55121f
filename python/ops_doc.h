// Docstrings of the functions that work on buffers (bind_ops.cc, bind_arrays.cc, bind_reduce.cc,
// bind_fields.cc). The first line of each is its signature; CPython takes it from there.
#ifndef STRIDECAST_PYTHON_OPS_DOC_H_
#define STRIDECAST_PYTHON_OPS_DOC_H_

namespace stridecast::python {

inline constexpr char kConvertDoc[] =
    R"(convert(buf, fmt, *, out=None, overflow=None, nan=None, rounding=None, seed=0, index_offset=0, casting='unsafe', complex_to_real=None, order='K', fields=None, missing_fields=None, where=None, overlap=None, stream=None, threads=None, errors=None, timezone=None)
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
    Receives the result; `buf` is broadcast to its shape. Padding in it is kept, unless both formats
    are equal: then items are copied whole.
overflow : None, 'wrap', 'saturate', 'raise' or 'nat'
    What a value outside the range of the new format becomes: its low bits or infinity, the nearest
    end of the range, or an error. None is 'wrap'. Of texts 'raise' refuses to cut off characters.
    Times never wrap: None is 'raise' for them, and 'nat' makes NaT of a time that does not fit.
nan : None or 'raise'
    What NaN becomes in an integer: None follows `overflow` (wrap: the low bits of the smallest int64,
    saturate: 0, raise: an error).
rounding : None or the name of a rounding
    How a value between two neighbours of the new format is rounded: 'nearest-even', 'towards-zero',
    'towards-positive', 'towards-negative', 'nearest-away' or 'stochastic' (up with the probability of the
    fraction that is dropped). None is nearest-even for floats, towards zero for integers.
seed : int, 0 to 2**64 - 1
    Of stochastic rounding: the result depends on value, seed, logical index and field alone.
index_offset : int, 0 or more
    Logical index of the first item, for data that is converted in pieces: it counts in the messages of
    errors and in stochastic rounding, so that the pieces are those of a conversion at once.
casting : 'unsafe', 'same_kind', 'safe' or 'same_value'
    Which conversions are allowed, by NumPy's rules: all, those within a kind, those whose types lose
    nothing, or all but those of values that have no equal in the new format, which are errors.
complex_to_real : None, 'real' or 'abs'
    What a complex number becomes in a real format: its real part (None, 'real') or its magnitude.
order : 'K', 'C', 'F' or 'A'
    Memory order of a fresh result; 'K' keeps the order of the axes in `buf`.
fields : None, 'name' or 'position'
    How the fields of structs are paired; None is by name if every field of the result has one.
missing_fields : None, 'error' or 'zero'
    What becomes of a field that only one of two structs has, where they pair by name: None is an error;
    'zero' leaves the source's out and makes the result's zero.
where : mask, optional
    Converts only the items where the mask is not 0: a buffer of bools or one-byte integers that
    broadcasts to the result's shape, or True or False. The bytes of all other items of `out` are neither
    read nor written, and their values are not reported. In a fresh result the other items are zero:
    nothing uninitialised is ever shown.
overlap : None, 'refuse' or 'copy'
    What happens if `out` shares memory with `buf` so that items would be overwritten before they are
    read: None is 'refuse', an error; 'copy' copies `buf` first. Where an order of the loops makes it
    safe, in place for one, it just works.
stream : None, True or False
    Whether the result is written past the caches: True says that it is not read soon, False that it is;
    None decides by size.
threads : int, optional
    The most threads to use. None decides by size and `set_threads`. It never changes the result.
errors : None, 'raise' or 'nat'
    What a text that is no ISO 8601 time becomes in a datetime64: None is 'raise', an error that says
    which item and which character.
timezone : None, 'naive' or 'UTC'
    Of datetimes that become texts: 'UTC' writes a Z behind them.

Returns
-------
Buffer or out
    A fresh Buffer, aligned to 64 bytes, or `out` itself.

Raises
------
FormatError
    `fmt` or the buffer's own format is malformed.
TypeError
    Nothing converts one format to the other, `casting` forbids it, or `buf` is no buffer.
OverflowError
    A value does not fit and `overflow` or `nan` asks to report it; the message names index and value.
BufferError
    `out` is read-only, or overlaps `buf` or `where`.
ValueError
    `buf` or `where` does not broadcast to the result; an option has no such value, or no field that
    it could mean; under 'same_value' a value has no equal; a text that becomes bytes, or bytes that
    become text, have a character beyond ASCII.

>>> import stridecast
>>> from array import array
>>> stridecast.convert(array("f", [1.5, -2.25, 3.0]), "E").tolist()
[1.5, -2.25, 3.0]
>>> out = bytearray(4)
>>> stridecast.convert(array("i", [1, 300, -1, 7]), "B", out=out, overflow="saturate") is out
True
>>> list(out)
[1, 255, 0, 7]
>>> stridecast.convert(array("i", [9, 9, 9, 9]), "B", out=out, where=bytes([0, 1, 0, 1])) is out
True
>>> list(out)
[1, 9, 0, 9]
>>> stridecast.convert(array("d", [0.5, 1.5, -2.5]), "b", rounding="nearest-away").tolist()
[1, 2, -3]
>>> seconds = stridecast.Buffer(array("q", [0, 86399])).view("[numpy$datetime64$s]")
>>> stridecast.convert(seconds, "[numpy$datetime64$h]").view("q").tolist()
[0, 23]
)";

inline constexpr char kAstypeDoc[] =
    R"(astype(array, dtype, *, order='K', casting='unsafe', subok=True, copy=True, out=None, overflow=None, nan=None, rounding=None, seed=0, index_offset=0, complex_to_real=None, threads=None, errors=None, timezone=None)
--

Converts an ndarray to another dtype: ``array.astype`` with more control and more dtypes.

Parameters
----------
array : ndarray or buffer, any shape
dtype : dtype or what ``numpy.dtype`` accepts
    None means the dtype of `out`. The fields of structs are paired by position, as in NumPy.
order : 'K', 'C', 'F' or 'A'
    Memory order of a fresh result.
casting : 'unsafe', 'same_kind', 'safe', 'equiv', 'no' or 'same_value'
    Which casts are allowed, by the rules of ``numpy.can_cast``; 'same_value' allows all, and a value
    without an equal in the new dtype is an error.
subok : bool
    True gives a fresh array the subclass of `array`, and what the subclass hands on (the mask of a masked
    array); False gives a plain ndarray.
copy : bool
    False returns `array` itself if its dtype and order are right already.
out : ndarray, optional
    Receives the result; `array` is broadcast to its shape.
overflow, nan, rounding, seed, index_offset, complex_to_real, threads, errors, timezone
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

inline constexpr char kAscontiguousDoc[] =
    R"(ascontiguous(array, dtype=None, *, order='C', threads=None)
--

An ndarray whose items lie side by side: ``numpy.ascontiguousarray`` and, with ``order='F'``,
``numpy.asfortranarray``.

Parameters
----------
array : ndarray or buffer, any shape
    As in NumPy a subclass becomes a plain ndarray, and what has no dimension gets one of size 1. A list, a
    number or whatever else is no buffer is read as ``numpy.asarray`` reads it. Only ``bytes`` mean
    something else here: a buffer of uint8, not one string.
dtype : dtype or what ``numpy.dtype`` accepts, optional
    The dtype of the result, converted to on the way; None keeps that of `array`.
order : 'C' or 'F'
    Which dimension lies side by side: the last or the first.
threads : int, optional
    As for `convert`.

Returns
-------
ndarray
    `array` itself if it is one already, else a copy (a view if only its subclass or its lack of a
    dimension goes).

Raises
------
TypeError
    Nothing converts one dtype to the other, or it holds Python objects that would have to be copied.

>>> import numpy as np, stridecast
>>> x = np.arange(6, dtype="i2").reshape(2, 3)
>>> stridecast.ascontiguous(x) is x
True
>>> stridecast.ascontiguous(x.T, "f4")
array([[0., 3.],
       [1., 4.],
       [2., 5.]], dtype=float32)
)";

inline constexpr char kCopyDoc[] =
    R"(copy(buf, *, order='C', out=None, where=None, overlap=None, stream=None, threads=None)
--

Copies every item of a buffer, padding included.

Parameters
----------
buf : buffer, any shape
order : 'C', 'F', 'A' or 'K'
    Memory order of a fresh result.
out : writable buffer of the same format, optional
    Receives the copy; `buf` is broadcast to its shape.
where, overlap, stream, threads
    As for `convert`.

Returns
-------
Buffer or out

Raises
------
BufferError
    `out` is read-only, or overlaps `buf` or `where`.
ValueError
    `out` has another format, or `buf` or `where` does not broadcast to it.

>>> import stridecast
>>> stridecast.copy(memoryview(b"abcdef")[::-2]).tolist()
[102, 100, 98]
>>> line = bytearray(b"abcdef")
>>> moved = stridecast.copy(memoryview(line)[:5], out=memoryview(line)[1:])
>>> line
bytearray(b'aabcde')
)";

inline constexpr char kByteswapDoc[] =
    R"(byteswap(buf, *, inplace=False, out=None, threads=None)
--

Reverses the bytes of every element and keeps the format, as ``numpy.ndarray.byteswap``. In structs every
element is swapped on its own, and padding is not.

Parameters
----------
buf : buffer, any shape
inplace : bool
    True swaps in the memory of `buf` itself and returns `buf`.
out : writable buffer of the same format, optional
    Receives the result; `buf` is broadcast to its shape. It may be `buf` itself.
threads : int, optional
    As for `convert`.

Returns
-------
Buffer, buf or out

Raises
------
BufferError
    The memory to be written is read-only, or `out` overlaps `buf` without being the same memory.
TypeError
    The format has elements of unknown structure.
ValueError
    `inplace` and `out` are both given, `out` has another format, or `buf` does not broadcast to it.

>>> import stridecast
>>> from array import array
>>> stridecast.byteswap(array("H", [1, 256])).tolist()
[256, 1]
)";

inline constexpr char kReduceDoc[] =
    R"(reduce(buf, op, *, axis=None, dtype=None, keepdims=False, skipna=False, where=None, initial=None, ddof=0, algorithm=None, overflow=None, out=None, threads=None)
--

Folds the items of a buffer along axes. The order of a sum is fixed by shape and axes alone, so that
strides and threads never change a bit of it.

Parameters
----------
buf : buffer of numbers, datetimes or timedeltas, any shape
op : str
    'sum', 'prod': integers in 64 bits, which wrap; narrow floats in float32, rounded once.
    'mean', 'var', 'std': of integers float64. The mean of times is the exact one, rounded to the unit.
    'min', 'max', 'minmax': NaN and NaT pass through, -0.0 is less than 0.0, complex numbers compare by real part
    first. 'minmax' finds both in one pass: the result has one more axis in front, ``low, high = result``.
    'argmin', 'argmax': the index of the first such item along the axis, or of the first NaN or NaT; of several
    axes, in their C order.
    'any', 'all', 'count_nonzero': NaN is not zero.
    'norm1', 'norm2', 'norminf': the sum of absolute values, the root of the sum of squares, the largest one.
axis : None, int or tuple of int
    The axes to fold; None folds all of them.
dtype : format, optional
    The format of the result. Default: NumPy's (int64 or uint64 for a sum of integers, float64 for their means,
    bool for 'any' and 'all', int64 for counts and indices, real numbers for norms and variances, else the type of
    the items). A wider float is what is calculated in.
keepdims : bool
    Keep the folded axes with size 1.
skipna : bool
    NaN and NaT do not count. Of nothing else a sum is 0, a minimum or mean NaN, an index an error.
where : mask, optional
    As for `convert`, but of buf's shape: only these items count.
initial : number, optional
    One more item, of 'sum', 'prod', 'min' and 'max'.
ddof : float
    'var' and 'std' divide by the number of items less this.
algorithm : 'pairwise' (default), 'compensated' or 'reproducible'
    How 'sum' and 'mean' add floats up: by a fixed tree; by Neumaier's method, whose error hardly grows; or so that
    any order of the items gives the same bits.
overflow : 'wrap' (default) or 'raise'
    What a sum of integers does that needs more than 64 bits. Sums of timedeltas always raise.
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
    An axis is out of range or given twice, `out` has another shape, an option means nothing to `op`, or there is
    nothing to fold for 'min', 'max', 'argmin' or 'argmax'.
OverflowError
    A sum or product does not fit, under ``overflow="raise"`` or of timedeltas.

>>> import stridecast
>>> from array import array
>>> x = array("d", [1.0, 2.5, -4.0])
>>> stridecast.reduce(x, "sum").item()
-0.5
>>> stridecast.reduce(x, "argmax").item()
1
>>> low, high = stridecast.reduce(x, "minmax")
>>> low, high
(-4.0, 2.5)
)";

inline constexpr char kSplitDoc[] =
    R"(split(buf, *, names=None, fmt=None, out=None, overflow=None, nan=None, threads=None)
--

Takes an array of structs apart into one array a field, in one pass over the structs, converting the fields on
the way where that is asked for. `Buffer.field` gives one field where it lies, without a copy.

Parameters
----------
buf : buffer of structs, any shape
names : iterable of str, optional
    The fields to take, in the order of the result; None takes those of `out`, else every field that has a name.
fmt : format, or mapping of str to format, optional
    What the arrays hold: one format for all, or one for each field that is named. Others keep the field's own,
    byte order included.
out : mapping of str to writable buffer, optional
    Arrays to write, with the shape of `buf` and the dimensions of the field's sub-array last; their formats say
    what the fields become. They share no memory with `buf` or each other.
overflow, nan, threads
    As for `convert`.

Returns
-------
dict of str to Buffer, or to the objects of out
    Fresh Buffers in C order with the shape of `buf` and the dimensions of the field's sub-array, if it is
    one, last.

Raises
------
KeyError
    `names`, `out` or `fmt` has a name that no field has (the message says which there are), or a field is in
    `names` and not in `out`.
TypeError
    `buf` has no structs with named fields.
ValueError
    A name is given twice; an array of `out` has another shape, or another format than `fmt` says.
OverflowError, ValueError
    A value does not fit and `overflow` or `nan` asks to report it; the message names field, index and value.
BufferError
    An array of `out` is read-only, or shares memory with the field or another array.

>>> import stridecast
>>> points = stridecast.Buffer(bytes([1, 0, 2, 3, 0, 4])).view("T{B:tag:>H:value:}")
>>> {name: part.tolist() for name, part in stridecast.split(points).items()}
{'tag': [1, 3], 'value': [2, 4]}
>>> stridecast.split(points, names=["value"], fmt="f")["value"].tolist()
[2.0, 4.0]
)";

inline constexpr char kJoinDoc[] =
    R"(join(fields, fmt=None, *, out=None, overflow=None, nan=None, missing_fields=None, threads=None)
--

Puts arrays together as the fields of an array of structs, in one pass over the structs: the inverse of
`split`.

Parameters
----------
fields : mapping of str to buffer
    The arrays by the names of their fields; their shapes broadcast to each other, the dimensions of a
    field that is a sub-array last.
fmt : format, optional
    The format of the structs. The default has the fields in the mapping's order with their own formats,
    without padding; all dimensions are the structs' then, none a sub-array's.
out : writable buffer of structs, optional
    Receives the result; the arrays are broadcast to its shape. Padding in it is kept, and so are the
    fields that `fields` does not name.
overflow, nan, threads
    As for `convert`.
missing_fields : None, 'error' or 'zero'
    What becomes of fields of the structs that `fields` does not name: an error, or zero. None is an error
    for a fresh result and keeps them in `out`.

Returns
-------
Buffer or out

Raises
------
KeyError
    `fields` has a name that the structs lack, or lacks one that must be given.
TypeError, OverflowError, BufferError
    As for `convert`.
ValueError
    Shapes do not fit, `fields` is empty, or `out` has another format.

>>> import stridecast
>>> from array import array
>>> points = stridecast.join({"x": array("h", [1, 2]), "weight": array("f", [0.5, 1.5])})
>>> points.format, points.tolist()
(Format('^T{h:x:f:weight:}'), [(1, 0.5), (2, 1.5)])
>>> stridecast.join({"x": bytes([7])}, out=points).tolist()
[(7, 0.5), (7, 1.5)]
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
BufferError
    Rows are stored by pointers (suboffsets), which an ndarray cannot have; `copy` packs them.

>>> import stridecast
>>> from array import array
>>> stridecast.asarray(stridecast.convert(array("f", [1.5, -2.0]), "E"))
array([1.5, -2], dtype=bfloat16)
)";

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_OPS_DOC_H_
