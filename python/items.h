// Items as Python objects: what Buffer.item() and tolist() give.
#ifndef STRIDECAST_PYTHON_ITEMS_H_
#define STRIDECAST_PYTHON_ITEMS_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>

#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

/// The value of the item at `data`: int, float, bool, complex, bytes or str; a struct as a tuple, a
/// sub-array as nested lists; datetimes as NumPy scalars if NumPy is imported, else as int. Raises
/// TypeError for types without a Python value.
nb::object item_value(const Format& format, const char* data);

/// The items as nested lists, one level a dimension; the item itself for no dimensions.
/// `suboffsets` is empty, or has one a dimension.
nb::object nested_list(const Format& format, const char* data, std::span<const int64_t> shape,
                       std::span<const int64_t> strides, std::span<const int64_t> suboffsets = {});

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ITEMS_H_
