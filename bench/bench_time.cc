// Kernels of times: units, years and months, floats, calendar fields and counts since an epoch;
// beside them the loops that one would write by hand.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "bench/bench_support.h"
#include "kernels/time_fields.h"
#include "kernels/time_params.h"

namespace stridecast::bench {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

kernels::TimeScaleParams multiply(int64_t num) {
  kernels::TimeScaleParams params;
  params.num = num;
  params.hi = INT64_MAX / num;
  params.lo = -params.hi;
  return params;
}

kernels::TimeScaleParams divide(int64_t den) {
  kernels::TimeScaleParams params;
  params.den = kernels::TimeDivisor::of(den);
  return params;
}

kernels::TimeFieldsParams fields_of_seconds() {
  kernels::TimeFieldsParams params;
  constexpr TimeField kFields[] = {TimeField::kYear, TimeField::kMonth,   TimeField::kDay,
                                   TimeField::kHour, TimeField::kWeekday, TimeField::kDayOfYear};
  std::copy(std::begin(kFields), std::end(kFields), params.fields);
  params.split = kernels::TimeDivisor::of(86400);
  return params;
}

// Times that follow each other, `step` apart.
const void* times(int64_t step) {
  static std::deque<std::vector<int64_t>> kept;
  std::vector<int64_t>& made = kept.emplace_back(kSmall);
  for (int64_t i = 0; i < kSmall; ++i) made[static_cast<size_t>(i)] = (i - kSmall / 4) * step;
  return made.data();
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  static const kernels::TimeScaleParams finer = multiply(kSecond), coarser = divide(kSecond);
  static const kernels::TimeScaleParams small = divide(1000), none;
  static const kernels::TimeFieldsParams fields = fields_of_seconds();
  add_kernel("time_multiply/kernel/s-ns", table.time_multiply, 8, 8, &finer, times(500'000));
  add_kernel("time_divide/kernel/ns-s", table.time_divide, 8, 8, &coarser,
             times(500'000 * kSecond));
  add_kernel("time_divide/kernel/ms-s", table.time_divide, 8, 8, &small);
  add_kernel("days_to_months/kernel", table.days_to_months, 8, 8, &none, times(6));
  add_kernel("days_to_years/kernel", table.days_to_years, 8, 8, &none, times(6));
  add_kernel("months_to_days/kernel", table.months_to_days, 8, 8, &none, times(1));
  add_kernel("time_to_float/kernel/float64", table.time_to_float[1], 8, 8, &none);
  add_kernel("float_to_time/kernel", table.float_to_time, 8, 8, &none);
  add_kernel("time_fields/kernel/one", table.time_fields[0], 8, 4, &fields, times(500'000));
  add_loop<int64_t, int64_t>("time_multiply/naive/s-ns", [](const auto* src, auto* dst) {
    for (int64_t i = 0; i < kSmall; ++i) {
      dst[i] = src[i] == INT64_MIN ? src[i] : src[i] * kSecond;
    }
  });
  add_loop<int64_t, int64_t>("time_divide/naive/ns-s", [](const auto* src, auto* dst) {
    for (int64_t i = 0; i < kSmall; ++i) {
      const int64_t quotient = src[i] / kSecond;
      const int64_t floor = quotient - (src[i] % kSecond < 0 ? 1 : 0);
      dst[i] = src[i] == INT64_MIN ? src[i] : floor;
    }
  });
}

}  // namespace stridecast::bench
