// The fields of a format: by the names that a caller gives, and as parts of another format.
#ifndef STRIDECAST_PYTHON_FIELDS_H_
#define STRIDECAST_PYTHON_FIELDS_H_

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

/// The fields of one item: of its struct, or of a text without "T{}". Null if the item is no
/// struct, or an array of structs.
const std::vector<Field>* fields_of(const Format& format);

/// The field of this name. Raises KeyError naming the fields that there are; TypeError if `name` is
/// no str.
const Field& require_field(const Format& format, nb::handle name);

/// 'x', 'y' and 'z'; the names of these fields in quotes.
std::string quoted_names(const std::vector<Field>& fields);

/// Whether every byte of an item belongs to an element: no padding anywhere in it.
bool is_dense(const Format& format);

/// The text of a whole format as a member of a struct, packed.
std::string member_text(const Format& format);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_FIELDS_H_
