// Element types of DLPack and format texts: one table for both directions.
#ifndef STRIDECAST_PYTHON_DLPACK_TYPES_H_
#define STRIDECAST_PYTHON_DLPACK_TYPES_H_

#include <optional>

#include "python/dlpack_abi.h"
#include "python/format_arg.h"
#include "stridecast/format.h"

namespace stridecast::python {

/// The format of one element. `padded`: values of less than 8 bits take a byte each. Several lanes
/// make a sub-array. Raises BufferError, naming `argument`, for what no format can say.
FormatRef format_of_dlpack(const dlpack::DataType& type, bool padded, const char* argument);

/// A field's element in DLPack's words, byte order aside; nothing where DLPack has none.
std::optional<dlpack::DataType> dlpack_of_field(const Field& field);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_DLPACK_TYPES_H_
