// Times as text after ISO 8601, one at a time and exact over all of int64: what the kernels of
// texts fall back on, and what tells where a text is wrong. Vectors are in kernels/parse_time.cc
// and kernels/write_time.cc.
//
// Read are, as NumPy does: a year of any number of digits, with or without a sign; `YYYY-MM`;
// `YYYY-MM-DD`; behind a day 'T' or one space and `hh`, `hh:mm`, `hh:mm:ss`, `hh:mm:ss.f`, and then
// 'Z' or `+hh`, `+hhmm`, `+hh:mm`; white space in front, and behind times of day; "NaT" in any case
// and the empty text. Other than NumPy does:
//   - eight digits without a sign are a day, `YYYYMMDD`, and `Thh`, `Thhmm`, `Thhmmss`,
//     `Thhmmss.f` may follow, with a zone. NumPy takes them for a year.
//   - six, seven or more than eight digits that are all of a date need a sign: they may be meant as
//     `YYYYMM`, `YYYYDDD` or `YYYYMMDDhhmm`. NumPy takes them for years.
//   - fractions have any number of digits; those behind attoseconds are cut off.
//   - what comes behind a NUL is not passed over: only NULs may.
//   - "today" and "now" are no times.
//   - nothing wraps: times outside the destination are found.
#ifndef STRIDECAST_DTYPES_ISO_TIME_H_
#define STRIDECAST_DTYPES_ISO_TIME_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dtypes/time_unit.h"

namespace stridecast::internal {

enum class TimeTextStatus : uint8_t { kOk, kNat, kError };

// What is wrong at `position`. Of a field out of range that is its first digit, else the first
// character that does not belong there, or the text's length where one is missing.
enum class TimeTextReason : uint8_t {
  kNone,
  kDigit,      // a digit was expected
  kDate,       // '-', 'T' or a space was expected, or the end
  kAmbiguous,  // so many digits may be a year, or more
  kMonth,      // out of range, as all that follow
  kDay,
  kHour,
  kMinute,
  kSecond,
  kZone,
  kEnd,       // more than a time
  kRelative,  // "today" or "now"
};
// "a month is 01 to 12"
std::string_view reason_text(TimeTextReason reason) noexcept;

// A time in UTC, or why there is none.
struct IsoTime {
  TimeTextStatus status = TimeTextStatus::kNat;
  TimeTextReason reason = TimeTextReason::kNone;
  size_t position = 0;
  Int128 days = 0;     // since 1970-01-01; of years beyond +-10^29, some day that no unit reaches
  int32_t second = 0;  // of the day
  int64_t attoseconds = 0;  // of the second
};

// Of so many characters, less the NULs at their end.
IsoTime parse_iso_time(const unsigned char* text, size_t length) noexcept;
// Of UCS-4 in the machine's byte order, at any address.
IsoTime parse_iso_time_ucs4(const void* text, size_t length) noexcept;

// The unit, not generic, in which the time is, or began; nothing where that is outside of int64 or
// would be NaT. Of a time that was read.
std::optional<int64_t> time_from_fields(const IsoTime& time, const TimeUnit& unit) noexcept;

// No text is longer.
inline constexpr size_t kMaxTimeText = 80;

// As numpy.datetime_as_string does, as far as the unit goes: "2020" "2020-01" "2020-01-05"
// "2020-01-05T03" "...T03:04" "...T03:04:05" "...T03:04:05.678", with 3, 6, 9, 12, 15 or 18 digits;
// weeks by their first day. NaT is "NaT". A 'Z' follows only times of day, as in NumPy. Years have
// four characters or more, the sign of negative ones included ("-001"), which is NumPy's way. Other
// than there, years alone of more than five digits have a '+', without which they could be read as
// something else, and values that NumPy's multiples of units overflow on are written.
// Returns the length, no NUL behind. `unit` is not generic.
size_t write_iso_time(int64_t value, const TimeUnit& unit, bool utc_suffix,
                      char text[kMaxTimeText]) noexcept;
// The length of those texts for all years from 0 to 9999.
size_t time_text_length(const TimeUnit& unit, bool utc_suffix) noexcept;

// 3 of ms to 18 of as, 0 of seconds and longer units.
int fraction_digits(TimeBase base) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_ISO_TIME_H_
