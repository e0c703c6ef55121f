#include "tests/reference/rounding.h"

#include <bit>
#include <stdexcept>

namespace stridecast::reference {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr uint64_t kLargestFloat64 = 0x7FEFFFFFFFFFFFFF;
constexpr uint64_t kSign64 = uint64_t{1} << 63;

const FloatShape& shape_of(DType type) {
  for (const FloatShape& shape : kFloatShapes) {
    if (shape.type == type) return shape;
  }
  throw std::logic_error("no float that float64 rounds to");
}

// The exponent of the leading bit; of a value that is not zero.
int top(const Value& value) {
  return static_cast<int>(std::bit_width(value.mantissa)) - 1 + value.exponent;
}

bool is_less(const Value& a, const Value& b) {
  if (a.mantissa == 0 || b.mantissa == 0) return a.mantissa == 0 && b.mantissa != 0;
  if (top(a) != top(b)) return top(a) < top(b);
  return a.mantissa << std::countl_zero(a.mantissa) < b.mantissa << std::countl_zero(b.mantissa);
}

// Whether what is beyond the largest finite value stays there.
bool stays_finite(Rounding rounding, bool negative) {
  switch (rounding) {
    case Rounding::kTowardsZero:
      return true;
    case Rounding::kTowardsPositive:
      return negative;
    case Rounding::kTowardsNegative:
      return !negative;
    default:
      return false;
  }
}

uint64_t exact_float64(const Value& value) {
  bool overflow = false;
  return static_cast<uint64_t>(
      round_to_float(DType::kFloat64, value.negative, value.mantissa, value.exponent, &overflow));
}

}  // namespace

const char* rounding_name(Rounding rounding) {
  switch (rounding) {
    case Rounding::kDefault:
      return "default";
    case Rounding::kNearestEven:
      return "nearest_even";
    case Rounding::kTowardsZero:
      return "towards_zero";
    case Rounding::kTowardsPositive:
      return "towards_positive";
    case Rounding::kTowardsNegative:
      return "towards_negative";
    case Rounding::kNearestAway:
      return "nearest_away";
    case Rounding::kStochastic:
      return "stochastic";
  }
  return "?";
}

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t left = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t right = uint64_t{0xCD9E8D57u} * counter[2];
    const auto high = [](uint64_t product) { return static_cast<uint32_t>(product >> 32); };
    const uint32_t first = high(right) ^ counter[1] ^ key[0];
    const uint32_t third = high(left) ^ counter[3] ^ key[1];
    counter = {first, static_cast<uint32_t>(right), third, static_cast<uint32_t>(left)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

uint64_t random_bits(uint64_t seed, uint64_t item, uint64_t leaf) {
  const auto low = [](uint64_t word) { return static_cast<uint32_t>(word); };
  const auto high = [](uint64_t word) { return static_cast<uint32_t>(word >> 32); };
  const std::array<uint32_t, 4> words =
      philox4x32_10({low(item), high(item), low(leaf), high(leaf)}, {low(seed), high(seed)});
  return (uint64_t{words[1]} << 32 | words[0]) / 2;
}

uint64_t round_magnitude(const Value& value, int quantum, Rounding rounding, uint64_t random) {
  const int dropped = quantum - value.exponent;
  if (value.mantissa == 0) return 0;
  if (dropped <= 0) return value.mantissa << -dropped;
  // With more than 100 dropped bits the value is below 2^-36 of the quantum: no nearer to its half
  // than to nothing. For random numbers it matters how much less.
  const int near = dropped < 100 ? dropped : 100;
  const Uint128 kept = static_cast<Uint128>(value.mantissa) >> near;
  const Uint128 rest = static_cast<Uint128>(value.mantissa) - (kept << near);
  const Uint128 half = Uint128{1} << (near - 1);
  bool up = false;
  switch (rounding) {
    case Rounding::kDefault:
    case Rounding::kNearestEven:
      up = rest > half || (rest == half && (kept & 1) != 0);
      break;
    case Rounding::kNearestAway:
      up = rest >= half;
      break;
    case Rounding::kTowardsZero:
      break;
    case Rounding::kTowardsPositive:
      up = rest != 0 && !value.negative;
      break;
    case Rounding::kTowardsNegative:
      up = rest != 0 && value.negative;
      break;
    case Rounding::kStochastic: {
      // floor(fraction * 2^63)
      const Uint128 scaled = dropped < 128 ? (rest << 63) >> dropped : Uint128{0};
      up = scaled + random >= (Uint128{1} << 63);
      break;
    }
  }
  return static_cast<uint64_t>(kept) + (up ? 1 : 0);
}

Bits round_to_integral(DType type, Bits bits, Rounding rounding, uint64_t random) {
  const Value value = decode(type, bits);
  const int quiet = type == DType::kFloat32 ? 22 : type == DType::kFloat64 ? 51 : 62;
  if (value.cls == Value::Class::kNan) return bits | Bits{1} << quiet;
  if (value.cls == Value::Class::kInf || value.exponent >= 0) return bits;
  bool overflow = false;
  return round_to_float(type, value.negative, round_magnitude(value, 0, rounding, random), 0,
                        &overflow);
}

Converted round_float64(uint64_t bits, DType to, Mode mode, Rounding rounding, uint64_t random) {
  const FloatShape& shape = shape_of(to);
  const Value value = decode(DType::kFloat64, bits);
  const bool is_unsigned = to == DType::kFloat8E8M0FNU;
  // What is not rounded is the conversion's business: no numbers, zeros, what has no sign.
  if (value.cls != Value::Class::kFinite || value.mantissa == 0 ||
      (is_unsigned && (value.negative || top(value) < shape.least))) {
    return convert(DType::kFloat64, bits, to, mode);
  }
  const int wanted = top(value) - shape.digits + 1;
  Value rounded = value;
  rounded.exponent = wanted > shape.least ? wanted : shape.least;
  rounded.mantissa = round_magnitude(value, rounded.exponent, rounding, random);
  const Converted most = convert(DType::kFloat64, kLargestFloat64 | (value.negative ? kSign64 : 0),
                                 to, Mode::kSaturate);
  if (!is_less(decode(to, most.bits), rounded)) {
    return convert(DType::kFloat64, exact_float64(rounded), to, mode);
  }
  Converted beyond =
      convert(DType::kFloat64, kLargestFloat64 | (value.negative ? kSign64 : 0), to, mode);
  if (stays_finite(rounding, value.negative)) beyond.bits = most.bits;
  return beyond;
}

uint64_t round_to_float64(const Value& value, Rounding rounding, uint64_t random, bool* overflow) {
  constexpr int kDigits = 53, kLeast = -1074;
  Value rounded = value;
  *overflow = false;
  if (value.mantissa != 0) {
    const int wanted = top(value) - kDigits + 1;
    rounded.exponent = wanted > kLeast ? wanted : kLeast;
    rounded.mantissa = round_magnitude(value, rounded.exponent, rounding, random);
  }
  const uint64_t bits = static_cast<uint64_t>(round_to_float(
      DType::kFloat64, rounded.negative, rounded.mantissa, rounded.exponent, overflow));
  const bool clamps = *overflow && stays_finite(rounding, value.negative);
  return clamps ? kLargestFloat64 | (value.negative ? kSign64 : 0) : bits;
}

bool is_exact(const Value& value, int digits, int min_step_exponent) {
  if (value.mantissa == 0) return true;
  const int lowest = std::countr_zero(value.mantissa) + value.exponent;
  return lowest >= min_step_exponent && top(value) - lowest < digits;
}

}  // namespace stridecast::reference
