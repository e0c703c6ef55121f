// Objects that describe their memory by NumPy's __array_interface__, version 3
// (https://numpy.org/doc/stable/reference/arrays.interface.html), and not by a buffer: PIL's
// images, for one.
#ifndef STRIDECAST_PYTHON_ARRAY_INTERFACE_H_
#define STRIDECAST_PYTHON_ARRAY_INTERFACE_H_

#include <nanobind/nanobind.h>

#include "python/buffer_view.h"

namespace stridecast::python {

/// Describes what `object` says of itself; false if it says nothing. Where its data is an object
/// with a buffer, shape, strides and offset must stay inside. Data that is an address is believed
/// only with `unsafe_pointer`. Raises BufferError for all that contradicts itself, TypeError for
/// what is no such description and for types that no format can say. `name` is the argument's, for
/// messages.
bool read_array_interface(PyObject* object, Access access, const char* name, bool unsafe_pointer,
                          BufferView* view);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARRAY_INTERFACE_H_
