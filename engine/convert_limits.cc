// Limits of pairs and formats of floats, see convert_limits.h. Computed once a plan.

#include "engine/convert_limits.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dtypes/cast_rules.h"
#include "dtypes/narrow_types.h"

namespace stridecast::internal {
namespace {

using kernels::LimitParams;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_float(DType type) { return range_facts(type).is_float; }

// The neighbour of `value` towards `to` among the values of float32, float64 or long double.
long double next_value(DType type, long double value, long double to) {
  if (type == DType::kFloat32) {
    return std::nextafter(static_cast<float>(value), static_cast<float>(to));
  }
  if (type == DType::kFloat64) {
    return std::nextafter(static_cast<double>(value), static_cast<double>(to));
  }
  return std::nextafter(value, to);
}

// The interval for the kernel of any float type.
LimitParams interval(long double lo, long double hi) {
  LimitParams limits;
  limits.lo = static_cast<double>(lo);
  limits.hi = static_cast<double>(hi);
  limits.lo_long = lo;
  limits.hi_long = hi;
  return limits;
}

// Floats whose truncation fits the integer type: the open interval (min - 1, max + 1).
LimitParams float_to_int(DType src, DType dst) {
  const RangeFacts &from = range_facts(src), &to = range_facts(dst);
  const long double above = std::ldexp(1.0L, to.digits);
  const long double hi = next_value(src, above, 0);
  if (to.int_min == 0) return interval(next_value(src, -1, 0), hi);
  // One below the least integer may be no value of the source, which then is the limit itself.
  const auto least = static_cast<long double>(to.int_min);
  const bool below_exists = to.digits < from.digits;
  return interval(below_exists ? next_value(src, least - 1, 0) : least, hi);
}

// Finite values that stay finite after rounding.
LimitParams float_to_float(DType src, DType dst) {
  const RangeFacts& to = range_facts(dst);
  const long double at = std::isinf(to.overflow_at)
                             ? std::ldexp(2.0L - std::ldexp(1.0L, -to.digits), to.max_exponent - 1)
                             : static_cast<long double>(to.overflow_at);
  const long double hi = to.overflow_stays ? at : next_value(src, at, 0);
  LimitParams limits = interval(to.positive ? std::ldexp(1.0L, to.min_exponent) : -hi, hi);
  limits.infinity_ok = to.has_infinity;
  limits.nan_ok = to.has_nan;
  return limits;
}

LimitParams int_to_int(DType src, DType dst) {
  const RangeFacts &from = range_facts(src), &to = range_facts(dst);
  LimitParams limits;
  limits.lo_int = std::max(from.int_min, to.int_min);
  limits.hi_int = static_cast<int64_t>(std::min(from.int_max, to.int_max));
  return limits;
}

// Integers up to `bound` in magnitude, from 1 on where the float has no zero.
LimitParams int_range(DType src, double bound, bool positive) {
  const RangeFacts& from = range_facts(src);
  const bool all = bound >= 0x1p64;
  const auto magnitude = all ? UINT64_MAX : static_cast<uint64_t>(bound);
  const int64_t lo = magnitude > INT64_MAX ? INT64_MIN : -static_cast<int64_t>(magnitude);
  LimitParams limits;
  limits.lo_int = positive ? 1 : std::max(from.int_min, lo);
  limits.hi_int = static_cast<int64_t>(std::min(from.int_max, magnitude));
  return limits;
}

LimitParams int_to_float(DType src, DType dst) {
  const RangeFacts& to = range_facts(dst);
  const double hi = std::floor(to.overflow_at);
  const bool stays = hi < to.overflow_at || to.overflow_stays;
  return int_range(src, stays ? hi : hi - 1, to.positive);
}

}  // namespace

LimitParams limits_of(DType src, DType dst) noexcept {
  if (is_float(src)) return is_float(dst) ? float_to_float(src, dst) : float_to_int(src, dst);
  return is_float(dst) ? int_to_float(src, dst) : int_to_int(src, dst);
}

LimitParams clamp_limits(DType src, DType dst) noexcept {
  const RangeFacts& to = range_facts(dst);
  if (!to.is_float) return int_to_int(src, dst);
  if (!is_float(src)) return int_range(src, to.float_max, false);
  return interval(to.positive ? std::ldexp(1.0L, to.min_exponent) : -to.float_max, to.float_max);
}

LimitParams all_but_nan() noexcept { return interval(-kInfinity, kInfinity); }

kernels::NarrowFloatParams narrow_float_params(DType dst, bool saturate) noexcept {
  const NarrowFloat& f = narrow_float(dst);
  kernels::NarrowFloatParams params;
  params.dropped_bits = 23u - f.fraction_bits;
  params.rebias = (127u - f.bias) << f.fraction_bits;
  params.overflow = saturate ? f.max_finite : f.overflow;
  params.nan = f.nan;
  params.sign_bits = 32u - f.bits;
  params.unsigned_zero = f.unsigned_zero;
  return params;
}

kernels::RoundParams float_format(DType dst) noexcept {
  const RangeFacts& to = range_facts(dst);
  kernels::RoundParams params;
  params.digits = to.digits;
  params.min_exponent = to.min_exponent + to.digits - 1;
  params.has_infinity = to.has_infinity;
  params.has_nan = to.has_nan;
  if (is_narrow(dst)) {
    const NarrowFloat& f = narrow_float(dst);
    params.max_finite = f.max_finite;
    params.overflow = params.infinity = f.overflow;
    params.nan = f.nan;
    params.sign_bit = f.is_signed ? f.bits - 1 : -1;
    params.nan_keeps_sign = f.has_nan && !f.unsigned_zero;
    params.unsigned_zero = f.unsigned_zero;
    return params;
  }
  params.sign_bit = 8 * type_facts(dst).size - 1;
  const uint32_t quiet = 1u << (to.digits - 2);
  params.infinity = params.overflow = (1u << params.sign_bit) - (1u << (to.digits - 1));
  params.max_finite = params.infinity - 1;
  params.nan = params.infinity | quiet;
  params.keeps_payload = dst != DType::kBFloat16;
  return params;
}

kernels::ExactParams exact_params(DType dst) noexcept {
  const RangeFacts& to = range_facts(dst);
  if (!to.is_float) return {64, 0};
  return {to.digits, to.min_exponent};
}

}  // namespace stridecast::internal
