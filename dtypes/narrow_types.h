// Numbers of at most 8 bits, of ml_dtypes: what their bits mean. One value takes a byte, of which
// only the low bits count. How they are converted fast is the kernels' business.
#ifndef STRIDECAST_DTYPES_NARROW_TYPES_H_
#define STRIDECAST_DTYPES_NARROW_TYPES_H_

#include <cstdint>

#include "stridecast/types.h"

namespace stridecast::internal {

// A float below the names' rules: e4m3 has 4 bits of exponent and 3 of fraction, "fn" has no
// infinities, "uz" no negative zero, whose code is the NaN. Codes are without the sign bit.
struct NarrowFloat {
  uint8_t bits;           // that count: 8, 6 or 4; the sign is the topmost
  bool is_signed;         // all but float8_e8m0fnu
  uint8_t fraction_bits;  // stored
  uint8_t bias;
  uint8_t max_finite;  // code of the largest value
  uint8_t overflow;    // code of what rounds beyond it: infinity, else NaN, else the largest value
  uint8_t nan;         // code of the canonical NaN; what is made of one where there is none
  bool has_infinity;
  bool has_nan;
  bool unsigned_zero;  // no -0: its code is the NaN
};

// Requires a narrow type that is a float.
const NarrowFloat& narrow_float(DType type) noexcept;

// How many bits of a narrow integer type count.
int narrow_int_bits(DType type) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_NARROW_TYPES_H_
