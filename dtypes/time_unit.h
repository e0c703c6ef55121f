// Units of datetime64 and timedelta64: what a parameter such as "25us" says, and how many of one
// unit make another. How values are converted is the kernels' business.
#ifndef STRIDECAST_DTYPES_TIME_UNIT_H_
#define STRIDECAST_DTYPES_TIME_UNIT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace stridecast::internal {

// From coarse to fine. Y and M have no fixed length, W and finer ones do.
enum class TimeBase : uint8_t {
  kYear,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
  kPicosecond,
  kFemtosecond,
  kAttosecond,
  kGeneric,  // no unit was given
};

// A datetime64 or timedelta64 parameter: "us", "25us", or "" for the generic unit.
struct TimeUnit {
  TimeBase base = TimeBase::kGeneric;
  int64_t multiple = 1;  // 1 to 2^31 - 1
  bool operator==(const TimeUnit&) const = default;

  // Years or months, whose lengths the calendar says.
  bool is_calendar() const noexcept { return base <= TimeBase::kMonth; }
  bool is_generic() const noexcept { return base == TimeBase::kGeneric; }
};

// One of Y M W D h m s ms us ns ps fs as, or "" (generic).
std::string_view base_text(TimeBase base) noexcept;
// "25us", as canonical texts write it.
std::string unit_text(const TimeUnit& unit);
// False if `param` is none.
bool parse_time_unit(std::string_view param, TimeUnit* unit) noexcept;

__extension__ using Int128 = __int128;

// So many of a destination's units in one of the source's: num / den, without a common divisor. Of
// all units num and den are below 2^127.
struct TimeRatio {
  Int128 num = 1, den = 1;
};
// Both units have a fixed length, or both are years or months.
TimeRatio time_ratio(const TimeUnit& src, const TimeUnit& dst) noexcept;
// The same where exactly one of them is in years or months: by the averages of the 400 years after
// which the calendar repeats, 146097 days, as NumPy converts timedelta64.
TimeRatio average_ratio(const TimeUnit& src, const TimeUnit& dst) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_TIME_UNIT_H_
