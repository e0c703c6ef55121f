// Facts about real number types and pairs of them: ranges, whether a conversion can ever lose
// anything, which pairs the rules of `casting` allow. What to do about a loss is the engine's and
// the kernels' business.
#ifndef STRIDECAST_DTYPES_CAST_RULES_H_
#define STRIDECAST_DTYPES_CAST_RULES_H_

#include <cstdint>

#include "stridecast/types.h"

namespace stridecast::internal {

// The range of a real type. Of the integer and float members those of the other kind are 0.
struct RangeFacts {
  bool is_float;
  int digits;  // value bits of an integer without sign, significand bits of a float with the hidden
               // one
  int64_t int_min;   // bool and unsigned: 0
  uint64_t int_max;  // bool: 1
  int max_exponent;  // a float's finite values are below 2^max_exponent
  int min_exponent;  // the smallest subnormal is 2^min_exponent
  double float_max;  // the largest finite value; of long double, where it is larger, infinity
  // Finite values beyond this (and this one itself, if it is not `stays`) leave the range when
  // rounded to nearest-even. Infinite where float64 does not hold it.
  double overflow_at;
  bool overflow_stays;
  bool has_infinity, has_nan;  // of floats
  bool positive;               // float8_e8m0fnu: neither zero nor negative values
};

// Requires is_real(type).
const RangeFacts& range_facts(DType type) noexcept;

// No value of src raises under Overflow::kRaise when it becomes dst: every value stays in range
// after rounding, no NaN or infinity meets a type without one. Rounding is allowed (int64 fits
// float32); everything fits bool, which takes the truth of a value. Requires is_real of both.
bool fits(DType src, DType dst) noexcept;

// Every value of src has an equal value in dst (NaN counts as equal): a conversion is the same
// under all options. Implies fits(). Requires is_real of both.
bool fits_exactly(DType src, DType dst) noexcept;

// Whether NumPy's rules "safe" and "same_kind" allow the pair. Requires is_number of both.
bool casts_safely(DType src, DType dst) noexcept;
bool casts_within_kind(DType src, DType dst) noexcept;

// The type of the real and the imaginary part. Requires is_complex(type).
DType component_type(DType type) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_CAST_RULES_H_
