// The names of calendar fields, see stridecast/time_field.h: pandas' where it has them.

#include "stridecast/time_field.h"

#include <algorithm>
#include <iterator>

namespace stridecast {
inline namespace v0 {
namespace {

constexpr std::string_view kNames[kNumTimeFields] = {
    "year",       "quarter",    "month",       "day",         "dayofyear",
    "weekday",    "isoyear",    "isoweek",     "daysinmonth", "isleapyear",
    "hour",       "minute",     "second",      "millisecond", "microsecond",
    "nanosecond", "picosecond", "femtosecond", "attosecond"};

}  // namespace

std::string_view time_field_name(TimeField field) noexcept {
  return kNames[static_cast<size_t>(field)];
}

bool find_time_field(std::string_view name, TimeField* field) noexcept {
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) return false;
  *field = static_cast<TimeField>(found - std::begin(kNames));
  return true;
}

}  // namespace v0
}  // namespace stridecast
