// The argument where=: which items take part.
#ifndef STRIDECAST_PYTHON_MASK_ARG_H_
#define STRIDECAST_PYTHON_MASK_ARG_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>

#include "python/buffer_view.h"

namespace stridecast::python {

/// True or False for all items, or a mask that broadcasts to `shape`, which is "the result's" or
/// "buf's" in the message that refuses it.
void open_mask(PyObject* where, std::span<const int64_t> shape, const char* whose,
               BufferView* mask);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_MASK_ARG_H_
