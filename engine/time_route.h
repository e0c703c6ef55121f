// Routes from and to times: datetime64 and timedelta64 of all units among themselves, with numbers,
// texts (ISO 8601) and the date, datetime and timedelta of Python's standard library. Which kernels
// a pair of units takes follows from their ratio alone.
#ifndef STRIDECAST_ENGINE_TIME_ROUTE_H_
#define STRIDECAST_ENGINE_TIME_ROUTE_H_

#include <optional>

#include "dtypes/time_unit.h"
#include "engine/convert_route.h"
#include "stridecast/format.h"

namespace stridecast::internal {

/// What an element of times holds, if it does.
struct TimeFacts {
  enum Kind : uint8_t { kNone, kPoint, kSpan } kind = kNone;  // a point in time, or a length of it
  TimeUnit unit;
  bool is_python = false;  // of the module datetime: years 1 to 9999 alone, and no NaT
  bool operator==(const TimeFacts&) const = default;
};
TimeFacts time_facts(DType type, const std::optional<CustomType>& custom) noexcept;

/// One end of a route; without times it is a number or a text.
struct TimeEnd {
  DType type = DType::kOpaque;
  int64_t size = 0;
  TimeFacts time;
};

/// Whether the pair has a route; if not, `why` (or an empty text) goes into the error's message.
bool converts_times(const TimeEnd& src, const TimeEnd& dst, const ConvertOptions& options,
                    std::string* why);
/// Whether `casting` allows it, as NumPy does.
bool casts_times(const TimeEnd& src, const TimeEnd& dst, Casting casting) noexcept;
/// The route of a pair that converts.
Route find_time_route(const kernels::KernelTable& table, const TimeEnd& src, const TimeEnd& dst,
                      const ConvertRules& rules);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_TIME_ROUTE_H_
