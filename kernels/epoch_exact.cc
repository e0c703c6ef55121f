// Exact arithmetic of times since an epoch, see epoch_exact.h, and what vectors may take of it.
//
// All is written over an integer type I: Int128 where it holds everything, else Wide.

#include "kernels/epoch_exact.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "dtypes/calendar.h"
#include "kernels/wide_int.h"

namespace stridecast::kernels {
namespace {

constexpr int64_t kNat = INT64_MIN;
constexpr Int128 kOne = 1;

// --- results -------------------------------------------------------------------------------------

int64_t low_bits(Int128 value) { return static_cast<int64_t>(static_cast<uint64_t>(value)); }

// A result beyond `lo` or `hi`.
int64_t beyond(const EpochParams& params, bool below, uint32_t* errors) {
  switch (params.rule) {
    case TimeRule::kNat:
      return kNat;
    case TimeRule::kSaturate:
      return low_bits(below ? params.lo : params.hi);
    case TimeRule::kRaise:
      break;
  }
  *errors |= SC_ERR_OVERFLOW;
  return kNat;
}

template <class I>
int64_t limited(const EpochParams& params, const I& result, uint32_t* errors) {
  if (!is_narrow(result)) return beyond(params, is_negative(result), errors);
  const Int128 value = narrow(result);
  if (value < params.lo || value > params.hi) return beyond(params, value < params.lo, errors);
  return low_bits(value);
}

bool is_absent(const EpochParams& params, int64_t bits) {
  return std::find(params.absent, params.absent + params.num_absent, bits) !=
         params.absent + params.num_absent;
}

// x * mul + add.
template <class I>
I numerator(const EpochParams& params, Int128 x) {
  const I magnitude = product(I(params.mul), static_cast<uint64_t>(x < 0 ? -x : x));
  return x < 0 ? I(params.add) - magnitude : I(params.add) + magnitude;
}

// --- integers ------------------------------------------------------------------------------------

template <class I>
int64_t floor_of_int(const EpochParams& params, Int128 count, uint32_t* errors) {
  return limited(params, divide(numerator<I>(params, count), I(params.den)).quotient, errors);
}

// The nearest integer, ties to even, of what is left in [0, den) above a quotient.
template <class I>
bool rounds_up(const Divided<I>& parts, const I& den) {
  const I twice = parts.rest + parts.rest;
  if (twice < den) return false;
  return den < twice || (narrow(parts.quotient) & 1) != 0;
}

template <class I>
int64_t nearest_of_time(const EpochParams& params, int64_t time, uint32_t* errors) {
  const I den = I(params.den);
  const Divided<I> parts = divide(numerator<I>(params, time), den);
  if (params.exact && !is_zero(parts.rest)) *errors |= SC_ERR_INEXACT;
  return limited(params, rounds_up(parts, den) ? parts.quotient + I(kOne) : parts.quotient, errors);
}

// --- floats --------------------------------------------------------------------------------------

// A finite double that is not 0, as an integer times a power of two.
struct Parts {
  uint64_t significand;
  int exponent;
  bool negative;
};
Parts parts_of(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const auto biased = static_cast<int>(bits >> 52 & 0x7FF);
  const uint64_t fraction = bits & ((uint64_t{1} << 52) - 1);
  return {biased == 0 ? fraction : fraction | uint64_t{1} << 52, (biased == 0 ? 1 : biased) - 1075,
          bits >> 63 != 0};
}

// The nearest integer to (x * mul + add) / den, by twice the numerator: its integral part, and
// whether there is anything below it.
template <class I>
int64_t nearest_of_float(const EpochParams& params, const Parts& x, uint32_t* errors) {
  I twice = product(I(params.mul), x.significand);
  bool more = false;
  const int shift = x.exponent + 1;
  if (shift >= 0) {
    twice = twice << shift;
  } else if (-shift >= width_of(twice)) {
    more = !is_zero(twice);
    twice = I(Int128{0});
  } else {
    const I kept = twice >> -shift;
    more = !is_zero(twice - (kept << -shift));
    twice = kept;
  }
  if (x.negative) twice = (more ? I(Int128{-1}) : I(Int128{0})) - twice;  // floor
  const I den = I(params.den);
  const Divided<I> parts = divide(twice + I(params.add) + I(params.add), den + den);
  const bool below = parts.rest < den;
  const bool tie = !below && !more && is_zero(parts.rest - den);
  const bool up = tie ? (narrow(parts.quotient) & 1) != 0 : !below;
  return limited(params, up ? parts.quotient + I(kOne) : parts.quotient, errors);
}

// |magnitude| / den, which is not 0, rounded to 53 bits: to nearest even, or to odd.
double rounded_quotient(const EpochParams& params, const Wide& magnitude, uint32_t* errors) {
  // So that the quotient has 56 or 57 bits, and what is left says whether there are more.
  const int shift = 56 + width_of(params.den) - magnitude.width();
  const Wide dividend = shift > 0 ? magnitude << shift : magnitude;
  const Wide divisor = shift < 0 ? Wide(params.den) << -shift : Wide(params.den);
  const Divided<Wide> parts = divide(dividend, divisor);
  auto q = static_cast<uint64_t>(parts.quotient.narrow());
  if (!parts.rest.is_zero()) q |= 1;
  const int dropped = 64 - __builtin_clzll(q) - 53;
  const bool inexact = (q & ((uint64_t{1} << dropped) - 1)) != 0;
  if (params.exact && inexact) *errors |= SC_ERR_INEXACT;
  if (params.odd) q = (q >> dropped | (inexact ? 1 : 0)) << dropped;
  return std::ldexp(static_cast<double>(q), -shift);
}

// --- what vectors take ---------------------------------------------------------------------------

Int128 common_divisor(Int128 a, Int128 b) {
  while (b != 0) {
    const Int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// The integers x from `least` on whose x * mul + add lies in [lo, hi].
void set_interval(EpochParams& params, Int128 least, Int128 add, Int128 lo, Int128 hi) {
  using internal::floor_div;
  const Int128 first = std::max(-floor_div(add - lo, params.mul), least);
  const Int128 last = std::min(floor_div(hi - add, params.mul), Int128{INT64_MAX});
  if (first > last) return;
  params.first = static_cast<int64_t>(first);
  params.last = static_cast<int64_t>(last);
}

// Results are (x * mul + add) / den, rounded down or to nearest.
void set_integers(EpochParams& params, Int128 least) {
  params.base = low_bits(params.add);
  params.rest = 0;
  if (params.den == 1) return set_interval(params, least, params.add, params.lo, params.hi);
  if (params.den >= kOne << 60) return;
  const Int128 base = internal::floor_div(params.add + params.den, 2 * params.den) * 2;
  const Int128 rest = params.add - base * params.den;
  params.base = low_bits(base);
  params.rest = low_bits(rest);
  // Quotients that float64 finds, and dividends of 64 bits.
  const Int128 most = params.den < kSmallDivisor ? Int128{INT64_MAX}
                                                 : std::min(Int128{INT64_MAX}, params.den << 50);
  const auto dividend = [&](Int128 result) {
    constexpr Int128 kFar = kOne << 64;  // keeps the product small
    return std::clamp(result - base, -kFar, kFar) * params.den;
  };
  set_interval(params, least, rest, std::max(dividend(params.lo), -most),
               std::min(dividend(params.hi), most));
}

bool is_float64(Int128 value) { return static_cast<Int128>(static_cast<double>(value)) == value; }

// Quotients as float64, of a dividend in two parts.
void set_quotients(EpochParams& params) {
  constexpr Int128 kMost = kOne << 80;
  if (!is_float64(params.den) || params.add > kMost || params.add < -kMost) return;
  const Int128 high = internal::floor_div(params.add, kOne << 32);
  params.add_high = static_cast<double>(high) * 0x1p32;
  params.add_low = static_cast<double>(params.add - (high << 32));
  set_interval(params, -INT64_MAX, 0, -INT64_MAX, INT64_MAX);
}

// From float64. A product and its rounding error are no further apart than the margin.
void set_products(EpochParams& params) {
  if (params.den != 1 || !is_float64(params.mul)) return;
  constexpr Int128 kMost = kOne << 80, kMargin = kOne << 30;
  const Int128 first = std::max(params.lo - params.add + kMargin, -kMost);
  const Int128 last = std::min(params.hi - params.add - kMargin, kMost);
  if (first > last) return;
  params.float_first = static_cast<double>(first);
  params.float_last = static_cast<double>(last);
}

}  // namespace

void prepare_epoch(EpochParams& params, bool to_time, bool floats) noexcept {
  const Int128 magnitude = params.add < 0 ? -params.add : params.add;
  const Int128 divisor = common_divisor(common_divisor(params.mul, params.den), magnitude);
  params.mul /= divisor;
  params.add /= divisor;
  params.den /= divisor;
  params.fits_128 = width_of(params.mul) <= 60 && width_of(magnitude / divisor) <= 124;
  params.first = 1;
  params.last = 0;
  params.float_first = 1;
  params.float_last = 0;
  if (!floats) {
    const Int128 least = !to_time ? -INT64_MAX : params.is_unsigned ? 0 : INT64_MIN;
    set_integers(params, least);
  } else if (to_time) {
    set_products(params);
  } else {
    set_quotients(params);
  }
}

int64_t epoch_time_of_int(const EpochParams& params, int64_t count, uint32_t* errors) noexcept {
  if (is_absent(params, count)) return kNat;
  const Int128 x = params.is_unsigned ? Int128{static_cast<uint64_t>(count)} : Int128{count};
  return params.fits_128 ? floor_of_int<Int128>(params, x, errors)
                         : floor_of_int<Wide>(params, x, errors);
}

int64_t epoch_time_of_float(const EpochParams& params, double count, uint32_t* errors) noexcept {
  if (is_absent(params, std::bit_cast<int64_t>(count))) return kNat;
  if (std::isnan(count)) {
    if (params.nan_raises) *errors |= SC_ERR_NAN;
    return kNat;
  }
  const Parts x = parts_of(count);
  const int width = width_of(params.mul) + 53 + std::max(x.exponent + 1, 0);
  // Results below 2^65 come of products below 2^178.
  if (std::isinf(count) || (width > 240 && x.significand != 0)) {
    return beyond(params, x.negative, errors);
  }
  const bool fits = width <= 124 && width_of(params.den) <= 124 && params.fits_128;
  return fits ? nearest_of_float<Int128>(params, x, errors)
              : nearest_of_float<Wide>(params, x, errors);
}

int64_t epoch_int_of_time(const EpochParams& params, int64_t time, uint32_t* errors) noexcept {
  if (time == kNat) {
    if (!params.has_missing) *errors |= SC_ERR_NAN;
    return params.has_missing ? params.missing : 0;
  }
  uint32_t found = 0;
  const int64_t count = params.fits_128 ? nearest_of_time<Int128>(params, time, &found)
                                        : nearest_of_time<Wide>(params, time, &found);
  if (params.has_missing && count == params.missing && params.rule == TimeRule::kRaise) {
    found |= SC_ERR_OVERFLOW;
  }
  *errors |= found;
  return count;
}

double epoch_float_of_time(const EpochParams& params, int64_t time, uint32_t* errors) noexcept {
  if (time == kNat) return std::numeric_limits<double>::quiet_NaN();
  const Wide n = numerator<Wide>(params, time);
  if (n.is_zero()) return 0.0;
  const double magnitude = rounded_quotient(params, n.is_negative() ? -n : n, errors);
  return n.is_negative() ? -magnitude : magnitude;
}

}  // namespace stridecast::kernels
