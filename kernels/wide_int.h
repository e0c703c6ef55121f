// Integers of 256 bits in two's complement, for the few products and quotients of times that 128
// bits do not hold. Exactness matters here, not speed. What overflows 256 bits is lost.
#ifndef STRIDECAST_KERNELS_WIDE_INT_H_
#define STRIDECAST_KERNELS_WIDE_INT_H_

#include <cstdint>

#include "dtypes/time_unit.h"

namespace stridecast::kernels {

using internal::Int128;
__extension__ using Uint128 = unsigned __int128;

class Wide {
 public:
  constexpr Wide() = default;
  constexpr explicit Wide(Int128 value) {
    limb_[0] = static_cast<uint64_t>(value);
    limb_[1] = static_cast<uint64_t>(value >> 64);
    limb_[2] = limb_[3] = value < 0 ? ~uint64_t{0} : 0;
  }

  constexpr bool is_negative() const { return limb_[3] >> 63 != 0; }
  constexpr bool is_zero() const { return (limb_[0] | limb_[1] | limb_[2] | limb_[3]) == 0; }
  // Whether Int128 holds it, and the low 128 bits.
  constexpr bool is_narrow() const {
    const uint64_t sign = limb_[1] >> 63 != 0 ? ~uint64_t{0} : 0;
    return limb_[2] == sign && limb_[3] == sign;
  }
  constexpr Int128 narrow() const {
    return static_cast<Int128>((static_cast<Uint128>(limb_[1]) << 64) | limb_[0]);
  }

  friend constexpr Wide operator+(const Wide& a, const Wide& b) {
    Wide sum;
    uint64_t carry = 0;
    for (int k = 0; k < 4; ++k) {
      const Uint128 limb = static_cast<Uint128>(a.limb_[k]) + b.limb_[k] + carry;
      sum.limb_[k] = static_cast<uint64_t>(limb);
      carry = static_cast<uint64_t>(limb >> 64);
    }
    return sum;
  }
  friend constexpr Wide operator-(const Wide& a) {
    Wide result;
    for (int k = 0; k < 4; ++k) result.limb_[k] = ~a.limb_[k];
    return result + Wide(1);
  }
  friend constexpr Wide operator-(const Wide& a, const Wide& b) { return a + -b; }
  friend constexpr Wide operator*(const Wide& a, uint64_t b) {
    Wide product;
    uint64_t carry = 0;
    for (int k = 0; k < 4; ++k) {
      const Uint128 limb = static_cast<Uint128>(a.limb_[k]) * b + carry;
      product.limb_[k] = static_cast<uint64_t>(limb);
      carry = static_cast<uint64_t>(limb >> 64);
    }
    return product;
  }
  // By 0 to 255.
  friend constexpr Wide operator<<(const Wide& a, int count) {
    Wide result;
    const int limbs = count / 64, bits = count % 64;
    for (int k = 3; k >= limbs; --k) {
      result.limb_[k] = a.limb_[k - limbs] << bits;
      if (bits > 0 && k > limbs) result.limb_[k] |= a.limb_[k - limbs - 1] >> (64 - bits);
    }
    return result;
  }
  // Of what is not negative.
  friend constexpr Wide operator>>(const Wide& a, int count) {
    Wide result;
    const int limbs = count / 64, bits = count % 64;
    for (int k = 0; k + limbs < 4; ++k) {
      result.limb_[k] = a.limb_[k + limbs] >> bits;
      if (bits > 0 && k + limbs < 3) result.limb_[k] |= a.limb_[k + limbs + 1] << (64 - bits);
    }
    return result;
  }
  friend constexpr bool operator<(const Wide& a, const Wide& b) { return (a - b).is_negative(); }

  // The place of the highest bit that is set, from 1; 0 for zero. Of what is not negative.
  constexpr int width() const {
    for (int k = 3; k >= 0; --k) {
      if (limb_[k] != 0) return 64 * k + 64 - __builtin_clzll(limb_[k]);
    }
    return 0;
  }
  constexpr bool bit(int place) const { return (limb_[place / 64] >> (place % 64) & 1) != 0; }

 private:
  uint64_t limb_[4] = {};  // least significant first
};

// The same questions to both kinds of integers.
constexpr int width_of(const Wide& a) { return a.width(); }
constexpr int width_of(Int128 a) { return Wide(a).width(); }
constexpr bool is_negative(const Wide& a) { return a.is_negative(); }
constexpr bool is_negative(Int128 a) { return a < 0; }
constexpr bool is_zero(const Wide& a) { return a.is_zero(); }
constexpr bool is_zero(Int128 a) { return a == 0; }
constexpr bool is_narrow(const Wide& a) { return a.is_narrow(); }
constexpr bool is_narrow(Int128) { return true; }
constexpr Int128 narrow(const Wide& a) { return a.narrow(); }
constexpr Int128 narrow(Int128 a) { return a; }
constexpr Wide product(const Wide& a, uint64_t b) { return a * b; }
constexpr Int128 product(Int128 a, uint64_t b) { return a * static_cast<Int128>(b); }

template <class I>
struct Divided {
  I quotient, rest;  // floor, and from 0 to the divisor
};
inline Divided<Int128> divide(Int128 a, Int128 b) {
  // Most dividends have 64 bits, for which the CPU has an instruction.
  if (a == static_cast<int64_t>(a) && b <= INT64_MAX) {
    const auto dividend = static_cast<int64_t>(a), divisor = static_cast<int64_t>(b);
    const int64_t q = dividend / divisor, r = dividend % divisor;
    return r < 0 ? Divided<Int128>{Int128{q} - 1, Int128{r} + b} : Divided<Int128>{q, r};
  }
  const Int128 q = a / b, r = a % b;
  return r < 0 ? Divided<Int128>{q - 1, r + b} : Divided<Int128>{q, r};
}
// Bit by bit where Int128 does not hold both; the divisor is positive and below 2^254.
inline Divided<Wide> divide(const Wide& a, const Wide& b) {
  if (a.is_narrow() && b.is_narrow()) {
    const Divided<Int128> narrow = divide(a.narrow(), b.narrow());
    return {Wide(narrow.quotient), Wide(narrow.rest)};
  }
  const Wide magnitude = a.is_negative() ? -a : a;
  Wide q, r;
  for (int k = magnitude.width() - 1; k >= 0; --k) {
    r = (r << 1) + Wide(magnitude.bit(k) ? 1 : 0);
    q = q << 1;
    if (!(r < b)) {
      r = r - b;
      q = q + Wide(1);
    }
  }
  if (!a.is_negative()) return {q, r};
  return r.is_zero() ? Divided<Wide>{-q, r} : Divided<Wide>{-(q + Wide(1)), b - r};
}

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_WIDE_INT_H_
