// Bools and validity stored as bits, least significant first and from any bit on, as Arrow has
// them. One thread; whoever has larger arrays cuts them at multiples of 8 bits.
#ifndef STRIDECAST_BITS_H_
#define STRIDECAST_BITS_H_

#include <cstdint>

#include "stridecast/export.h"

namespace stridecast {
inline namespace v0 {

/// Bits in somebody's memory: bit i of them is bit (first + i) % 8 of byte (first + i) / 8.
struct Bits {
  const void* data;   ///< the byte that bit 0 counts from
  int64_t first = 0;  ///< 0 or more
};
/// The same in memory that is written.
struct MutableBits {
  void* data;         ///< the byte that bit 0 counts from
  int64_t first = 0;  ///< 0 or more
};

/// n bits to n bytes of 0 or 1.
///
///     const unsigned char bits[] = {0b00000101};
///     bool bools[3];
///     sc::unpack_bits({bits}, 3, bools);  // true, false, true
STRIDECAST_API void unpack_bits(const Bits& bits, int64_t n, void* bytes);
/// n bytes, of which any but 0 is true, to n bits. The bits beside them stay, but their bytes are
/// read and written: two threads may not pack into one byte.
///
///     const bool bools[] = {true, false, true};
///     unsigned char bits[1] = {0};
///     sc::pack_bits(bools, 3, {bits});  // bits[0] is 0b101
STRIDECAST_API void pack_bits(const void* bytes, int64_t n, const MutableBits& bits);
/// How many of the n bits are set.
STRIDECAST_API int64_t count_bits(const Bits& bits, int64_t n);

/// Packed 64-bit times to bits that are set where the item is no NaT; the other bits stay, as in
/// pack_bits. Returns the number of NaTs.
STRIDECAST_API int64_t valid_bits(const void* times, int64_t n, const MutableBits& bits);
/// Overwrites the packed items whose bit is 0 with `value`, of itemsize bytes. Every bit stands for
/// `group` items in a row; n counts the bits.
///
///     double x[] = {1, 2, 3};
///     const unsigned char valid[] = {0b101};
///     const double nan = NAN;
///     sc::overwrite_invalid(x, sizeof *x, {valid}, 3, &nan);  // 1, NaN, 3
STRIDECAST_API void overwrite_invalid(void* items, int64_t itemsize, const Bits& valid, int64_t n,
                                      const void* value, int64_t group = 1);

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_BITS_H_
