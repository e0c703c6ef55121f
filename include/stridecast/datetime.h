// TimeUnits: what a number that counts time since an epoch counts, as files say it in a text:
// "days since 1850-01-01". How counts become datetime64 and back is plan.h's decode_time and
// encode_time.
#ifndef STRIDECAST_DATETIME_H_
#define STRIDECAST_DATETIME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "stridecast/export.h"

namespace stridecast {
inline namespace v0 {

/// The length of one count. Months and years have no fixed one.
enum class TimeStep : uint8_t {
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
};

/// A unit of time and the instant that is counted from, both exact.
///
///     TimeUnits units = TimeUnits::parse("hours since 1900-01-01 00:00:0.0");
///     units.step();     // TimeStep::kHour
///     units.seconds();  // -2208988800, of the epoch since 1970-01-01T00:00:00Z
///     units.text();     // "hours since 1900-01-01"
///     TimeUnits::parse("days since 0001-01-01").text();  // "days since 0000-12-30": Julian
///
/// A text is a unit, one of since, after, from, ref and @, and an instant, in any case of letters
/// (CF conventions, udunits):
///
///     unit     week day hour minute second millisecond microsecond nanosecond, their plurals, d h
///              hr min s sec ms msec millisec us usec microsec ns nsec nanosec and theirs
///     instant  year[-month[-day]] or YYYYMMDD,
///              then [T or space] hour[:minute[:second[.fraction]]],
///              then UTC, GMT, Z or an offset from it: +01:00 +0530 -6
///
/// Fields may have one digit or two, a year any number of them and a sign, a fraction up to
/// attoseconds. There are no leap seconds. What counts from a known epoch has a name as well:
///
///     julian day, JD             days since -4713-11-24 12:00 (proleptic Gregorian)
///     modified julian day, MJD   days since 1858-11-17
///     gps seconds                since 1980-01-06, on GPS's own scale, which has no leap seconds
///     excel                      days since 1899-12-30: serial 61 is 1900-03-01; below it Excel's
///                                own dates are one later, because it has a 1900-02-29
///     unix, unix s|ms|us|ns      since 1970-01-01; unix alone counts seconds
///
/// Calendars: "proleptic_gregorian", and "standard" or "gregorian", in which dates before
/// 1582-10-15 are Julian, 1582-10-05 to 14 do not exist and the year before 1 is -1. Either way an
/// epoch is an instant, and so is what is counted from it: datetime64 shows the proleptic Gregorian
/// date.
class STRIDECAST_API TimeUnits {
 public:
  /// What a text counts, its epoch read in `calendar`. Throws Error(kInvalidArgument) with the
  /// position in the text where it is not understood.
  static TimeUnits parse(std::string_view text, std::string_view calendar = "standard");

  /// The length of one count.
  TimeStep step() const noexcept { return step_; }
  /// The epoch in whole seconds since 1970-01-01T00:00:00Z, rounded down.
  int64_t seconds() const noexcept { return seconds_; }
  /// The rest of the epoch, in attoseconds: 0 to 10^18 - 1.
  int64_t attoseconds() const noexcept { return attoseconds_; }
  /// Canonical, with the epoch's date in the proleptic Gregorian calendar and no zone:
  /// parse(text(), "proleptic_gregorian") is equal.
  std::string text() const;

  /// Equal step and epoch, however they were written.
  bool operator==(const TimeUnits&) const = default;

 private:
  TimeUnits(TimeStep step, int64_t seconds, int64_t attoseconds) noexcept
      : step_(step), seconds_(seconds), attoseconds_(attoseconds) {}

  TimeStep step_;
  int64_t seconds_, attoseconds_;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_DATETIME_H_
