// The table of narrow floats and the values of their bytes, see narrow_types.h. Facts as ml_dtypes
// has them; float8_e8m0fnu, float6 and float4 are of the OCP Microscaling Formats Specification.

#include "dtypes/narrow_types.h"

#include <cmath>
#include <limits>

namespace stridecast::internal {
namespace {

constexpr int kFirst = static_cast<int>(DType::kFloat8E3M4);

// In the order of DType from float8_e3m4 on.
//   bits, signed, fraction, bias, largest, overflow, NaN, infinity, NaN, unsigned zero
constexpr NarrowFloat kFloats[] = {
    {8, true, 4, 3, 0x6F, 0x70, 0x78, true, true, false},      // float8_e3m4
    {8, true, 3, 7, 0x77, 0x78, 0x7C, true, true, false},      // float8_e4m3
    {8, true, 3, 11, 0x7F, 0x80, 0x80, false, true, true},     // float8_e4m3b11fnuz
    {8, true, 3, 7, 0x7E, 0x7F, 0x7F, false, true, false},     // float8_e4m3fn
    {8, true, 3, 8, 0x7F, 0x80, 0x80, false, true, true},      // float8_e4m3fnuz
    {8, true, 2, 15, 0x7B, 0x7C, 0x7E, true, true, false},     // float8_e5m2
    {8, true, 2, 16, 0x7F, 0x80, 0x80, false, true, true},     // float8_e5m2fnuz
    {8, false, 0, 127, 0xFE, 0xFF, 0xFF, false, true, false},  // float8_e8m0fnu
    {6, true, 3, 1, 0x1F, 0x1F, 0x20, false, false, false},    // float6_e2m3fn
    {6, true, 2, 3, 0x1F, 0x1F, 0x20, false, false, false},    // float6_e3m2fn
    {4, true, 1, 1, 0x07, 0x07, 0x08, false, false, false},    // float4_e2m1fn
};
static_assert(static_cast<int>(DType::kFloat4E2M1FN) - kFirst + 1 ==
              sizeof(kFloats) / sizeof(kFloats[0]));

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

const NarrowFloat& narrow_float(DType type) noexcept {
  return kFloats[static_cast<int>(type) - kFirst];
}

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
