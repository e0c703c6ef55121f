#include "tests/support/values.h"

#include <bit>

#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using reference::is_float;

// All bytes of the small types, where bits count that are no value's.
Bits mask_of(DType type) {
  const int bits = type == DType::kLongDouble ? 80 : reference::size(type) * 8;
  return (Bits{1} << bits) - 1;
}

// Of x87's numbers the integer bit stands between the fields that order them: without it they are
// neighbours where their bits are.
Bits without_integer_bit(Bits bits) { return (bits >> 64) << 63 | (bits & ((Bits{1} << 63) - 1)); }
Bits with_integer_bit(Bits compact) {
  const Bits field = compact >> 63 & 0xFFFF;
  return field << 64 | Bits{(field & 0x7FFF) != 0} << 63 | (compact & ((Bits{1} << 63) - 1));
}

void add_with_neighbours(std::vector<Bits>& out, DType type, Bits bits) {
  if (type == DType::kLongDouble) {
    const Bits compact = without_integer_bit(bits);
    for (Bits v : {compact - 1, compact, compact + 1}) out.push_back(with_integer_bit(v));
    return;
  }
  for (Bits v : {bits - 1, bits, bits + 1}) out.push_back(v & mask_of(type));
}

// Exponents worth trying: a few stand for those beyond the integers and the narrower floats.
std::vector<int> exponents_for(DType type) {
  std::vector<int> out;
  for (int k = -1080; k <= -1060; ++k) out.push_back(k);
  for (int k = -160; k <= 140; ++k) out.push_back(k);
  for (int k = 1020; k <= 1024; ++k) out.push_back(k);
  if (type == DType::kLongDouble) {
    for (int k : {-16446, -16445, -16444, -16383, -16382, -16381, -1085, 1025, 16382, 16383}) {
      out.push_back(k);
    }
  }
  return out;
}

// Zeros, infinities, and NaNs with one payload bit or a full tail.
void add_specials(std::vector<Bits>& out, DType type) {
  bool overflow = false;
  Bits inf = reference::round_to_float(type, false, 1, 20000, &overflow);
  if (type == DType::kLongDouble) inf = without_integer_bit(inf);
  const int fraction_bits = type == DType::kLongDouble ? 63 : std::countr_zero(uint64_t(inf));
  const int sign_bit = type == DType::kLongDouble ? 78 : reference::size(type) * 8 - 1;
  const auto element = [&](Bits code) {
    return type == DType::kLongDouble ? with_integer_bit(code) : code;
  };
  for (int negative = 0; negative < 2; ++negative) {
    const Bits sign = Bits{negative != 0} << sign_bit;
    add_with_neighbours(out, type, element(sign));
    add_with_neighbours(out, type, element(sign | inf));
    for (int k = 0; k < fraction_bits; ++k) {
      out.push_back(element(sign | inf | Bits{1} << k));
      out.push_back(element(sign | inf | ((Bits{1} << fraction_bits) - 1) >> k));
    }
  }
}

// Powers of two, which are the edges of every integer type and of every float's exponent range,
// with their neighbours; the edges of floats too narrow for that; zeros, infinities and NaNs.
std::vector<Bits> corners(DType type) {
  std::vector<Bits> out;
  const int bits = reference::size(type) * 8;
  if (!is_float(type)) {
    for (int k = 0; k < bits; ++k) {
      add_with_neighbours(out, type, uint64_t{1} << k);
      add_with_neighbours(out, type, ~uint64_t{0} << k);
    }
    add_with_neighbours(out, type, 0);
    // Where float16 ends: 65504 is its largest value, 65520 the first that rounds to infinity.
    for (uint64_t v : {65504, 65512, 65519, 65520, 65521}) {
      out.push_back(v & mask_of(type));
      out.push_back((0 - v) & mask_of(type));
    }
    return out;
  }
  bool overflow = false;
  for (int negative = 0; negative < 2; ++negative) {
    for (int k : exponents_for(type)) {
      add_with_neighbours(out, type,
                          reference::round_to_float(type, negative != 0, 1, k, &overflow));
    }
    for (int k : {7, 8, 15, 16, 31, 32, 63, 64}) {  // 2^k - 0.5, 2^k + 0.5, 2^k - 1
      for (uint64_t twice : {(uint64_t{1} << (k - 1)) * 2 - 1, (uint64_t{1} << (k - 1)) + 1}) {
        for (int e : {-1, 0, 1}) {
          add_with_neighbours(out, type,
                              reference::round_to_float(type, negative != 0, twice, e, &overflow));
        }
      }
    }
    for (uint64_t v : {65504, 65512, 65519, 65520, 65521, 65535}) {
      add_with_neighbours(out, type,
                          reference::round_to_float(type, negative != 0, v, 0, &overflow));
    }
    // Where float8_e8m0fnu begins and ends, were ties and limits anywhere else.
    for (int k : {-129, 126}) {
      add_with_neighbours(out, type,
                          reference::round_to_float(type, negative != 0, 3, k, &overflow));
    }
  }
  add_specials(out, type);
  return out;
}

}  // namespace

std::vector<Bits> values_of(DType type, int random_count) {
  std::vector<Bits> out;
  if (reference::size(type) <= 2) {
    for (Bits v = 0; v <= mask_of(type); ++v) out.push_back(v);
    return out;
  }
  out = corners(type);
  Random random(static_cast<uint64_t>(type) + 1);
  for (int i = 0; i < random_count; ++i) {
    Bits bits = random.bits() & mask_of(type);
    if (type == DType::kLongDouble) bits = with_integer_bit(bits << 15 ^ random.bits());
    // Half of them of modest magnitude, or nearly all would be out of range everywhere.
    if (is_float(type) && random.chance(50)) {
      bool overflow = false;
      const int dropped = type == DType::kLongDouble ? 0 : 11;
      bits = reference::round_to_float(type, random.chance(50), random.bits() >> dropped,
                                       static_cast<int>(random.between(-70, 15)), &overflow);
    } else if (!is_float(type) && random.chance(50)) {
      const int shift = static_cast<int>(random.below(reference::size(type) * 8));
      bits = (random.chance(50) ? bits >> shift : 0 - (bits >> shift)) & mask_of(type);
    }
    out.push_back(bits);
  }
  return out;
}

std::vector<Bits> halfway_values(DType from, DType to, int count) {
  std::vector<Bits> out;
  Random random(static_cast<uint64_t>(from) * 100 + static_cast<uint64_t>(to));
  for (int i = 0; i < count; ++i) {
    const reference::Value v = reference::decode(to, random.bits());
    if (v.cls != reference::Value::Class::kFinite) continue;
    const uint64_t odd = v.mantissa * 2 + 1;  // in units of half the last place
    if (is_float(from)) {
      bool overflow = false;
      const Bits bits = reference::round_to_float(from, v.negative, odd, v.exponent - 1, &overflow);
      add_with_neighbours(out, from, bits);
      continue;
    }
    const int room = 64 - std::bit_width(odd);
    if (room < 0) continue;
    const uint64_t whole = odd << random.below(room + 1);
    add_with_neighbours(out, from, random.chance(50) ? whole : 0 - whole);
  }
  return out;
}

// Around the largest and the smallest finite values of the float type `to` and where rounding to it
// leaves them.
static std::vector<Bits> limit_values(DType from, DType to) {
  std::vector<Bits> out;
  const Bits inf = uint64_t{0x7FF} << 52;
  const Bits largest =
      reference::convert(DType::kFloat64, inf, to, reference::Mode::kSaturate).bits;
  for (const Bits edge : {largest, Bits{1}}) {
    const reference::Value v = reference::decode(to, edge);
    bool overflow = false;
    for (int negative = 0; negative < 2; ++negative) {
      // The value, half a step above it, and half of it.
      for (uint64_t halves : {v.mantissa * 2, v.mantissa * 2 + 1, v.mantissa}) {
        add_with_neighbours(
            out, from,
            reference::round_to_float(from, negative != 0, halves, v.exponent - 1, &overflow));
      }
    }
  }
  return out;
}

std::vector<Bits> values_for(DType from, DType to) {
  std::vector<Bits> out = values_of(from);
  // Nothing rounds to a long double.
  if (is_float(to) && to != DType::kLongDouble && reference::size(from) > 2) {
    const std::vector<Bits> halfway = halfway_values(from, to);
    out.insert(out.end(), halfway.begin(), halfway.end());
    if (is_float(from)) {
      const std::vector<Bits> limits = limit_values(from, to);
      out.insert(out.end(), limits.begin(), limits.end());
    }
  }
  return out;
}

}  // namespace stridecast::testing
