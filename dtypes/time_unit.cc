// Units of time by their names and lengths, see time_unit.h.

#include "dtypes/time_unit.h"

#include <charconv>
#include <iterator>
#include <limits>

namespace stridecast::internal {
namespace {

// In the order of TimeBase. The length is in attoseconds, of years and months in months.
struct UnitFacts {
  std::string_view text;
  Int128 length;
};

constexpr Int128 kSecond = Int128{1'000'000'000} * 1'000'000'000;
constexpr UnitFacts kUnits[] = {
    {"Y", 12},
    {"M", 1},
    {"W", kSecond * 604800},
    {"D", kSecond * 86400},
    {"h", kSecond * 3600},
    {"m", kSecond * 60},
    {"s", kSecond},
    {"ms", kSecond / 1000},
    {"us", kSecond / 1'000'000},
    {"ns", 1'000'000'000},
    {"ps", 1'000'000},
    {"fs", 1000},
    {"as", 1},
    {"", 1},
};

const UnitFacts& facts(TimeBase base) { return kUnits[static_cast<size_t>(base)]; }

Int128 length(const TimeUnit& unit) { return facts(unit.base).length * unit.multiple; }

TimeRatio reduced(Int128 num, Int128 den) {
  Int128 a = num, b = den;
  while (b != 0) {
    const Int128 rest = a % b;
    a = b;
    b = rest;
  }
  return {num / a, den / a};
}

}  // namespace

std::string_view base_text(TimeBase base) noexcept { return facts(base).text; }

std::string unit_text(const TimeUnit& unit) {
  std::string text(base_text(unit.base));
  return unit.multiple == 1 ? text : std::to_string(unit.multiple) + text;
}

bool parse_time_unit(std::string_view param, TimeUnit* unit) noexcept {
  *unit = TimeUnit{};
  if (param.empty()) return true;
  size_t digits = 0;
  while (digits < param.size() && param[digits] >= '0' && param[digits] <= '9') ++digits;
  if (digits > 0) {
    if (param[0] == '0') return false;
    const auto [stop, error] = std::from_chars(param.data(), param.data() + digits, unit->multiple);
    if (error != std::errc() || unit->multiple > std::numeric_limits<int32_t>::max()) return false;
  }
  for (size_t k = 0; k < static_cast<size_t>(TimeBase::kGeneric); ++k) {
    if (param.substr(digits) != kUnits[k].text) continue;
    unit->base = static_cast<TimeBase>(k);
    return true;
  }
  return false;
}

TimeRatio time_ratio(const TimeUnit& src, const TimeUnit& dst) noexcept {
  return reduced(length(src), length(dst));
}

TimeRatio average_ratio(const TimeUnit& src, const TimeUnit& dst) noexcept {
  constexpr Int128 kMonths = 4800, kDays = 146097;
  // Both lengths in 4800ths of an average month's attoseconds: months are kDays of days long.
  const TimeRatio month_days = {kDays, kMonths};
  const Int128 day = facts(TimeBase::kDay).length;
  if (src.is_calendar()) {
    const TimeRatio days = reduced(month_days.num * length(src), month_days.den);
    const TimeRatio units = reduced(day, length(dst));
    // Divisors are shared crosswise, so that nothing outgrows 128 bits.
    const TimeRatio a = reduced(days.num, units.den), b = reduced(units.num, days.den);
    return {a.num * b.num, b.den * a.den};
  }
  const TimeRatio back = average_ratio(dst, src);
  return {back.den, back.num};
}

}  // namespace stridecast::internal
