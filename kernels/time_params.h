// sc_run.params of the kernels of times: int64 items, packed, in the machine's byte order, so many
// units since 1970-01-01 (datetime64) or between two times (timedelta64). INT64_MIN is NaT, which
// stays NaT on every path. Engines fill these in; kernels read them.
#ifndef STRIDECAST_KERNELS_TIME_PARAMS_H_
#define STRIDECAST_KERNELS_TIME_PARAMS_H_

#include <bit>
#include <cstdint>

#include "dtypes/time_unit.h"

namespace stridecast::kernels {

using internal::Int128;
using internal::TimeUnit;

// What a value outside the destination becomes. kRaise: SC_ERR_OVERFLOW, and any value.
enum class TimeRule : uint8_t { kRaise, kSaturate, kNat };

// A divisor for floors of 64-bit quotients: with s = x >> 63, floor(x / value) is
// ((uint64(x ^ s) * magic) >> 64 >> shift) ^ s. T. Granlund, P. Montgomery, "Division by Invariant
// Integers using Multiplication" (1994); the dividend has 63 bits, so that the multiplier fits 64.
struct TimeDivisor {
  int64_t value = 1;  // of 1 the others are not set, and nothing is divided
  uint64_t magic = 0;
  int32_t shift = 0;

  static constexpr TimeDivisor of(int64_t value) noexcept {
    if (value == 1) return {};
    __extension__ using Uint128 = unsigned __int128;
    const int log = std::bit_width(static_cast<uint64_t>(value - 1));
    const Uint128 reciprocal = (Uint128{1} << (63 + log)) / static_cast<Uint128>(value) + 1;
    return {value, static_cast<uint64_t>(reciprocal), log - 1};
  }
};

// Of time_multiply, time_divide, time_scale, time_scale_wide, the calendar kernels and
// float_to_time. Each reads what it names.
struct TimeScaleParams {
  TimeRule rule = TimeRule::kRaise;
  bool exact = false;                       // SC_ERR_INEXACT where a division leaves something
  bool nan_raises = false;                  // float_to_time: SC_ERR_NAN for NaN, else NaT
  int64_t lo = -INT64_MAX, hi = INT64_MAX;  // values that fit; what becomes of others, rule says
  int64_t num = 1;                          // floor(x * num / den)
  TimeDivisor den;
  Int128 wide_num = 1, wide_den = 1;  // time_scale_wide
  TimeUnit src, dst;                  // time_calendar
};

// Of parse_time and write_time.
struct TimeTextParams {
  TimeUnit unit;                     // of the times
  TimeRule rule = TimeRule::kRaise;  // parse_time: of times outside int64
  bool errors_are_nat = false;       // parse_time: NaT for what is no time, else SC_ERR_TEXT
  bool utc_suffix = false;           // write_time: a 'Z' behind
};

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_TIME_PARAMS_H_
