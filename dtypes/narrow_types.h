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

inline constexpr int kFirstNarrowFloat = static_cast<int>(DType::kFloat8E3M4);

// In the order of DType from float8_e3m4 on. Facts as ml_dtypes has them; float8_e8m0fnu, float6
// and float4 are of the OCP Microscaling Formats Specification.
//   bits, signed, fraction, bias, largest, overflow, NaN, infinity, NaN, unsigned zero
inline constexpr NarrowFloat kNarrowFloats[] = {
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
static_assert(static_cast<int>(DType::kFloat4E2M1FN) - kFirstNarrowFloat + 1 ==
              sizeof(kNarrowFloats) / sizeof(kNarrowFloats[0]));

// Requires a narrow type that is a float.
constexpr const NarrowFloat& narrow_float(DType type) noexcept {
  return kNarrowFloats[static_cast<int>(type) - kFirstNarrowFloat];
}

// How many bits of a narrow integer type count.
int narrow_int_bits(DType type) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_NARROW_TYPES_H_
