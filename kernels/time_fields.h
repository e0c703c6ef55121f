// sc_run.params of time_fields: which fields of which times.
#ifndef STRIDECAST_KERNELS_TIME_FIELDS_H_
#define STRIDECAST_KERNELS_TIME_FIELDS_H_

#include <cstdint>

#include "kernels/time_params.h"
#include "stridecast/time_field.h"

namespace stridecast::kernels {

// Row k of the destination is fields[k]; there are sc_run.n[0] of them. The unit of the times
// divides a second, or a day.
struct TimeFieldsParams {
  TimeField fields[kNumTimeFields] = {};
  bool below_seconds = false;  // the unit is finer than a second
  TimeDivisor split;           // units of a second where they are, else of a day
  int64_t seconds = 1;         // of a unit that is not
  bool has_fill = false;       // what NaT becomes; else SC_ERR_NAN
  int64_t fill = 0;
};

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_TIME_FIELDS_H_
