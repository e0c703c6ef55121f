// The oracle of times; see times.h.

#include "tests/reference/times.h"

#include <stdexcept>
#include <vector>

namespace stridecast::reference {
namespace {

constexpr int kEra = 146097;

struct Day {
  int year, month, day;
};

// All days from 1970-01-01 to 2369-12-31.
const std::vector<Day>& era_days() {
  static const std::vector<Day> days = [] {
    const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    std::vector<Day> made;
    for (int year = 1970; year < 2370; ++year) {
      const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
      for (int month = 1; month <= 12; ++month) {
        const int length = month == 2 && leap ? 29 : lengths[month - 1];
        for (int day = 1; day <= length; ++day) made.push_back({year, month, day});
      }
    }
    if (made.size() != kEra) throw std::logic_error("an era has 146097 days");
    return made;
  }();
  return days;
}

// The first day of every month of the era, from 1970-01 on.
const std::vector<int>& month_starts() {
  static const std::vector<int> starts = [] {
    std::vector<int> made;
    for (int k = 0; k < kEra; ++k) {
      if (era_days()[static_cast<size_t>(k)].day == 1) made.push_back(k);
    }
    return made;
  }();
  return starts;
}

Int128 floor_divide(Int128 a, Int128 b) {
  Int128 q = a / b;
  if (q * b > a) --q;
  return q;
}

// Attoseconds.
Int128 length_of(const Unit& unit) {
  struct Length {
    const char* base;
    int64_t seconds, per_second;
  };
  constexpr int64_t k = 1000;
  const Length all[] = {{"W", 604800, 1},
                        {"D", 86400, 1},
                        {"h", 3600, 1},
                        {"m", 60, 1},
                        {"s", 1, 1},
                        {"ms", 1, k},
                        {"us", 1, k * k},
                        {"ns", 1, k * k * k},
                        {"ps", 1, k * k * k * k},
                        {"fs", 1, k * k * k * k * k},
                        {"as", 1, k * k * k * k * k * k}};
  for (const Length& length : all) {
    if (unit.base != length.base) continue;
    return Int128{length.seconds} * (k * k * k * k * k * k / length.per_second) * unit.multiple;
  }
  throw std::logic_error("no unit of fixed length: " + unit.base);
}

Int128 months_in(const Unit& unit) { return Int128{unit.multiple} * (unit.base == "Y" ? 12 : 1); }

std::optional<int64_t> time_or_nothing(Int128 value) {
  if (value > INT64_MAX || value < -Int128{INT64_MAX}) return std::nullopt;
  return static_cast<int64_t>(value);
}

// floor(value * num / den) where the product may need more than 128 bits: by long division, a bit
// of the value after the other.
struct Scaled {
  Int128 quotient;
  bool exact, fits;
};
Scaled scale(Int128 value, Int128 num, Int128 den) {
  const bool negative = value < 0;
  const Int128 magnitude = negative ? -value : value;
  const Int128 whole = num / den, part = num % den;
  Int128 quotient = 0, rest = 0;
  for (int bit = 120; bit >= 0; --bit) {
    quotient *= 2;
    rest *= 2;
    if ((magnitude >> bit & 1) != 0) {
      quotient += whole;
      rest += part;
    }
    quotient += rest / den;
    rest %= den;
    if (quotient > (Int128{1} << 100)) return {0, false, false};
  }
  if (negative) quotient = rest != 0 ? -quotient - 1 : -quotient;
  return {quotient, rest == 0, true};
}

std::optional<int64_t> by_ratio(Int128 value, Int128 num, Int128 den, bool* exact) {
  const Scaled scaled = scale(value, num, den);
  *exact = scaled.exact;
  if (!scaled.fits) return std::nullopt;
  return time_or_nothing(scaled.quotient);
}

}  // namespace

Date date_of(Int128 days) {
  const Int128 era = floor_divide(days, kEra);
  const Day& day = era_days()[static_cast<size_t>(days - era * kEra)];
  return {era * 400 + day.year, day.month, day.day};
}

Int128 days_of(Int128 year, int month, int day) {
  const Int128 era = floor_divide(year - 1970, 400);
  const auto in_era = static_cast<int>(year - 1970 - era * 400);
  return era * kEra + month_starts()[static_cast<size_t>(in_era * 12 + month - 1)] + day - 1;
}

std::optional<int64_t> convert_point(int64_t value, const Unit& src, const Unit& dst, bool* exact) {
  *exact = true;
  if (value == kNaT) return kNaT;
  if (src.is_calendar() && dst.is_calendar()) {
    return by_ratio(value, months_in(src), months_in(dst), exact);
  }
  if (src.is_calendar()) {
    const Int128 months = value * months_in(src);
    const Int128 years = floor_divide(months, 12);
    const Int128 days = days_of(years + 1970, static_cast<int>(months - years * 12) + 1, 1);
    return by_ratio(days, length_of({"D"}), length_of(dst), exact);
  }
  if (dst.is_calendar()) {
    const Scaled days = scale(value, length_of(src), length_of({"D"}));
    if (!days.fits) return std::nullopt;
    const Date date = date_of(days.quotient);
    const Int128 months = (date.year - 1970) * 12 + date.month - 1;
    const Int128 units = floor_divide(months, months_in(dst));
    *exact = days.exact && date.day == 1 && units * months_in(dst) == months;
    return time_or_nothing(units);
  }
  return by_ratio(value, length_of(src), length_of(dst), exact);
}

std::optional<int64_t> convert_span(int64_t value, const Unit& src, const Unit& dst, bool* exact) {
  *exact = true;
  if (value == kNaT) return kNaT;
  if (src.is_calendar() == dst.is_calendar()) return convert_point(value, src, dst, exact);
  // 4800 months are 146097 days.
  const Int128 day = length_of({"D"});
  if (src.is_calendar()) {
    return by_ratio(value, months_in(src) * 146097 * (day / 4800), length_of(dst), exact);
  }
  return by_ratio(value, length_of(src), months_in(dst) * 146097 * (day / 4800), exact);
}

}  // namespace stridecast::reference
