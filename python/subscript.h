// Subscripts of a Buffer: b[1], b[::-2, ...]. What is selected stays where it is.
#ifndef STRIDECAST_PYTHON_SUBSCRIPT_H_
#define STRIDECAST_PYTHON_SUBSCRIPT_H_

#include <nanobind/nanobind.h>

namespace stridecast::python {

namespace nb = nanobind;

/// self[key]: a Buffer over the selected items, or the item itself if `key` has an integer for
/// every dimension. Raises IndexError, or BufferError where pointers that rows are stored by would
/// have to be followed twice at once.
nb::object subscript(nb::handle self, nb::handle key);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_SUBSCRIPT_H_
