// Memory: the Python object that keeps the bytes under a Buffer alive, whether they are an
// exporter's, an ndarray's or our own. Buffers and the ndarrays made from them share it; users
// never see it.
#ifndef STRIDECAST_PYTHON_MEMORY_H_
#define STRIDECAST_PYTHON_MEMORY_H_

#include <nanobind/nanobind.h>

#include <cstdint>

namespace stridecast::python {

namespace nb = nanobind;

/// Creates the type; once, when the module is imported.
void bind_memory(nb::module_& m);

/// Takes over `view`, which is released when the last user is gone.
nb::object memory_of_view(const Py_buffer& view);
/// Holds a reference to `owner`, whose bytes live as long as it does.
nb::object memory_of_object(nb::handle owner);
/// `size` fresh bytes, aligned to 64; raises MemoryError. `*data` points to them.
nb::object memory_of_size(int64_t size, bool zeroed, char** data);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_MEMORY_H_
