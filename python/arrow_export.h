// A Buffer as an Arrow array: the methods __arrow_c_array__ and __arrow_c_schema__ of the class.
#ifndef STRIDECAST_PYTHON_ARROW_EXPORT_H_
#define STRIDECAST_PYTHON_ARROW_EXPORT_H_

#include <nanobind/nanobind.h>

#include "python/buffer.h"

namespace stridecast::python {

/// Adds the methods; once, when the class is made.
void bind_arrow(nb::class_<Buffer>& buffer);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARROW_EXPORT_H_
