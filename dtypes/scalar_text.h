// One element as short text, for error messages. Nothing here parses or converts.
#ifndef STRIDECAST_DTYPES_SCALAR_TEXT_H_
#define STRIDECAST_DTYPES_SCALAR_TEXT_H_

#include <cstddef>
#include <cstdint>

#include "stridecast/types.h"

namespace stridecast::internal {

// Writes the element of `size` bytes at `p` (any alignment, byte order `order`) to out[0, n), cut
// to fit and always ended by a NUL where n > 0. Numbers in the shortest form that tells them apart,
// bool as true or false, NaT by name, other types in hex: as one number where they have a byte
// order and at most 8 bytes, else the first 16 bytes in memory order. 40 bytes hold any of these.
// Allocates nothing.
void format_value(DType type, ByteOrder order, const void* p, int64_t size, char* out,
                  size_t n) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_SCALAR_TEXT_H_
