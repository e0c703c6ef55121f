// Values of the element types that C++ has no type for, one struct each: so many bits in host byte
// order, as they lie in arrays. They name types in signatures and templates and cannot be mixed up;
// arithmetic they have none. stridecast/xsimd.h reads and writes them as batches.
#ifndef STRIDECAST_VALUE_TYPES_H_
#define STRIDECAST_VALUE_TYPES_H_

#include <cstdint>
#include <limits>

namespace stridecast {
inline namespace v0 {

/// IEEE 754 binary16: NumPy's float16, C++23's std::float16_t.
struct float16 {
  uint16_t bits;  ///< in host byte order
};

/// The upper half of a float32: ml_dtypes.bfloat16, C++23's std::bfloat16_t.
struct bfloat16 {
  uint16_t bits;  ///< in host byte order
};

// The 8-bit floats, named and defined as in ml_dtypes: eXmY has X exponent and Y fraction bits, b11
// is the exponent's bias. Without a suffix they are as IEEE 754 would have them; "fn" has no
// infinities and one NaN of either sign, "fnuz" has no negative zero either, whose bits 0x80 are
// the only NaN.
/// IEEE-like: infinities, NaNs, both zeros; up to 57344.
struct float8_e5m2 {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// IEEE-like; up to 240.
struct float8_e4m3 {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// IEEE-like; up to 15.5.
struct float8_e3m4 {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// No infinities, one NaN of either sign; up to 448. The usual one for weights.
struct float8_e4m3fn {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// No infinities, no negative zero; up to 57344.
struct float8_e5m2fnuz {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// No infinities, no negative zero; up to 240.
struct float8_e4m3fnuz {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// No infinities, no negative zero, exponents biased by 11; up to 30.
struct float8_e4m3b11fnuz {
  uint8_t bits;  ///< sign, exponent, fraction
};
/// 2^(bits - 127), without sign or zero; 0xff is NaN. The scales of the OCP microscaling formats.
struct float8_e8m0fnu {
  uint8_t bits;  ///< the biased exponent
};

/// So many units since 1970-01-01, or NaT; which unit, the array's dtype says.
struct datetime64 {
  int64_t bits;  ///< how many units, or kNaT
};
/// So many units between two times, or NaT.
struct timedelta64 {
  int64_t bits;  ///< how many units, or kNaT
};
/// The bits of "not a time" in both.
inline constexpr int64_t kNaT = std::numeric_limits<int64_t>::min();

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_VALUE_TYPES_H_
