// Docstrings of decode_time and encode_time. The first line of each is its signature; CPython takes
// it from there.
#ifndef STRIDECAST_PYTHON_TIME_DOC_H_
#define STRIDECAST_PYTHON_TIME_DOC_H_

namespace stridecast::python {

inline constexpr char kDecodeTimeDoc[] =
    R"(decode_time(buf, units, *, calendar='standard', dtype=None, missing=None, out=None, overflow=None, order='K', threads=None)
--

Counts of time since an epoch as datetime64, in one pass: the step of a netCDF variable's units and
calendar (CF conventions). Every result is rounded once from the exact value.

Parameters
----------
buf : buffer of one integer or real number an item, any shape
    The counts, as for `convert`. Long doubles are rounded to float64 first.
units : str
    A unit and an epoch, such as 'days since 1850-01-01' or 'hours since 1900-01-01 00:00:0.0 +01:00'; or
    'julian day', 'modified julian day', 'gps seconds' (no leap seconds), 'excel' (serial days, right
    from 61, 1900-03-01, on), 'unix', 'unix ms' and the like. Letters of any case.

    - weeks, days, hours, minutes, seconds, milliseconds, microseconds, nanoseconds and their short forms,
    - since (or after, from, ref, @),
    - year[-month[-day]], hour[:minute[:second[.fraction]]], then UTC, GMT, Z or an offset.
calendar : str
    'standard' (or 'gregorian'): an epoch before 1582-10-15 is a Julian date, and there is no year 0; or
    'proleptic_gregorian'. The times that come of either are instants, which datetime64 shows in the
    proleptic Gregorian calendar. For the other calendars of CF see cftime.
dtype : str, bytes, Format or dtype, optional
    A datetime64 of any unit; by default that of `out`, else '[numpy$datetime64$ns]'. Integers are
    rounded down to it, as from one datetime64 to another, floats to the nearest (ties to even).
missing : number or sequence of up to 8 numbers, optional
    Which counts are NaT, compared with the items bit by bit: each must be one of their format
    exactly. NaN is NaT in any case.
out : writable buffer, optional
    Receives the result; `buf` is broadcast to its shape.
overflow : None, 'raise', 'saturate' or 'nat'
    What a time that `dtype` does not hold becomes: an error (None, too), the first or last time, NaT.
order, threads
    As for `convert`.

Returns
-------
Buffer or out

Raises
------
ValueError
    `units` or `calendar` is not understood; the message says where and what to do.
TypeError
    Items are no single real numbers, or `dtype` is no datetime64 of a unit.
OverflowError, BufferError, FormatError
    As for `convert`.

>>> import stridecast
>>> from array import array
>>> days = array("d", [0, 0.5, float("nan"), -1])
>>> stridecast.decode_time(days, "days since 1970-01-01", dtype="[numpy$datetime64$h]").numpy().astype(str).tolist()
['1970-01-01T00', '1970-01-01T12', 'NaT', '1969-12-31T00']
>>> stored = array("h", [0, 30, -9999])
>>> times = stridecast.decode_time(stored, "minutes since 2000-01-01 12:00 +01:00", missing=-9999)
>>> times.numpy().astype(str).tolist()
['2000-01-01T11:00:00.000000000', '2000-01-01T11:30:00.000000000', 'NaT']
)";

inline constexpr char kEncodeTimeDoc[] =
    R"(encode_time(buf, units, fmt, *, calendar='standard', missing=None, out=None, overflow=None, casting=None, order='K', threads=None)
--

The way back of `decode_time`: how many units since the epoch, rounded once to the nearest count that
`fmt` has (ties to even).

Parameters
----------
buf : buffer of one datetime64 of a unit an item, any shape
units, calendar, out, order, threads
    As for `decode_time`.
fmt : str, bytes, Format, dtype or scalar type
    The format of the counts, of one integer or real number; None means the format of `out`.
missing : number, optional
    What NaT becomes: exactly a value of `fmt`. Without one NaT is NaN, and in integers an error.
overflow : None, 'raise' or 'saturate'
    What a count outside the range of `fmt` becomes: an error (None, too), or the first or last count.
    Where it is an error, so is a time that becomes `missing`.
casting : None, 'unsafe' or 'same_value'
    Under 'same_value' a count that `fmt` does not hold exactly is an error.

Returns
-------
Buffer or out

Raises
------
TypeError, OverflowError, BufferError, FormatError
    As for `decode_time`.
ValueError
    As for `decode_time`; a count is not exact under 'same_value'.

>>> import numpy as np
>>> import stridecast
>>> times = np.array(["2000-01-02", "2000-01-01T12", "NaT"], "M8[ns]")
>>> stridecast.encode_time(times, "days since 2000-01-01", "d").tolist()
[1.0, 0.5, nan]
>>> stridecast.encode_time(times, "hours since 2000-01-01", "h", missing=-1).tolist()
[24, 12, -1]
)";

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_TIME_DOC_H_
