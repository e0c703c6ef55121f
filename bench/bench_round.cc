// Kernels that round in a direction, or at random, and that look for exact values; beside them the
// loops over the C library's functions that one would write by hand.
#include <cmath>
#include <cstdint>
#include <string>

#include "bench/bench_support.h"
#include "engine/convert_limits.h"

namespace stridecast::bench {
namespace {

struct Direction {
  const char* name;
  Rounding rounding;
};
constexpr Direction kDirections[] = {{"nearest-even", Rounding::kNearestEven},
                                     {"towards-positive", Rounding::kTowardsPositive},
                                     {"nearest-away", Rounding::kNearestAway},
                                     {"stochastic", Rounding::kStochastic}};
constexpr DType kFloats[] = {DType::kFloat32, DType::kBFloat16, DType::kFloat8E4M3FN};

kernels::RoundParams params_of(DType type, Rounding rounding) {
  kernels::RoundParams params;
  if (type != DType::kFloat64) params = internal::float_format(type);
  params.rounding = rounding;
  return params;
}

void add_direction(const kernels::KernelTable& table, const Direction& direction) {
  const std::string end = std::string("/") + direction.name;
  // Kept for as long as the process: the benchmarks run later.
  const auto* integral = new kernels::RoundParams(params_of(DType::kFloat64, direction.rounding));
  add_kernel("round_integral/kernel/float32" + end, table.round_integral[0], 4, 4, integral);
  add_kernel("round_integral/kernel/float64" + end, table.round_integral[1], 8, 8, integral);
  for (const DType type : kFloats) {
    const TypeFacts& facts = type_facts(type);
    const auto* params = new kernels::RoundParams(params_of(type, direction.rounding));
    add_kernel(std::string("round_float/kernel/") + facts.name + end,
               table.round_float[facts.size / 2], 8, facts.size, params);
  }
  add_kernel("round_wide/kernel/int64" + end, table.round_wide[static_cast<int>(DType::kInt64)], 8,
             8, integral);
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  for (const Direction& direction : kDirections) add_direction(table, direction);
  static const kernels::ExactParams float32 = internal::exact_params(DType::kFloat32);
  add_kernel("check_exact/kernel/float64", table.check_exact[static_cast<int>(DType::kFloat64)], 8,
             0, &float32);
  add_kernel("check_exact/kernel/int64", table.check_exact[static_cast<int>(DType::kInt64)], 8, 0,
             &float32);
  add_loop<double, double>("round_integral/naive/float64/nearest-even",
                           [](const double* src, double* dst) {
                             for (int64_t i = 0; i < kSmall; ++i) dst[i] = std::nearbyint(src[i]);
                           });
  add_loop<double, double>("round_integral/naive/float64/nearest-away",
                           [](const double* src, double* dst) {
                             for (int64_t i = 0; i < kSmall; ++i) dst[i] = std::round(src[i]);
                           });
}

}  // namespace stridecast::bench
