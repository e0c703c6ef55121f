// The values of the bytes of narrow numbers, see narrow_types.h.

#include "dtypes/narrow_types.h"

#include <cmath>
#include <limits>

namespace stridecast::internal {
namespace {

float nan_of_sign(bool negative) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  return negative ? -nan : nan;
}

float float_value(DType type, uint8_t byte) {
  const NarrowFloat& f = narrow_float(type);
  const int code = byte & ((1 << f.bits) - 1);
  if (!f.is_signed) {
    return code == f.nan ? nan_of_sign(false) : std::ldexp(1.0f, code - f.bias);
  }
  const int sign_bit = 1 << (f.bits - 1);
  const bool negative = (code & sign_bit) != 0;
  const int magnitude = code & ~sign_bit;
  if (f.unsigned_zero && negative && magnitude == 0) return nan_of_sign(true);
  if (magnitude > f.max_finite) {
    if (!f.has_infinity || magnitude != f.overflow) return nan_of_sign(negative);
    const float infinity = std::numeric_limits<float>::infinity();
    return negative ? -infinity : infinity;
  }
  const int exponent = magnitude >> f.fraction_bits;
  const int fraction = magnitude & ((1 << f.fraction_bits) - 1);
  const int hidden = exponent == 0 ? 0 : 1 << f.fraction_bits;
  const float value = std::ldexp(static_cast<float>(hidden + fraction),
                                 (exponent == 0 ? 1 : exponent) - f.bias - f.fraction_bits);
  return negative ? -value : value;
}

}  // namespace

int narrow_int_bits(DType type) noexcept {
  const bool one = type == DType::kInt1 || type == DType::kUint1;
  const bool two = type == DType::kInt2 || type == DType::kUint2;
  return one ? 1 : two ? 2 : 4;
}

}  // namespace stridecast::internal

namespace stridecast {
inline namespace v0 {

float narrow_value(DType type, uint8_t byte) noexcept {
  const Kind kind = type_facts(type).kind;
  if (kind == Kind::kFloat) return internal::float_value(type, byte);
  const int bits = internal::narrow_int_bits(type);
  const int value = byte & ((1 << bits) - 1);
  const bool negative = kind == Kind::kSigned && (value >> (bits - 1)) != 0;
  return static_cast<float>(negative ? value - (1 << bits) : value);
}

}  // namespace v0
}  // namespace stridecast
