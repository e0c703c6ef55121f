// NumPy dtypes as Formats and back. A dtype is read by its parts, never by NumPy's own format text,
// which leaves out padding and refuses datetimes and ml_dtypes.
#ifndef STRIDECAST_PYTHON_NUMPY_DTYPE_H_
#define STRIDECAST_PYTHON_NUMPY_DTYPE_H_

#include <nanobind/nanobind.h>

#include "python/format_arg.h"
#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

/// Whether `object` is a dtype. False, and cheap, while NumPy is not imported.
bool is_dtype(PyObject* object);
/// The format of a dtype. Raises TypeError for types that no format can say (objects, StringDType,
/// ...) and ValueError for fields that overlap.
FormatRef format_of_dtype(PyObject* dtype);
/// The dtype that a NumPy scalar type such as numpy.float32 or ml_dtypes.bfloat16 stands for; null
/// if `type` is none.
nb::object dtype_of_scalar_type(PyObject* type);
/// numpy.dtype(object), importing NumPy.
nb::object dtype_of_argument(PyObject* object);
/// The dtype of one item. Imports ml_dtypes for its types. Raises TypeError where NumPy has none. A
/// sub-array at the top is left out: its dimensions are `format.fields()[0].shape`.
nb::object dtype_of_format(const Format& format);
nb::object dtype_of_field(const Field& field);
/// The one nameless field that fills the item, whose shape becomes further axes of an ndarray; else
/// null.
const Field* whole_field(const Format& format);

/// Whether the fields of a struct dtype, in the order of their names, lie in memory in that order.
bool fields_in_order(PyObject* dtype);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_NUMPY_DTYPE_H_
