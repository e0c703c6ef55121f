// sc_run.params of epoch_to_time and time_to_epoch: counts of a unit since an epoch on one side,
// datetime64 on the other. Either way a result is (x * mul + add) / den of integers, which are made
// of the lengths of the two units and of the epoch. Engines fill in the first part and let
// prepare_epoch() do the rest; kernels read.
#ifndef STRIDECAST_KERNELS_EPOCH_PARAMS_H_
#define STRIDECAST_KERNELS_EPOCH_PARAMS_H_

#include <cstdint>

#include "kernels/kernel_table.h"
#include "kernels/time_params.h"

namespace stridecast::kernels {

struct EpochParams {
  // Limits that keep all products within 192 bits: units to weeks of any multiple.
  Int128 mul = 1;                          // 1 to 2^112
  Int128 add = 0;                          // below 2^124 in magnitude
  Int128 den = 1;                          // 1 to 2^112
  Int128 lo = -INT64_MAX, hi = INT64_MAX;  // results that fit: within 65 bits
  TimeRule rule = TimeRule::kRaise;        // for those that do not; kNat of epoch_to_time only
  bool is_unsigned = false;                // the counts of the int64 kernels are uint64
  // time_to_epoch: SC_ERR_INEXACT where a count has no equal; and float64 rounded to odd wherever a
  // second rounding, to float32 or less, would see the difference.
  bool exact = false, odd = false;
  bool nan_raises = false;  // epoch_to_time[1]: SC_ERR_NAN for NaN, else NaT
  // time_to_epoch[0]: what NaT becomes, else SC_ERR_NAN. Under kRaise SC_ERR_OVERFLOW for another
  // item that becomes it.
  bool has_missing = false;
  int64_t missing = 0;
  // epoch_to_time: counts that are NaT, by the bits of int64, uint64 or float64.
  int32_t num_absent = 0;
  int64_t absent[kMaxMissing] = {};

  // What vectors take; the others are left to exact scalar code. Of integers and times from first
  // to last, the quotient is that of x * mul + rest, which fits 64 bits, and base; base is even,
  // and takes all of an epoch that is far away.
  int64_t first = 1, last = 0;
  int64_t base = 0, rest = 0;  // add = base * den + rest, in 64 bits
  // To float64: add as a multiple of 2^32 and what is left of it.
  double add_high = 0, add_low = 0;
  // From float64: x * mul, where den is 1 and mul a float64.
  double float_first = 1, float_last = 0;
  bool fits_128 = false;  // x * mul + add of integers
};

/// Takes common divisors out of mul, add and den, and fills in what vectors take, for the kernel of
/// integers (`floats` false) or of float64, `to_time` or back.
void prepare_epoch(EpochParams& params, bool to_time, bool floats) noexcept;

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_EPOCH_PARAMS_H_
