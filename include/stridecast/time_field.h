// The calendar fields of a point in time, by name: what Plan::datetime_fields takes apart.
#ifndef STRIDECAST_TIME_FIELD_H_
#define STRIDECAST_TIME_FIELD_H_

#include <cstdint>
#include <string_view>

#include "stridecast/export.h"

namespace stridecast {
inline namespace v0 {

/// A field of a datetime64 in the proleptic Gregorian calendar, in UTC. Numbers count from 1 where
/// people do (months, days), from 0 elsewhere.
enum class TimeField : uint8_t {
  kYear,         ///< astronomical: 0 is 1 BC
  kQuarter,      ///< 1 to 4
  kMonth,        ///< 1 to 12
  kDay,          ///< 1 to 31
  kDayOfYear,    ///< 1 to 366
  kWeekday,      ///< 0 to 6, Monday is 0
  kIsoYear,      ///< the year that an ISO 8601 week belongs to
  kIsoWeek,      ///< 1 to 53
  kDaysInMonth,  ///< 28 to 31
  kIsLeapYear,   ///< 0 or 1
  kHour,         ///< 0 to 23
  kMinute,       ///< 0 to 59
  kSecond,       ///< 0 to 59
  kMillisecond,  ///< 0 to 999
  kMicrosecond,  ///< 0 to 999999, milliseconds included, as in Python's datetime
  kNanosecond,   ///< 0 to 999, of a microsecond, as in pandas; so are all that follow
  kPicosecond,
  kFemtosecond,
  kAttosecond,
};
/// How many fields there are.
inline constexpr int kNumTimeFields = 19;

/// The name of a field: "dayofyear".
STRIDECAST_API std::string_view time_field_name(TimeField field) noexcept;
/// The field of a name; false if there is none.
STRIDECAST_API bool find_time_field(std::string_view name, TimeField* field) noexcept;

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_TIME_FIELD_H_
