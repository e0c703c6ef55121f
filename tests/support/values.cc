#include "tests/support/values.h"

#include <bit>

#include "tests/reference/element.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using reference::is_float;

uint64_t mask_of(DType type) {
  const int bits = reference::size(type) * 8;
  return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
}

void add_with_neighbours(std::vector<uint64_t>& out, DType type, uint64_t bits) {
  for (uint64_t v : {bits - 1, bits, bits + 1}) out.push_back(v & mask_of(type));
}

// Powers of two, which are the edges of every integer type and of every float's exponent range,
// with their neighbours; zeros, infinities and NaNs with assorted payloads.
std::vector<uint64_t> corners(DType type) {
  std::vector<uint64_t> out;
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
    for (int k = -1080; k <= 1024; ++k) {
      // Beyond the integers and the ranges of the narrower floats, a few exponents stand for all.
      if (k > 140 && k < 1020) k = 1020;
      if (k < -160 && k > -1060) k = -160;
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
    const uint64_t sign = uint64_t{static_cast<unsigned>(negative)} << (bits - 1);
    const uint64_t inf = reference::round_to_float(type, false, 1, 2000, &overflow);
    const int fraction_bits = std::countr_zero(inf);
    add_with_neighbours(out, type, sign);
    add_with_neighbours(out, type, sign | inf);
    for (int k = 0; k < fraction_bits; ++k) {
      out.push_back(sign | inf | uint64_t{1} << k);                           // one payload bit
      out.push_back(sign | inf | ((uint64_t{1} << fraction_bits) - 1) >> k);  // a full tail
    }
    for (uint64_t v : {65504, 65512, 65519, 65520, 65521, 65535}) {
      add_with_neighbours(out, type,
                          reference::round_to_float(type, negative != 0, v, 0, &overflow));
    }
  }
  return out;
}

}  // namespace

std::vector<uint64_t> values_of(DType type, int random_count) {
  std::vector<uint64_t> out;
  if (reference::size(type) <= 2) {
    for (uint64_t v = 0; v <= mask_of(type); ++v) out.push_back(v);
    return out;
  }
  out = corners(type);
  Random random(static_cast<uint64_t>(type) + 1);
  for (int i = 0; i < random_count; ++i) {
    uint64_t bits = random.bits() & mask_of(type);
    // Half of them of modest magnitude, or nearly all would be out of range everywhere.
    if (is_float(type) && random.chance(50)) {
      bool overflow = false;
      bits = reference::round_to_float(type, random.chance(50), random.bits() >> 11,
                                       static_cast<int>(random.between(-70, 15)), &overflow);
    } else if (!is_float(type) && random.chance(50)) {
      const int shift = static_cast<int>(random.below(reference::size(type) * 8));
      bits = (random.chance(50) ? bits >> shift : 0 - (bits >> shift)) & mask_of(type);
    }
    out.push_back(bits);
  }
  return out;
}

std::vector<uint64_t> halfway_values(DType from, DType to, int count) {
  std::vector<uint64_t> out;
  Random random(static_cast<uint64_t>(from) * 100 + static_cast<uint64_t>(to));
  for (int i = 0; i < count; ++i) {
    const reference::Value v = reference::decode(to, random.bits());
    if (v.cls != reference::Value::Class::kFinite) continue;
    const uint64_t odd = v.mantissa * 2 + 1;  // in units of half the last place
    if (is_float(from)) {
      bool overflow = false;
      const uint64_t bits =
          reference::round_to_float(from, v.negative, odd, v.exponent - 1, &overflow);
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

std::vector<uint64_t> values_for(DType from, DType to) {
  std::vector<uint64_t> out = values_of(from);
  if (is_float(to) && reference::size(from) > 2) {
    const std::vector<uint64_t> halfway = halfway_values(from, to);
    out.insert(out.end(), halfway.begin(), halfway.end());
  }
  return out;
}

}  // namespace stridecast::testing
