// One element as short text, for error messages. Nothing here parses or converts.
#ifndef STRIDECAST_DTYPES_SCALAR_TEXT_H_
#define STRIDECAST_DTYPES_SCALAR_TEXT_H_

#include <cstddef>

#include "stridecast/types.h"

namespace stridecast::internal {

// Writes the element at `p` (any alignment, byte order `order`) to out[0, n), cut to fit and always
// ended by a NUL where n > 0. Numbers in the shortest form that tells them apart, bool as
// true or false, NaT by name, other types as hex bytes ("0x" and the bytes in memory order), types
// without a size of their own as "?". 32 bytes hold any arithmetic value. Allocates nothing.
void format_value(DType type, ByteOrder order, const void* p, char* out, size_t n) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_SCALAR_TEXT_H_
