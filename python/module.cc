// The extension module stridecast._core: calls the bindings of each topic, nothing else.
#include <nanobind/nanobind.h>

#include "python/bindings.h"
#include "python/errors.h"
#include "python/memory.h"

NB_MODULE(_core, m) {
  using namespace stridecast::python;
  namespace nb = nanobind;
  // Objects that a user's module still holds at exit are no leak of ours, and not worth a report.
  nb::set_leak_warnings(false);
  m.doc() = "The compiled part of stridecast; import stridecast instead.";
  bind_errors(m);
  bind_memory(m);
  bind_format(m);
  bind_buffer(m);
  bind_plan(m);
  bind_ops(m);
  bind_arrays(m);
  bind_reduce(m);
  bind_scaling(m);
  bind_time(m);
  bind_time_fields(m);
  bind_fields(m);
  bind_types(m);
}
