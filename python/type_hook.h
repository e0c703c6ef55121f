// The hook by which a type gives its NumPy dtype: type._numpy_dtype_from_buffer_fmt(param,
// byteorder=...), found without importing anything and without running code of a module. What a
// dtype means to a Format is numpy_dtype.h.
#ifndef STRIDECAST_PYTHON_TYPE_HOOK_H_
#define STRIDECAST_PYTHON_TYPE_HOOK_H_

#include <nanobind/nanobind.h>

#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

/// The dtype of a custom type in byte order `order`, as the type's hook gives it, or its
/// __numpy_dtype__, or because it is a NumPy scalar type; null where none of them exists. Imports
/// NumPy. Raises UnknownTypeError if the module is not imported or has no such type, TypeError or
/// ValueError if the hook's answer is no dtype of `itemsize` bytes in that order (itemsize 0: any),
/// and chains what the hook raises.
nb::object dtype_by_hook(const CustomType& type, ByteOrder order, int64_t itemsize);

/// Lets formats have the sizes that hooks know. Once, at import.
void install_type_resolver();

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_TYPE_HOOK_H_
