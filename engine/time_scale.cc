// Units of times as stages, see time_scale.h.
//
//   both of fixed length, or both of the calendar    one multiplication, division, or both
//   calendar -> fixed                                months -> days -> the unit
//   fixed -> calendar                                the unit -> days -> months or years ->
//   multiples
//
// Stages after each other give what one exact step would: floor(floor(x / a) / b) is floor(x / (a *
// b)), and what overflows on the way overflows at the end, as long as the fixed unit is no longer
// than a day. One kernel that takes value by value does the others.

#include "engine/time_scale.h"

#include <algorithm>

#include "dtypes/calendar.h"

namespace stridecast::internal {
namespace {

using kernels::TimeDivisor;
using kernels::TimeScaleParams;

constexpr Int128 kMost = INT64_MAX;
constexpr TimeUnit kDay{TimeBase::kDay, 1}, kMonth{TimeBase::kMonth, 1};

bool fits_int64(Int128 value) { return value <= kMost; }

// The times whose scaled values fit int64 and are not NaT.
void set_limits(TimeScaleParams& params, const TimeRatio& ratio) {
  if (ratio.num <= ratio.den) return;  // all
  // Where values grow, the divisor is small.
  const Int128 hi = ((kMost + 1) * ratio.den - 1) / ratio.num;
  const Int128 lo = -(kMost * ratio.den / ratio.num);
  params.hi = static_cast<int64_t>(std::min(hi, kMost));
  params.lo = static_cast<int64_t>(std::max(lo, -kMost));
}

TimeScaleParams params_of(const ConvertRules& rules) {
  TimeScaleParams params;
  params.rule = time_rule(rules);
  params.exact = rules.same_value;
  return params;
}

void add_ratio(RouteBuilder& b, const TimeRatio& ratio) {
  if (ratio.num == 1 && ratio.den == 1) return;
  TimeScaleParams params = params_of(b.rules());
  set_limits(params, ratio);
  const kernels::KernelTable& table = b.table();
  const bool narrow = fits_int64(ratio.num) && fits_int64(ratio.den);
  const sc_entry* kernel = &table.time_scale_wide;
  if (narrow) params.num = static_cast<int64_t>(ratio.num);
  if (narrow && ratio.den == 1) {
    kernel = &table.time_multiply;
  } else if (narrow) {
    params.den = TimeDivisor::of(static_cast<int64_t>(ratio.den));
    if (ratio.num == 1) {
      kernel = &table.time_divide;
    } else if (fits_int64((ratio.den - 1) * ratio.num)) {
      kernel = &table.time_scale;
    }
  }
  params.wide_num = ratio.num;
  params.wide_den = ratio.den;
  b.add(*kernel, DType::kInt64, params);
}

// No longer than a day, and no fraction of one that days would have to be cut to.
bool divides_days(const TimeUnit& unit) { return time_ratio(kDay, unit).den == 1; }

void add_months_to_days(RouteBuilder& b) {
  TimeScaleParams params = params_of(b.rules());
  params.hi = static_cast<int64_t>(months_from_days<Int128>(kMost));
  params.lo = static_cast<int64_t>(months_from_days<Int128>(-kMost)) + 1;
  b.add(b.table().months_to_days, DType::kInt64, params);
}

void add_calendar(RouteBuilder& b, const TimeUnit& src, const TimeUnit& dst) {
  TimeScaleParams params = params_of(b.rules());
  params.src = src;
  params.dst = dst;
  b.add(b.table().time_calendar, DType::kInt64, params);
}

void route_from_calendar(RouteBuilder& b, const TimeUnit& src, const TimeUnit& dst) {
  if (!divides_days(dst)) return add_calendar(b, src, dst);
  add_ratio(b, time_ratio(src, kMonth));
  add_months_to_days(b);
  add_ratio(b, time_ratio(kDay, dst));
}

void route_to_calendar(RouteBuilder& b, const TimeUnit& src, const TimeUnit& dst) {
  if (!divides_days(src)) return add_calendar(b, src, dst);
  add_ratio(b, time_ratio(src, kDay));
  const bool years = dst.base == TimeBase::kYear;
  b.add(years ? b.table().days_to_years : b.table().days_to_months, DType::kInt64,
        params_of(b.rules()));
  add_ratio(b, {1, dst.multiple});
}

}  // namespace

kernels::TimeRule time_rule(const ConvertRules& rules) noexcept {
  if (rules.same_value) return kernels::TimeRule::kRaise;  // there is no equal beyond the range
  switch (rules.time_overflow) {
    case Overflow::kSaturate:
      return kernels::TimeRule::kSaturate;
    case Overflow::kNat:
      return kernels::TimeRule::kNat;
    default:
      return kernels::TimeRule::kRaise;
  }
}

void route_units(RouteBuilder& b, const TimeUnit& src, const TimeUnit& dst, bool spans) {
  if (src.is_calendar() == dst.is_calendar()) return add_ratio(b, time_ratio(src, dst));
  if (spans) return add_ratio(b, average_ratio(src, dst));
  src.is_calendar() ? route_from_calendar(b, src, dst) : route_to_calendar(b, src, dst);
}

}  // namespace stridecast::internal
