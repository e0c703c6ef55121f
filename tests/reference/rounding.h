// The oracle for roundings: exact integer arithmetic on decoded values (element.h), and random
// numbers as docs/numeric_policy.md defines them. It shares no code with kernels/.
#ifndef STRIDECAST_TESTS_REFERENCE_ROUNDING_H_
#define STRIDECAST_TESTS_REFERENCE_ROUNDING_H_

#include <array>
#include <cstdint>

#include "stridecast/types.h"
#include "tests/reference/element.h"

namespace stridecast::reference {

inline constexpr std::array<Rounding, 6> kRoundings = {
    Rounding::kNearestEven,     Rounding::kTowardsZero, Rounding::kTowardsPositive,
    Rounding::kTowardsNegative, Rounding::kNearestAway, Rounding::kStochastic};
const char* rounding_name(Rounding rounding);

/// Philox4x32-10, as the paper has it.
std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);
/// The 63 bits that stochastic rounding of a leaf of an item takes.
uint64_t random_bits(uint64_t seed, uint64_t item, uint64_t leaf);

/// |value| in units of 2^quantum, rounded once; `random` is random_bits() for kStochastic. The
/// value is finite, and the result has at most 64 bits.
uint64_t round_magnitude(const Value& value, int quantum, Rounding rounding, uint64_t random);

/// Float32, float64 or long double `bits` to the integral value of the same type.
Bits round_to_integral(DType type, Bits bits, Rounding rounding, uint64_t random);

/// A float64 to any narrower float type: of 16, 32, 8 or fewer bits. In Mode::kRaise the flags say
/// what is reported.
Converted round_float64(uint64_t bits, DType to, Mode mode, Rounding rounding, uint64_t random);

/// Any finite value to float64; *overflow: the result is infinite or was kept from being it.
uint64_t round_to_float64(const Value& value, Rounding rounding, uint64_t random, bool* overflow);

/// Whether the float type has a value equal to this one, apart from its range.
bool is_exact(const Value& value, int digits, int min_step_exponent);

/// Digits of a float type's significand, with the hidden one, and the exponent of its smallest
/// step (of its smallest value, for float8_e8m0fnu).
struct FloatShape {
  DType type;
  int digits, least;
};
/// The types that round_float64 knows.
inline constexpr std::array<FloatShape, 14> kFloatShapes = {{
    {DType::kFloat16, 11, -24},
    {DType::kBFloat16, 8, -133},
    {DType::kFloat32, 24, -149},
    {DType::kFloat8E3M4, 5, -6},
    {DType::kFloat8E4M3, 4, -9},
    {DType::kFloat8E4M3B11FNUZ, 4, -13},
    {DType::kFloat8E4M3FN, 4, -9},
    {DType::kFloat8E4M3FNUZ, 4, -10},
    {DType::kFloat8E5M2, 3, -16},
    {DType::kFloat8E5M2FNUZ, 3, -17},
    {DType::kFloat8E8M0FNU, 1, -127},
    {DType::kFloat6E2M3FN, 4, -3},
    {DType::kFloat6E3M2FN, 3, -4},
    {DType::kFloat4E2M1FN, 2, -1},
}};

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_ROUNDING_H_
