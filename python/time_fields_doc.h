// The docstring of datetime_fields; its example is run by the tests.
#ifndef STRIDECAST_PYTHON_TIME_FIELDS_DOC_H_
#define STRIDECAST_PYTHON_TIME_FIELDS_DOC_H_

namespace stridecast::python {

inline constexpr char kDatetimeFieldsDoc[] =
    R"(datetime_fields(buf, fields, *, dtype='i', nat=None, threads=None)
--

Years, months, days, hours and other fields of datetimes, all of them in one pass.

Parameters
----------
buf : buffer of datetime64 in any unit (or of Python's date or datetime), any shape and strides
fields : list of str
    'year' (astronomical: 0 is 1 BC), 'quarter', 'month', 'day', 'dayofyear' (all from 1), 'weekday' (Monday is
    0), 'isoyear' and 'isoweek' of ISO 8601, 'daysinmonth', 'isleapyear' (0 or 1), 'hour', 'minute', 'second',
    'millisecond' (0 to 999), 'microsecond' (0 to 999999, as Python has it), 'nanosecond' (0 to 999, of a
    microsecond, as pandas has it), and so on 'picosecond', 'femtosecond', 'attosecond'. The calendar is the
    proleptic Gregorian one, the time UTC. A field finer than the unit is 0.
dtype : format of int32 or int64
    Of the results.
nat : int, optional
    What NaT becomes; without it NaT is an error.
threads : int, optional
    At most this many threads; None is what `set_threads` says.

Returns
-------
dict of str to Buffer
    By the names of the fields, each of the shape of `buf`. They share one block of memory.

Raises
------
TypeError
    `buf` does not hold datetimes.
ValueError
    A name that is no field, or a dtype that is neither int32 nor int64.
OverflowError
    A year beyond the dtype, or NaT without `nat`.

>>> import numpy as np, stridecast
>>> times = np.array(["1999-12-31T23:59:59", "2024-02-29"], "M8[s]")
>>> parts = stridecast.datetime_fields(times, ["year", "dayofyear", "weekday", "hour"])
>>> {name: part.tolist() for name, part in parts.items()}
{'year': [1999, 2024], 'dayofyear': [365, 60], 'weekday': [4, 3], 'hour': [23, 0]}
)";

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_TIME_FIELDS_DOC_H_
