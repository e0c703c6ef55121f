// Counts since an epoch to times and back, one at a time and exact for every value: what the
// vectors of epoch.cc leave over. Compiled once, for all targets.
#ifndef STRIDECAST_KERNELS_EPOCH_EXACT_H_
#define STRIDECAST_KERNELS_EPOCH_EXACT_H_

#include <cstdint>

#include "kernels/epoch_params.h"

namespace stridecast::kernels {

/// Divisors below it have quotients that a float64 does not find within one.
inline constexpr int64_t kSmallDivisor = int64_t{1} << 13;

/// Each adds its SC_ERR_* bits to *errors. Absent counts and NaN are NaT.
int64_t epoch_time_of_int(const EpochParams& params, int64_t count, uint32_t* errors) noexcept;
int64_t epoch_time_of_float(const EpochParams& params, double count, uint32_t* errors) noexcept;
int64_t epoch_int_of_time(const EpochParams& params, int64_t time, uint32_t* errors) noexcept;
double epoch_float_of_time(const EpochParams& params, int64_t time, uint32_t* errors) noexcept;

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_EPOCH_EXACT_H_
