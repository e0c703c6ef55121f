// Facts about arithmetic types and pairs of them: ranges, and whether a conversion can ever lose
// anything. What to do about a loss is the engine's and the kernels' business.
#ifndef STRIDECAST_DTYPES_CAST_RULES_H_
#define STRIDECAST_DTYPES_CAST_RULES_H_

#include <cstdint>

#include "stridecast/types.h"

namespace stridecast::internal {

// The range of an arithmetic type. Of the integer and float members those of the other kind are 0.
struct RangeFacts {
  bool is_float;
  int digits;  // value bits of an integer without sign, significand bits of a float with the hidden
               // one
  int64_t int_min;   // bool and unsigned: 0
  uint64_t int_max;  // bool: 1
  int max_exponent;  // a float's finite values are below 2^max_exponent
  int min_exponent;  // the smallest subnormal is 2^min_exponent
  double float_max;  // the largest finite value
};

// Requires is_arithmetic(type).
const RangeFacts& range_facts(DType type) noexcept;

// No value of src raises under Overflow::kRaise when it becomes dst: every finite value stays
// finite after rounding, no NaN or infinity meets an integer. Rounding is allowed (int64 fits
// float32); everything fits bool, which takes the truth of a value. Requires is_arithmetic of both.
bool fits(DType src, DType dst) noexcept;

// Every value of src has an equal value in dst (NaN counts as equal): NumPy's "safe" and
// "same_value" can never fail. Implies fits(). Requires is_arithmetic of both.
bool fits_exactly(DType src, DType dst) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_CAST_RULES_H_
