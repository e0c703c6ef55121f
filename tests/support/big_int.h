// Integers of any size for oracles: sign and magnitude, schoolbook arithmetic, nothing clever.
#ifndef STRIDECAST_TESTS_SUPPORT_BIG_INT_H_
#define STRIDECAST_TESTS_SUPPORT_BIG_INT_H_

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

namespace stridecast::testing {

class BigInt {
 public:
  __extension__ using Int128 = __int128;

  BigInt(Int128 value = 0) : negative_(value < 0) {  // NOLINT: numbers are numbers
    __extension__ using Uint128 = unsigned __int128;
    auto rest = negative_ ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
    for (; rest != 0; rest >>= 32) digits_.push_back(static_cast<uint32_t>(rest));
  }
  /// 2^exponent.
  static BigInt power_of_two(int exponent) {
    BigInt result;
    result.digits_.resize(static_cast<size_t>(exponent) / 32 + 1);
    result.digits_.back() = uint32_t{1} << exponent % 32;
    return result;
  }

  bool is_zero() const { return digits_.empty(); }
  bool is_odd() const { return !is_zero() && digits_[0] % 2 != 0; }
  BigInt operator-() const {
    BigInt result = *this;
    result.negative_ = !negative_ && !is_zero();
    return result;
  }
  friend BigInt operator+(const BigInt& a, const BigInt& b) {
    if (a.negative_ == b.negative_) return with_sign(added(a.digits_, b.digits_), a.negative_);
    const auto order = compared(a.digits_, b.digits_);
    if (order >= 0) return with_sign(subtracted(a.digits_, b.digits_), a.negative_);
    return with_sign(subtracted(b.digits_, a.digits_), b.negative_);
  }
  friend BigInt operator-(const BigInt& a, const BigInt& b) { return a + -b; }
  friend BigInt operator*(const BigInt& a, const BigInt& b) {
    std::vector<uint32_t> product(a.digits_.size() + b.digits_.size());
    for (size_t i = 0; i < a.digits_.size(); ++i) {
      uint64_t carry = 0;
      for (size_t j = 0; j < b.digits_.size(); ++j) {
        carry += product[i + j] + uint64_t{a.digits_[i]} * b.digits_[j];
        product[i + j] = static_cast<uint32_t>(carry);
        carry >>= 32;
      }
      product[i + b.digits_.size()] += static_cast<uint32_t>(carry);
    }
    return with_sign(std::move(product), a.negative_ != b.negative_);
  }
  friend bool operator==(const BigInt& a, const BigInt& b) {
    return a.negative_ == b.negative_ && a.digits_ == b.digits_;
  }
  friend std::strong_ordering operator<=>(const BigInt& a, const BigInt& b) {
    const BigInt difference = a - b;
    if (difference.is_zero()) return std::strong_ordering::equal;
    return difference.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  }

  /// The largest integer that is not above a / b, of a positive b: bit by bit.
  static BigInt floor_quotient(const BigInt& a, const BigInt& b) {
    if (a.digits_.size() < 4 && b.digits_.size() < 4) {  // the compiler's division, for speed
      const Int128 x = a.value(), y = b.value();
      return x / y - (x % y < 0 ? 1 : 0);
    }
    BigInt quotient, rest;
    quotient.digits_.resize(a.digits_.size());
    for (size_t k = a.digits_.size() * 32; k-- > 0;) {
      rest = rest + rest + BigInt(a.digits_[k / 32] >> k % 32 & 1);
      if (rest < b) continue;
      rest = rest - b;
      quotient.digits_[k / 32] |= uint32_t{1} << k % 32;
    }
    quotient = with_sign(std::move(quotient.digits_), false);
    if (!a.negative_) return quotient;
    return rest.is_zero() ? -quotient : -quotient - BigInt(1);
  }
  /// With a relative error of some 2^-60.
  long double approximate() const {
    long double result = 0;
    for (size_t k = digits_.size(); k-- > 0;) result = result * 0x1p32L + digits_[k];
    return negative_ ? -result : result;
  }
  /// Of a value that fits.
  Int128 value() const {
    Int128 result = 0;
    for (size_t k = digits_.size(); k-- > 0;) result = (result << 32) + digits_[k];
    return negative_ ? -result : result;
  }

 private:
  using Digits = std::vector<uint32_t>;  // least significant first, without zeros on top

  static BigInt with_sign(Digits digits, bool negative) {
    while (!digits.empty() && digits.back() == 0) digits.pop_back();
    BigInt result;
    result.negative_ = negative && !digits.empty();
    result.digits_ = std::move(digits);
    return result;
  }
  static int compared(const Digits& a, const Digits& b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    for (size_t k = a.size(); k-- > 0;) {
      if (a[k] != b[k]) return a[k] < b[k] ? -1 : 1;
    }
    return 0;
  }
  static Digits added(const Digits& a, const Digits& b) {
    Digits sum(std::max(a.size(), b.size()) + 1);
    uint64_t carry = 0;
    for (size_t k = 0; k < sum.size(); ++k) {
      carry += uint64_t{k < a.size() ? a[k] : 0} + (k < b.size() ? b[k] : 0);
      sum[k] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    return sum;
  }
  static Digits subtracted(const Digits& a, const Digits& b) {  // a is not less
    Digits difference = a;
    int64_t borrow = 0;
    for (size_t k = 0; k < a.size(); ++k) {
      borrow += int64_t{a[k]} - (k < b.size() ? b[k] : 0);
      difference[k] = static_cast<uint32_t>(borrow);
      borrow >>= 32;
    }
    return difference;
  }

  bool negative_ = false;
  Digits digits_;
};

/// num / den, of a positive den.
struct BigRatio {
  BigInt num, den;

  static BigRatio of(double finite) {
    int exponent;
    const double fraction = std::frexp(finite, &exponent);
    const BigInt significand(static_cast<int64_t>(std::ldexp(fraction, 53)));
    exponent -= 53;
    if (exponent >= 0) return {significand * BigInt::power_of_two(exponent), 1};
    return {significand, BigInt::power_of_two(-exponent)};
  }
  BigInt floor() const { return BigInt::floor_quotient(num, den); }
  /// The nearest integer, of two the even one.
  BigInt nearest() const {
    const BigInt below = floor();
    const BigInt twice = (num - below * den) * 2;
    const bool up = twice > den || (twice == den && below.is_odd());
    return up ? below + 1 : below;
  }
  friend std::strong_ordering operator<=>(const BigRatio& a, const BigRatio& b) {
    return a.num * b.den <=> b.num * a.den;
  }
  friend bool operator==(const BigRatio& a, const BigRatio& b) {
    return a.num * b.den == b.num * a.den;
  }
};

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_BIG_INT_H_
