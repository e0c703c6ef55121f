// What times become in other units, value by value: the oracle of the kernels of times. Written on
// 128-bit integers and a table of one era of 400 years, made day by day; it shares nothing with the
// library but the names of units.
#ifndef STRIDECAST_TESTS_REFERENCE_TIMES_H_
#define STRIDECAST_TESTS_REFERENCE_TIMES_H_

#include <cstdint>
#include <optional>
#include <string>

namespace stridecast::reference {

__extension__ using Int128 = __int128;

inline constexpr int64_t kNaT = INT64_MIN;

/// "25us".
struct Unit {
  std::string base;
  int64_t multiple = 1;
  std::string text() const { return (multiple == 1 ? "" : std::to_string(multiple)) + base; }
  bool is_calendar() const { return base == "Y" || base == "M"; }
};

struct Date {
  Int128 year;
  int month, day;  // from 1
};
/// Days since 1970-01-01 to the date, and back.
Date date_of(Int128 days);
Int128 days_of(Int128 year, int month, int day);

/// A datetime64 in another unit: floored, exact over all of int64. No value: it does not fit.
/// `*exact`: nothing was cut off.
std::optional<int64_t> convert_point(int64_t value, const Unit& src, const Unit& dst, bool* exact);
/// A timedelta64: the same, but years and months are 146097 / 400 and 146097 / 4800 days.
std::optional<int64_t> convert_span(int64_t value, const Unit& src, const Unit& dst, bool* exact);

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_TIMES_H_
