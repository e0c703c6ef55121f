// Ranges of the arithmetic types and what follows from them for pairs, see cast_rules.h.

#include "dtypes/cast_rules.h"

#include <array>
#include <cstddef>
#include <limits>

namespace stridecast::internal {
namespace {

template <typename T>
constexpr RangeFacts integer() {
  using Limits = std::numeric_limits<T>;
  return {false,
          Limits::digits,
          static_cast<int64_t>(Limits::min()),
          static_cast<uint64_t>(Limits::max()),
          0,
          0,
          0.0};
}

constexpr double power_of_two(int exponent) {
  double value = 1;
  for (int i = 0; i < exponent; ++i) value *= 2;
  return value;
}

// A binary float of `digits` significand bits whose finite values are below 2^max_exponent; written
// so that float64 does not overflow on the way.
constexpr RangeFacts binary_float(int digits, int max_exponent) {
  const double below_two = 2 - 1 / power_of_two(digits - 1);
  const int min_normal = 2 - max_exponent;  // 2^min_normal is the smallest normal value
  return {true,
          digits,
          0,
          0,
          max_exponent,
          min_normal - (digits - 1),
          below_two * power_of_two(max_exponent - 1)};
}

constexpr std::array<RangeFacts, kNumArithmetic> kRanges = {{
    integer<bool>(), integer<int8_t>(), integer<uint8_t>(), integer<int16_t>(), integer<uint16_t>(),
    integer<int32_t>(), integer<uint32_t>(), integer<int64_t>(), integer<uint64_t>(),
    binary_float(11, 16),    // float16
    binary_float(8, 128),    // bfloat16
    binary_float(24, 128),   // float32
    binary_float(53, 1024),  // float64
}};
static_assert(kRanges[static_cast<int>(DType::kFloat16)].float_max == 65504);
static_assert(kRanges[static_cast<int>(DType::kFloat32)].float_max ==
              double{std::numeric_limits<float>::max()});
static_assert(kRanges[static_cast<int>(DType::kFloat64)].float_max ==
              std::numeric_limits<double>::max());

constexpr const RangeFacts& range(int type) { return kRanges[static_cast<size_t>(type)]; }

// What rounds to nearest-even beyond the largest finite value of `dst`: values from here on.
constexpr bool rounds_to_infinity(double value, const RangeFacts& dst) {
  if (dst.max_exponent == 1024) return false;  // nothing here exceeds float64
  const double half_step = power_of_two(dst.max_exponent - dst.digits - 1);
  return value >= dst.float_max + half_step;
}

constexpr bool fits_in_range(int from, int to) {
  const RangeFacts& src = range(from);
  const RangeFacts& dst = range(to);
  if (from == to || to == static_cast<int>(DType::kBool)) return true;
  if (!src.is_float && !dst.is_float) {
    return src.int_min >= dst.int_min && src.int_max <= dst.int_max;
  }
  if (!src.is_float) return !rounds_to_infinity(static_cast<double>(src.int_max), dst);
  return dst.is_float && !rounds_to_infinity(src.float_max, dst);
}

constexpr bool fits_without_rounding(int from, int to) {
  const RangeFacts& src = range(from);
  const RangeFacts& dst = range(to);
  if (from == to) return true;
  if (to == static_cast<int>(DType::kBool) || !fits_in_range(from, to)) return false;
  if (!dst.is_float) return true;
  if (src.digits > dst.digits) return false;
  return !src.is_float || src.min_exponent >= dst.min_exponent;
}

using PairTable = std::array<std::array<bool, kNumArithmetic>, kNumArithmetic>;

template <bool (*rule)(int, int)>
constexpr PairTable tabulate() {
  PairTable table{};
  for (int from = 0; from < kNumArithmetic; ++from) {
    for (int to = 0; to < kNumArithmetic; ++to) {
      table[static_cast<size_t>(from)][static_cast<size_t>(to)] = rule(from, to);
    }
  }
  return table;
}

constexpr PairTable kFits = tabulate<fits_in_range>();
constexpr PairTable kFitsExactly = tabulate<fits_without_rounding>();

}  // namespace

const RangeFacts& range_facts(DType type) noexcept { return range(static_cast<int>(type)); }

bool fits(DType src, DType dst) noexcept {
  return kFits[static_cast<size_t>(src)][static_cast<size_t>(dst)];
}

bool fits_exactly(DType src, DType dst) noexcept {
  return kFitsExactly[static_cast<size_t>(src)][static_cast<size_t>(dst)];
}

}  // namespace stridecast::internal
