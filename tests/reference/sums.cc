#include "tests/reference/sums.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/reference/reduce.h"

namespace stridecast::reference {
namespace {

// An integer in two's complement, in units of 2^-1074: every float64 is one, and so are sums of
// 2^60 of them.
class FixedPoint {
 public:
  // Adds mantissa * 2^exponent, or takes it away.
  void add(bool negative, uint64_t mantissa, int exponent) {
    // A small float32 is given with zeros below the unit.
    for (; exponent < kUnitExponent && mantissa != 0; ++exponent) mantissa >>= 1;
    if (mantissa == 0) return;
    const auto place = static_cast<size_t>(exponent - kUnitExponent);
    const Bits wide = Bits{mantissa} << place % 64;
    Bits carry = 0;
    for (size_t i = place / 64; i < words_.size(); ++i) {
      const size_t part = i - place / 64;
      const uint64_t term = part < 2 ? static_cast<uint64_t>(wide >> (64 * part)) : 0;
      const Bits sum = negative ? Bits{words_[i]} - term - carry : Bits{words_[i]} + term + carry;
      words_[i] = static_cast<uint64_t>(sum);
      carry = (sum >> 64) != 0 ? 1 : 0;
      if (part >= 1 && carry == 0) break;
    }
  }

  bool is_zero() const {
    for (const uint64_t word : words_) {
      if (word != 0) return false;
    }
    return true;
  }

  // Not of zero.
  Bits round(DType to) const {
    const bool negative = words_.back() >> 63 != 0;
    std::array<uint64_t, kWords> size = words_;
    Bits carry = 1;
    for (uint64_t& word : size) {
      if (!negative) break;
      carry += static_cast<uint64_t>(~word);
      word = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    // Bit by bit from the top: 64 that count, and whether there are more.
    int top = static_cast<int>(kWords * 64) - 1;
    const auto bit = [&](int at) {
      return at < 0 ? 0 : size[static_cast<size_t>(at / 64)] >> (at % 64) & 1;
    };
    while (bit(top) == 0) --top;
    uint64_t mantissa = 0;
    for (int i = 0; i < 64; ++i) mantissa = mantissa << 1 | bit(top - i);
    for (int at = top - 64; at >= 0; --at) mantissa |= bit(at);
    bool overflow;
    return round_to_float(to, negative, mantissa, top - 63 + kUnitExponent, &overflow);
  }

 private:
  static constexpr int kUnitExponent = -1074;
  static constexpr size_t kWords = 36;
  std::array<uint64_t, kWords> words_ = {};
};

uint64_t quiet_nan(DType type) { return type == DType::kFloat64 ? 0x7ff8000000000000 : 0x7fc00000; }

uint64_t infinity(DType type, bool negative) {
  return type == DType::kFloat64 ? (negative ? 0xfff0000000000000 : 0x7ff0000000000000)
                                 : (negative ? 0xff800000 : 0x7f800000);
}

uint64_t minus_zero(DType type) {
  return type == DType::kFloat64 ? uint64_t{1} << 63 : uint64_t{1} << 31;
}

template <typename T>
struct Compensated {
  T sum = T(-0.0), rest = 0;

  // Neumaier's own form: what was rounded off is found from the larger one.
  void add(T x) {
    const T total = sum + x;
    rest += std::abs(sum) >= std::abs(x) ? (sum - total) + x : (x - total) + sum;
    sum = total;
  }
  void join(const Compensated& later) {
    rest += later.rest;
    add(later.sum);
  }
  T value() const {
    const T total = rest == 0 || !std::isfinite(rest) ? sum : sum + rest;
    return std::isnan(total) ? std::numeric_limits<T>::quiet_NaN() : total;
  }
};

template <typename T>
Compensated<T> sum_of_leaf(std::span<const T> x) {
  std::array<Compensated<T>, 8> s;
  for (size_t i = 0; i < x.size(); ++i) s[i % 8].add(x[i]);
  for (size_t apart = 1; apart < 8; apart *= 2) {
    for (size_t i = 0; i < 8; i += 2 * apart) s[i].join(s[i + apart]);
  }
  return s[0];
}

template <typename T>
T sum_with_rests(std::span<const T> x) {
  constexpr size_t kLeaf = 128;
  if (x.empty()) return 0;
  std::vector<Compensated<T>> pending;
  size_t leaf = 0;
  for (; (leaf + 1) * kLeaf <= x.size(); ++leaf) {
    Compensated<T> joined = sum_of_leaf(x.subspan(leaf * kLeaf, kLeaf));
    for (size_t carry = leaf; (carry & 1) != 0; carry >>= 1) {
      Compensated<T> older = pending.back();
      pending.pop_back();
      older.join(joined);
      joined = older;
    }
    pending.push_back(joined);
  }
  if (leaf * kLeaf < x.size()) pending.push_back(sum_of_leaf(x.subspan(leaf * kLeaf)));
  while (pending.size() > 1) {
    const Compensated<T> newest = pending.back();
    pending.pop_back();
    pending.back().join(newest);
  }
  return pending.back().value();
}

template <typename T, typename Code>
uint64_t compensated_as(DType type, std::span<const uint64_t> elements) {
  std::vector<T> x;
  for (const uint64_t bits : elements) {
    const Converted wide = convert(type, bits, accumulator(type), Mode::kWrap);
    x.push_back(std::bit_cast<T>(static_cast<Code>(wide.bits)));
  }
  return std::bit_cast<Code>(sum_with_rests(std::span<const T>(x)));
}

}  // namespace

uint64_t exact_sum(DType type, std::span<const uint64_t> elements) {
  const DType result = accumulator(type);
  FixedPoint total;
  bool infinite[2] = {}, nan = false, only_minus_zeros = !elements.empty();
  for (const uint64_t bits : elements) {
    const Value value = decode(type, bits);
    nan |= value.cls == Value::Class::kNan;
    infinite[value.negative] |= value.cls == Value::Class::kInf;
    if (value.cls != Value::Class::kFinite) continue;
    total.add(value.negative, value.mantissa, value.exponent);
    only_minus_zeros &= value.negative && value.mantissa == 0;
  }
  if (nan || (infinite[0] && infinite[1])) return quiet_nan(result);
  if (infinite[0] || infinite[1]) return infinity(result, infinite[1]);
  if (total.is_zero()) return only_minus_zeros ? minus_zero(result) : 0;
  return static_cast<uint64_t>(total.round(result));
}

uint64_t compensated_sum(DType type, std::span<const uint64_t> elements) {
  if (accumulator(type) == DType::kFloat64) {
    return compensated_as<double, uint64_t>(type, elements);
  }
  return compensated_as<float, uint32_t>(type, elements);
}

}  // namespace stridecast::reference
