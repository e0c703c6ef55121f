// The proleptic Gregorian calendar in scalars, exact over all of int64 and beyond: days since
// 1970-01-01 to years, months and days, and back. Vectors are in kernels/calendar-inl.h.
//
// After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013): years begin in March,
// so that the leap day is the last one, and repeat every 400 years of 146097 days.
#ifndef STRIDECAST_DTYPES_CALENDAR_H_
#define STRIDECAST_DTYPES_CALENDAR_H_

#include <cstdint>

#include "dtypes/time_unit.h"

namespace stridecast::internal {

template <typename I>
constexpr I floor_div(I a, I b) noexcept {
  const I q = a / b;
  return q - static_cast<I>(a % b != 0 && (a < 0) != (b < 0));
}
template <typename I>
constexpr I floor_mod(I a, I b) noexcept {
  return a - floor_div(a, b) * b;
}

inline constexpr int64_t kDaysOfEra = 146097;
// From 0000-03-01 to 1970-01-01.
inline constexpr int64_t kDaysToEpoch = 719468;

template <typename I>
struct CivilDate {
  I year;
  int32_t month, day;  // from 1
};

constexpr bool is_leap_year(Int128 year) noexcept {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int32_t days_in_month(Int128 year, int32_t month) noexcept {
  constexpr int32_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
}

// I: int64_t for |days| < 2^62, or Int128.
template <typename I>
constexpr CivilDate<I> civil_from_days(I days) noexcept {
  const I shifted = days + kDaysToEpoch;
  const I era = floor_div(shifted, I{kDaysOfEra});
  const auto day_of_era = static_cast<int32_t>(shifted - era * kDaysOfEra);
  const int32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int32_t from_march = (5 * day_of_year + 2) / 153;
  const int32_t day = day_of_year - (153 * from_march + 2) / 5 + 1;
  const int32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day};
}

// Of a year within +-2^54 where I is int64_t.
template <typename I>
constexpr I days_from_civil(I year, int32_t month, int32_t day) noexcept {
  const I shifted = year - (month <= 2 ? 1 : 0);
  const I era = floor_div(shifted, I{400});
  const auto year_of_era = static_cast<int32_t>(shifted - era * 400);
  const int32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysOfEra + day_of_era - kDaysToEpoch;
}

// Months since 1970-01 to the day that the month begins with, and back: the month of a day.
template <typename I>
constexpr I days_from_months(I months) noexcept {
  const I years = floor_div(months, I{12});
  return days_from_civil<I>(years + 1970, static_cast<int32_t>(months - years * 12) + 1, 1);
}
template <typename I>
constexpr I months_from_days(I days) noexcept {
  const CivilDate<I> date = civil_from_days(days);
  return (date.year - 1970) * 12 + (date.month - 1);
}

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_CALENDAR_H_
