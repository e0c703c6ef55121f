// Tensors in and out by DLPack's Python protocol (__dlpack__, __dlpack_device__), memory of the CPU
// only. A producer is trusted with where its memory is and how far it reaches: whatever else can be
// checked is checked before a byte is read.
#ifndef STRIDECAST_PYTHON_DLPACK_H_
#define STRIDECAST_PYTHON_DLPACK_H_

#include <nanobind/nanobind.h>

#include "python/buffer.h"
#include "python/buffer_view.h"

namespace stridecast::python {

namespace nb = nanobind;

/// Describes the tensor of an object with __dlpack__; false if `object` has none. Raises
/// BufferError for memory or elements that cannot be read here. `name` is the argument's, for
/// messages.
bool read_dlpack(PyObject* object, const char* name, BufferView* view);

/// Adds __dlpack__ and __dlpack_device__ to the class.
void bind_dlpack(nb::class_<Buffer>& buffer);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_DLPACK_H_
