// Times written after ISO 8601, see iso_time.h.

#include <cstring>

#include "dtypes/calendar.h"
#include "dtypes/iso_time.h"

namespace stridecast::internal {
namespace {

constexpr int32_t kSecondsOfDay = 86400;

// "00" to "99".
struct DigitPairs {
  char text[200];
  constexpr DigitPairs() : text{} {
    for (int i = 0; i < 100; ++i) {
      text[2 * i] = static_cast<char>('0' + i / 10);
      text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
  }
};
constexpr DigitPairs kPairs;

char* put_pair(int32_t value, char* out) {
  std::memcpy(out, kPairs.text + 2 * value, 2);
  return out + 2;
}

char* put_separated(char separator, int32_t value, char* out) {
  *out = separator;
  return put_pair(value, out + 1);
}

// The last `digits` digits, an even number.
char* put_digits(uint64_t value, int digits, char* out) {
  for (int i = digits - 2; i >= 0; i -= 2) {
    put_pair(static_cast<int32_t>(value % 100), out + i);
    value /= 100;
  }
  return out + digits;
}

char* put_far_year(Int128 year, bool alone, char* out) {
  char digits[40];
  char* const end = digits + sizeof(digits);
  char* begin = end;
  for (Int128 rest = year < 0 ? -year : year; rest != 0; rest /= 10) {
    *--begin = static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  const int width = year < 0 ? 3 : 4;
  while (end - begin < width) *--begin = '0';
  if (year < 0) {
    *--begin = '-';
  } else if (alone && end - begin > 5) {
    *--begin = '+';
  }
  const auto length = static_cast<size_t>(end - begin);
  std::memcpy(out, begin, length);
  return out + length;
}

char* put_year(Int128 year, bool alone, char* out) {
  if (year < 0 || year > 9999) return put_far_year(year, alone, out);
  const auto few = static_cast<int32_t>(year);
  return put_pair(few % 100, put_pair(few / 100, out));
}

template <typename I>
char* put_date(const CivilDate<I>& date, char* out) {
  out = put_separated('-', date.month, put_year(date.year, false, out));
  return put_separated('-', date.day, out);
}

char* put_day(Int128 days, char* out) {
  const auto few = static_cast<int32_t>(days);
  return few == days ? put_date(civil_from_days<int64_t>(few), out)
                     : put_date(civil_from_days<Int128>(days), out);
}

char* put_seconds_of_day(int32_t second, TimeBase base, char* out) {
  out = put_separated('T', second / 3600, out);
  if (base == TimeBase::kHour) return out;
  out = put_separated(':', second / 60 % 60, out);
  if (base == TimeBase::kMinute) return out;
  return put_separated(':', second % 60, out);
}

// Y and M by months, all that is shorter by seconds and what is left of one.
char* put_calendar(Int128 value, TimeBase base, char* out) {
  if (base == TimeBase::kYear) return put_year(value + 1970, true, out);
  const Int128 years = floor_div(value, Int128{12});
  out = put_year(years + 1970, false, out);
  return put_separated('-', static_cast<int32_t>(value - years * 12) + 1, out);
}

struct UnitText {
  int32_t seconds;  // in one, or 0 in those shorter than a second
  int digits;       // of the fraction
  int64_t per_second;
  size_t length;
};
// In the order of TimeBase.
constexpr UnitText kUnits[] = {
    {0, 0, 1, 4},
    {0, 0, 1, 7},
    {7 * kSecondsOfDay, 0, 1, 10},
    {kSecondsOfDay, 0, 1, 10},
    {3600, 0, 1, 13},
    {60, 0, 1, 16},
    {1, 0, 1, 19},
    {0, 3, 1'000, 23},
    {0, 6, 1'000'000, 26},
    {0, 9, 1'000'000'000, 29},
    {0, 12, 1'000'000'000'000, 32},
    {0, 15, 1'000'000'000'000'000, 35},
    {0, 18, 1'000'000'000'000'000'000, 38},
    {0, 0, 1, 0},
};

const UnitText& facts(TimeBase base) { return kUnits[static_cast<size_t>(base)]; }

template <typename I>
char* put_clock(I value, TimeBase base, bool utc_suffix, char* out) {
  const UnitText& unit = facts(base);
  I seconds = value, fraction = 0;
  if (unit.digits == 0) {
    seconds = value * unit.seconds;
  } else {
    seconds = floor_div(value, I{unit.per_second});
    fraction = value - seconds * unit.per_second;
  }
  const I days = floor_div(seconds, I{kSecondsOfDay});
  out = put_day(days, out);
  if (base <= TimeBase::kDay) return out;
  out = put_seconds_of_day(static_cast<int32_t>(seconds - days * kSecondsOfDay), base, out);
  if (unit.digits != 0) {
    // An odd number of digits is one more, whose place the point takes.
    const int odd = unit.digits % 2;
    out = put_digits(static_cast<uint64_t>(fraction), unit.digits + odd, out + 1 - odd);
    out[-1 - unit.digits] = '.';
  }
  if (utc_suffix) *out++ = 'Z';
  return out;
}

}  // namespace

int fraction_digits(TimeBase base) noexcept { return facts(base).digits; }

size_t time_text_length(const TimeUnit& unit, bool utc_suffix) noexcept {
  return facts(unit.base).length + (utc_suffix && unit.base > TimeBase::kDay ? 1 : 0);
}

size_t write_iso_time(int64_t value, const TimeUnit& unit, bool utc_suffix,
                      char text[kMaxTimeText]) noexcept {
  if (value == INT64_MIN) {
    std::memcpy(text, "NaT", 3);
    return 3;
  }
  const Int128 units = Int128{value} * unit.multiple;
  const char* end;
  if (unit.is_calendar()) {
    end = put_calendar(units, unit.base, text);
  } else {
    // Few enough for their seconds, and those of their whole days, to fit 64 bits.
    constexpr int64_t kMost = int64_t{1} << 62, kMostLong = kMost / (7 * kSecondsOfDay);
    const int64_t most = facts(unit.base).seconds > 1 ? kMostLong : kMost;
    const auto few = static_cast<int64_t>(units);
    const bool fits = few == units && few < most && few > -most;
    end = fits ? put_clock<int64_t>(few, unit.base, utc_suffix, text)
               : put_clock<Int128>(units, unit.base, utc_suffix, text);
  }
  return static_cast<size_t>(end - text);
}

}  // namespace stridecast::internal
