// The parts of the module, one function a topic; module.cc calls them in order.
#ifndef STRIDECAST_PYTHON_BINDINGS_H_
#define STRIDECAST_PYTHON_BINDINGS_H_

#include <nanobind/nanobind.h>

#include "stridecast/format.h"
#include "stridecast/plan.h"

namespace stridecast::python {

namespace nb = nanobind;

void bind_format(nb::module_& m);
void bind_buffer(nb::module_& m);
void bind_plan(nb::module_& m);
void bind_ops(nb::module_& m);
void bind_arrays(nb::module_& m);
void bind_reduce(nb::module_& m);
void bind_scaling(nb::module_& m);
void bind_time_fields(nb::module_& m);
void bind_fields(nb::module_& m);
void bind_time(nb::module_& m);
void bind_types(nb::module_& m);

/// The Format in a Python Format object, or null if `object` is none. Cheap.
const Format* format_in(PyObject* object) noexcept;

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_BINDINGS_H_
