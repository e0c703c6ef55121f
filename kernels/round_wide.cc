// Numbers wider than float64 to float64 under every rounding, and whether a long double has an
// equal in the destination. Scalar code, compiled once for all targets, which asks nothing of the
// format of long double but its digits: no more than 128, and nothing rounds on the way, so that no
// mode of the floating-point unit matters.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/kernel_table.h"
#include "kernels/philox.h"
#include "kernels/targets.h"

namespace stridecast::kernels {
namespace {

using Float = std::numeric_limits<double>;
constexpr int kDigits = Float::digits;                 // 53
constexpr int kMinExponent = Float::min_exponent - 1;  // of the smallest normal value: -1022

// A magnitude: 0.significand (128 bits of fraction, the first of them set) * 2^exponent, and
// whether there is more behind them.
struct Magnitude {
  bool negative = false;
  uint64_t high = 0, low = 0;
  int exponent = 0;
  bool more = false;
};

// --- one rounding --------------------------------------------------------------------------------

// What is dropped, in units of the last kept place: a fraction of 64 bits and whether there is
// more.
struct Dropped {
  uint64_t fraction = 0;
  bool more = false;
  bool any() const { return fraction != 0 || more; }
};

bool rounds_up(Rounding rounding, bool negative, bool odd, const Dropped& dropped,
               uint64_t random) {
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  switch (rounding) {
    case Rounding::kTowardsZero:
      return false;
    case Rounding::kTowardsPositive:
      return !negative && dropped.any();
    case Rounding::kTowardsNegative:
      return negative && dropped.any();
    case Rounding::kNearestAway:
      return dropped.fraction >= kHalf;
    case Rounding::kStochastic:
      return (dropped.fraction >> 1) + random >= kHalf;
    case Rounding::kDefault:
    case Rounding::kNearestEven:
      break;
  }
  return dropped.fraction > kHalf || (dropped.fraction == kHalf && (dropped.more || odd));
}

// value = kept * 2^place, and what is dropped; `count` first bits of the significand are kept.
uint64_t take(const Magnitude& value, int count, Dropped* dropped) {
  if (count <= 0) {  // subnormals' end
    const int shift = -count;
    dropped->fraction = shift < 64 ? value.high >> shift : 0;
    const bool shifted_out = shift >= 64 || (shift > 0 && value.high << (64 - shift) != 0);
    dropped->more = value.more || value.low != 0 || shifted_out;
    return 0;
  }
  dropped->fraction = value.high << count | value.low >> (64 - count);
  dropped->more = value.more || value.low << count != 0;
  return value.high >> (64 - count);
}

double beyond(const RoundParams& params, bool negative) {
  const bool inward = params.rounding == Rounding::kTowardsZero ||
                      (params.rounding == Rounding::kTowardsPositive && negative) ||
                      (params.rounding == Rounding::kTowardsNegative && !negative);
  return inward || !params.has_infinity ? Float::max() : Float::infinity();
}

double round_once(const Magnitude& value, const RoundParams& params, uint64_t random,
                  uint32_t* errors) {
  // The value's own leading bit stands for 2^(exponent - 1).
  const int lost = kMinExponent - (value.exponent - 1);
  const int count = lost > 0 ? kDigits - lost : kDigits;
  const int place = value.exponent - count;  // of the last kept bit
  Dropped dropped;
  uint64_t kept = take(value, count, &dropped);
  const bool odd = (kept & 1) != 0;
  if (rounds_up(params.rounding, value.negative, odd, dropped, random)) ++kept;
  double result = 0;
  if (static_cast<int>(std::bit_width(kept)) + place > Float::max_exponent) {
    if (params.report_overflow) *errors |= SC_ERR_OVERFLOW;
    result = beyond(params, value.negative);
  } else {
    result = std::ldexp(static_cast<double>(kept), place);  // exact, both
  }
  return value.negative ? -result : result;
}

// --- sources -------------------------------------------------------------------------------------

// Of any value but 0.
Magnitude magnitude_of(uint64_t value) {
  const int zeros = std::countl_zero(value);
  return {.high = value << zeros, .exponent = 64 - zeros};
}

double round_value(uint64_t value, const RoundParams& params, uint64_t random, uint32_t* errors) {
  if (value >> kDigits == 0) return static_cast<double>(value);
  return round_once(magnitude_of(value), params, random, errors);
}

double round_value(int64_t value, const RoundParams& params, uint64_t random, uint32_t* errors) {
  const bool negative = value < 0;
  const uint64_t bits = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (bits >> kDigits == 0) return static_cast<double>(value);
  Magnitude magnitude = magnitude_of(bits);
  magnitude.negative = negative;
  return round_once(magnitude, params, random, errors);
}

double round_value(long double value, const RoundParams& params, uint64_t random,
                   uint32_t* errors) {
  static_assert(std::numeric_limits<long double>::digits <= 128);
  if (std::isnan(value)) return static_cast<double>(value);
  if (std::isinf(value)) {
    if (params.has_infinity) return static_cast<double>(value);
    if (params.report_overflow) *errors |= SC_ERR_OVERFLOW;
    return std::signbit(value) ? Float::lowest() : Float::max();
  }
  if (value == 0) return std::signbit(value) ? -0.0 : 0.0;
  Magnitude magnitude;
  magnitude.negative = std::signbit(value);
  // Parts of the significand, of which each is an integer that leaves nothing or the rest.
  long double rest = std::ldexp(std::frexp(std::fabs(value), &magnitude.exponent), 64);
  magnitude.high = static_cast<uint64_t>(rest);
  rest = std::ldexp(rest - static_cast<long double>(magnitude.high), 64);
  magnitude.low = static_cast<uint64_t>(rest);
  magnitude.more = rest != static_cast<long double>(magnitude.low);
  return round_once(magnitude, params, random, errors);
}

// long double to its integral value.
long double to_integral(long double value, const RoundParams& params, uint64_t random,
                        uint32_t* /*errors*/) {
  if (std::isnan(value)) return value + value;  // quiet
  long double whole = 0;
  const long double rest = std::modf(std::fabs(value), &whole);
  if (rest == 0) return value;  // infinities, too
  const long double scaled = std::ldexp(rest, 64);
  Dropped dropped;
  dropped.fraction = static_cast<uint64_t>(scaled);
  dropped.more = scaled != static_cast<long double>(dropped.fraction);
  const long double halved = std::ldexp(whole, -1);
  const bool odd = halved != std::trunc(halved);
  // A value with a fraction is far from where one more would not be exact.
  if (rounds_up(params.rounding, std::signbit(value), odd, dropped, random)) whole += 1;
  return std::copysign(whole, value);
}

// --- runs ----------------------------------------------------------------------------------------

template <typename T>
T load(const unsigned char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Every item through `round` (value, params, random, errors).
template <typename T, typename R, R (*round)(T, const RoundParams&, uint64_t, uint32_t*)>
uint32_t round_run(const sc_run* run) {
  const auto& params = *static_cast<const RoundParams*>(run->params);
  const bool random = params.rounding == Rounding::kStochastic;
  const PhiloxKeys keys(params.seed);
  DrawWalk walk(*run, params.draws);
  const auto* src = static_cast<const unsigned char*>(run->src);
  auto* dst = static_cast<unsigned char*>(run->dst);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[0] * run->n[1]; ++i) {
    const uint64_t bits = random ? random_bits(walk.next(), keys) : 0;
    const R rounded = round(load<T>(src + i * int64_t{sizeof(T)}), params, bits, &errors);
    std::memcpy(dst + i * int64_t{sizeof(R)}, &rounded, sizeof(R));
  }
  return errors;
}

// A multiple of the destination's step at its size: scaled so that the step is 1, an integer.
// Powers of two scale exactly, because the result has as many digits as the destination or fewer
// above the point, and below it no more than the value.
bool inexact(long double value, const ExactParams& params) {
  if (std::isnan(value)) return false;
  if (std::isinf(value)) return params.min_exponent == 0;
  int exponent = 0;  // of a value below 2^exponent
  std::frexp(value, &exponent);
  const int step = std::max(exponent - params.digits, params.min_exponent);
  const long double scaled = std::ldexp(value, -step);
  return scaled != std::trunc(scaled);
}

uint32_t check_exact_long(const sc_run* run) {
  const auto& params = *static_cast<const ExactParams*>(run->params);
  const auto* src = static_cast<const unsigned char*>(run->src);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    const auto value = load<long double>(src + i * int64_t{sizeof(long double)});
    if (inexact(value, params)) errors = SC_ERR_INEXACT;
  }
  return errors;
}

template <typename T, typename R, R (*round)(T, const RoundParams&, uint64_t, uint32_t*)>
constexpr sc_entry round_entry(const char* name, uint32_t traits) {
  constexpr uint32_t kInPlace = sizeof(T) == sizeof(R) ? uint32_t{SC_TRAIT_IN_PLACE} : 0;
  return {round_run<T, R, round>,
          name,
          SC_ACCESS_PACKED,
          SC_ACCESS_PACKED,
          SC_NEEDS_INDEX,
          kInPlace | traits | uint32_t{SC_TRAIT_THREAD_SAFE},
          0};
}

}  // namespace

void FillRoundWide(KernelTable& table) {
  const auto at = [](DType type) { return static_cast<int>(type); };
  table.round_wide[at(DType::kInt64)] = round_entry<int64_t, double, round_value>("round int64", 0);
  table.round_wide[at(DType::kUint64)] =
      round_entry<uint64_t, double, round_value>("round uint64", 0);
  table.round_wide[at(DType::kLongDouble)] =
      round_entry<long double, double, round_value>("round longdouble", SC_TRAIT_MAY_FAIL);
  table.round_integral[2] =
      round_entry<long double, long double, to_integral>("round longdouble to integral", 0);
  table.check_exact[at(DType::kLongDouble)] = {check_exact_long,
                                               "check exact longdouble",
                                               SC_ACCESS_PACKED,
                                               SC_ACCESS_NONE,
                                               0,
                                               SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE,
                                               0};
}

}  // namespace stridecast::kernels
