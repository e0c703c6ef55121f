// ctypes types as Formats. A type is read by its parts (_fields_, offsets, _type_, _length_), never
// by the format text that ctypes makes of it, which leaves out padding before Python 3.12, the
// fields of base classes and what is behind a union or a bit field.
#ifndef STRIDECAST_PYTHON_CTYPES_FORMAT_H_
#define STRIDECAST_PYTHON_CTYPES_FORMAT_H_

#include <nanobind/nanobind.h>

#include <optional>

#include "python/format_arg.h"

namespace stridecast::python {

/// Whether `view` is of an instance of a ctypes type, or of a memoryview that shows one, and as
/// what it is: memoryview.cast makes plain bytes or numbers of it. ctypes is not imported for the
/// question.
bool exported_by_ctypes(PyObject* object, const Py_buffer& view);

/// Whether it is a function pointer of ctypes.
bool is_ctypes_function(PyObject* object);

/// The format of the items that `view` of such an object has: of the object's type, without the
/// dimensions of arrays, which are the view's. Nothing if a class exports something of its own.
/// Raises TypeError for unions and bit fields, which no format can describe.
std::optional<FormatRef> format_of_ctypes(PyObject* object, const Py_buffer& view);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_CTYPES_FORMAT_H_
