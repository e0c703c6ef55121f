// ISO 8601 texts, one at a time: against what NumPy reads and writes, a list of texts that are no
// times with the place where they go wrong, days counted one after the other, and back and forth
// over all units.

#include "dtypes/iso_time.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/iso_time_cases.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using internal::Int128;
using internal::IsoTime;
using internal::parse_iso_time;
using internal::TimeBase;
using internal::TimeTextReason;
using internal::TimeTextStatus;
using internal::TimeUnit;

constexpr int64_t kMax = INT64_MAX;

TimeUnit unit_of(const char* text) {
  TimeUnit unit;
  EXPECT_TRUE(parse_time_unit(text, &unit)) << text;
  return unit;
}

IsoTime read_bytes(std::string_view text) {
  return parse_iso_time(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

IsoTime read_ucs4(std::string_view text) {
  const std::u32string wide(text.begin(), text.end());
  // At an odd address.
  std::vector<char> bytes(4 * wide.size() + 1);
  std::memcpy(bytes.data() + 1, wide.data(), 4 * wide.size());
  return internal::parse_iso_time_ucs4(bytes.data() + 1, wide.size());
}

// The same from bytes, from UCS-4, and with NULs behind.
IsoTime read(std::string_view text) {
  const IsoTime time = read_bytes(text);
  for (const IsoTime& other :
       {read_ucs4(text), read_bytes(std::string(text) + std::string(3, '\0')),
        read_ucs4(std::string(text) + std::string(5, '\0'))}) {
    EXPECT_EQ(other.status, time.status) << text;
    EXPECT_EQ(other.reason, time.reason) << text;
    EXPECT_EQ(other.position, time.position) << text;
    EXPECT_TRUE(other.days == time.days) << text;
    EXPECT_EQ(other.second, time.second) << text;
    EXPECT_EQ(other.attoseconds, time.attoseconds) << text;
  }
  return time;
}

std::string written(int64_t value, const TimeUnit& unit, bool utc_suffix = false) {
  char text[internal::kMaxTimeText];
  return {text, write_iso_time(value, unit, utc_suffix, text)};
}

TEST(IsoTime, ReadsWhatNumpyReads) {
  for (const ReadCase& c : kReadByNumpy) {
    const IsoTime time = read(c.text);
    ASSERT_EQ(time.status, TimeTextStatus::kOk) << c.text;
    const auto value = time_from_fields(time, unit_of(c.unit));
    ASSERT_TRUE(value.has_value()) << c.text << ' ' << c.unit;
    EXPECT_EQ(*value, c.value) << c.text << ' ' << c.unit;
  }
}

TEST(IsoTime, WrapsNoTimes) {
  for (const BeyondCase& c : kBeyond) {
    const IsoTime time = read(c.text);
    ASSERT_EQ(time.status, TimeTextStatus::kOk) << c.text;
    EXPECT_EQ(time_from_fields(time, unit_of(c.unit)), std::nullopt) << c.text << ' ' << c.unit;
  }
  for (const char* digits : {"9999999999999999999", "99999999999999999999999999999",
                             "99999999999999999999999999999999999999999999999999"}) {
    for (const char* sign : {"-", "+"}) {
      const IsoTime time = read(sign + std::string(digits));
      ASSERT_EQ(time.status, TimeTextStatus::kOk);
      EXPECT_EQ(time.days < 0, *sign == '-');
      for (const char* unit : {"Y", "M", "W", "as", "25s"}) {
        EXPECT_EQ(time_from_fields(time, unit_of(unit)), std::nullopt) << digits << unit;
      }
    }
  }
  const IsoTime far = read("9999999999999999999999999999-01-01");
  EXPECT_EQ(time_from_fields(far, unit_of("2147483647Y")), 4656612875245796924);
}

// NumPy refuses these or reads something else.
TEST(IsoTime, ReadsMore) {
  constexpr ReadCase kMore[] = {
      {"20200105", "D", 18266},
      {"20200105", "s", 1578182400},
      {"20200105T03", "s", 1578193200},
      {"20200105T0304", "s", 1578193440},
      {"20200105 030405", "s", 1578193445},
      {"20200105T030405.5", "ms", 1578193445500},
      {"20200105T030405Z", "s", 1578193445},
      {"20200105T030405+0130", "s", 1578188045},
      {"20200105T03-01", "s", 1578196800},
      {" 20200105T030405 ", "s", 1578193445},
      {"1970-01-01T00:00:05.123456789012345678901234", "as", 5123456789012345678},
      {"1970-01-01T00:00:00.0000000000000000019", "as", 1},
      {"2020-01-05T03:04:05+01 ", "s", 1578189845},
  };
  for (const ReadCase& c : kMore) {
    const IsoTime time = read(c.text);
    ASSERT_EQ(time.status, TimeTextStatus::kOk) << c.text;
    EXPECT_EQ(time_from_fields(time, unit_of(c.unit)), c.value) << c.text;
  }
}

TEST(IsoTime, ReadsNat) {
  for (const char* text : {"NaT", "nat", "NAT", "nAt", "Nat", ""}) {
    EXPECT_EQ(read(text).status, TimeTextStatus::kNat) << text;
  }
}

struct ErrorCase {
  const char* text;
  size_t position;
  TimeTextReason reason;
};
using R = TimeTextReason;
constexpr ErrorCase kErrors[] = {
    {" ", 1, R::kDigit},
    {"\t \n", 3, R::kDigit},
    {"-", 1, R::kDigit},
    {"+", 1, R::kDigit},
    {"--2020", 1, R::kDigit},
    {"+-2020", 1, R::kDigit},
    {"- 2020", 1, R::kDigit},
    {"x", 0, R::kDigit},
    {"T", 0, R::kDigit},
    {"x2020", 0, R::kDigit},
    {"na", 0, R::kDigit},
    {"NaTx", 0, R::kDigit},
    {" NaT", 1, R::kDigit},
    {"NaT ", 0, R::kDigit},
    {"None", 0, R::kDigit},
    {"nan", 0, R::kDigit},
    {"today", 0, R::kRelative},
    {"Today", 0, R::kRelative},
    {"now", 0, R::kRelative},
    {"NOW", 0, R::kRelative},
    {"now ", 0, R::kDigit},
    {"2020 ", 4, R::kDate},
    {"2020x", 4, R::kDate},
    {"2020Z", 4, R::kDate},
    {"2020T", 4, R::kDate},
    {"2020T03", 4, R::kDate},
    {"2020/01/05", 4, R::kDate},
    {"2020.5", 4, R::kDate},
    {"2020+01", 4, R::kDate},
    {"202001", 6, R::kAmbiguous},
    {"2020005", 7, R::kAmbiguous},
    {"202001051", 8, R::kAmbiguous},
    {"2020010512", 8, R::kAmbiguous},
    {"20200105030405", 8, R::kAmbiguous},
    {"1577836800000000000", 8, R::kAmbiguous},
    {" 202001", 7, R::kAmbiguous},
    {"202001T03", 6, R::kAmbiguous},
    {"2020-", 5, R::kDigit},
    {"2020-1", 6, R::kDigit},
    {"2020-x1", 5, R::kDigit},
    {"2020-1x", 6, R::kDigit},
    {"2020-1-05", 6, R::kDigit},
    {"2020- 1", 5, R::kDigit},
    {"2020-W01", 5, R::kDigit},
    {"2020-00", 5, R::kMonth},
    {"2020-13", 5, R::kMonth},
    {"2020-99-01", 5, R::kMonth},
    {"2020-001", 5, R::kMonth},
    {"-2020-13", 6, R::kMonth},
    {"12345-13-01", 6, R::kMonth},
    {"2020-01 ", 7, R::kDate},
    {"2020-01Z", 7, R::kDate},
    {"2020-01T03", 7, R::kDate},
    {"2020-0105", 7, R::kDate},
    {"2020-01/05", 7, R::kDate},
    {"2020-01-", 8, R::kDigit},
    {"2020-01-5", 9, R::kDigit},
    {"2020-01-5T03", 9, R::kDigit},
    {"2020-01-x5", 8, R::kDigit},
    {"2020-01-00", 8, R::kDay},
    {"2020-01-32", 8, R::kDay},
    {"2020-02-30", 8, R::kDay},
    {"2021-02-29", 8, R::kDay},
    {"1900-02-29", 8, R::kDay},
    {"2100-02-29T00:00:00", 8, R::kDay},
    {"-0001-02-29", 9, R::kDay},
    {"2020-04-31", 8, R::kDay},
    {"2020-06-31", 8, R::kDay},
    {"2020-09-31", 8, R::kDay},
    {"2020-11-31", 8, R::kDay},
    {"2020-12-32", 8, R::kDay},
    {"20201305", 4, R::kMonth},
    {"20200005", 4, R::kMonth},
    {"20200230", 6, R::kDay},
    {"20200100", 6, R::kDay},
    {"20201335T03", 4, R::kMonth},
    {"2020-01-05x", 10, R::kDate},
    {"2020-01-05t03", 10, R::kDate},
    {"2020-01-05Z", 10, R::kDate},
    {"2020-01-05+01:00", 10, R::kDate},
    {"2020-01-05-01", 10, R::kDate},
    {"2020-01-056", 10, R::kDate},
    {"2020-01-05\t03", 10, R::kDate},
    {"2020-01-05T", 11, R::kDigit},
    {"2020-01-05 ", 11, R::kDigit},
    {"2020-01-05  ", 11, R::kDigit},
    {"2020-01-05  03", 11, R::kDigit},
    {"2020-01-05T3", 12, R::kDigit},
    {"2020-01-05T3:04", 12, R::kDigit},
    {"2020-01-05Tx3", 11, R::kDigit},
    {"2020-01-05TZ", 11, R::kDigit},
    {"2020-01-05T24", 11, R::kHour},
    {"2020-01-05T24:00:00", 11, R::kHour},
    {"2020-01-05T99:00", 11, R::kHour},
    {"2020-01-05T03:", 14, R::kDigit},
    {"2020-01-05T03:4", 15, R::kDigit},
    {"2020-01-05T03: 4", 14, R::kDigit},
    {"2020-01-05T03:Z", 14, R::kDigit},
    {"2020-01-05T03.5", 13, R::kEnd},
    {"2020-01-05T0304", 13, R::kEnd},
    {"2020-01-05T03x", 13, R::kEnd},
    {"2020-01-05T03:60", 14, R::kMinute},
    {"2020-01-05T03:60:00", 14, R::kMinute},
    {"2020-01-05T23:99", 14, R::kMinute},
    {"2020-01-05T03:04:", 17, R::kDigit},
    {"2020-01-05T03:04:5", 18, R::kDigit},
    {"2020-01-05T03:04:x5", 17, R::kDigit},
    {"2020-01-05T03:04.5", 16, R::kEnd},
    {"2020-01-05T03:0405", 16, R::kEnd},
    {"2020-01-05T03:04:60", 17, R::kSecond},
    {"2020-12-31T23:59:60Z", 17, R::kSecond},
    {"2020-01-05T03:04:99.5", 17, R::kSecond},
    {"2020-01-05T03:04:05,5", 19, R::kEnd},
    {"2020-01-05T03:04:05x", 19, R::kEnd},
    {"2020-01-05T03:04:056", 19, R::kEnd},
    {"2020-01-05T03:04:05z", 19, R::kEnd},
    {"2020-01-05T03:04:05 Z", 20, R::kEnd},
    {"2020-01-05T03:04:05 +01:30", 20, R::kEnd},
    {"2020-01-05T03:04:05 x", 20, R::kEnd},
    {"2020-01-05T03:04:05.5.5", 21, R::kEnd},
    {"2020-01-05T03:04:05.-5", 22, R::kDigit},
    {"2020-01-05T03:04:05.123456789012345678901x", 41, R::kEnd},
    {"2020-01-05T03:04:05ZZ", 20, R::kEnd},
    {"2020-01-05T03:04:05Z+01", 20, R::kEnd},
    {"2020-01-05T03:04:05+", 20, R::kDigit},
    {"2020-01-05T03:04:05+1", 21, R::kDigit},
    {"2020-01-05T03:04:05+24", 20, R::kZone},
    {"2020-01-05T03:04:05-24:00", 20, R::kZone},
    {"2020-01-05T03:04:05+23:60", 23, R::kZone},
    {"2020-01-05T03:04:05+2360", 22, R::kZone},
    {"2020-01-05T03:04:05+01:", 23, R::kDigit},
    {"2020-01-05T03:04:05+01:3", 24, R::kDigit},
    {"2020-01-05T03:04:05+013", 23, R::kDigit},
    {"2020-01-05T03:04:05+01x", 22, R::kEnd},
    {"2020-01-05T03:04:05+01:30x", 25, R::kEnd},
    {"2020-01-05T03:04:05+01:30:00", 25, R::kEnd},
    {"20200105T", 9, R::kDigit},
    {"20200105T3", 10, R::kDigit},
    {"20200105T030", 12, R::kDigit},
    {"20200105T03040", 14, R::kDigit},
    {"20200105T0304056", 15, R::kEnd},
    {"20200105T03:04", 11, R::kEnd},
    {"20200105T0304:05", 13, R::kEnd},
    {"20200105T2404", 9, R::kHour},
    {"20200105T0360", 11, R::kMinute},
    {"20200105T030460", 13, R::kSecond},
    {"20200105Z", 8, R::kDate},
    {"20200105.5", 8, R::kDate},
    {"\xc3\xa9", 0, R::kDigit},
    {"2020-01-05T03:04:05\xe9", 19, R::kEnd},
    {"\xb2"
     "020-01-05",
     0, R::kDigit},
};

TEST(IsoTime, SaysWhereTextsGoWrong) {
  static_assert(std::size(kErrors) >= 100);
  for (const ErrorCase& c : kErrors) {
    const IsoTime bytes = read_bytes(c.text);
    EXPECT_EQ(bytes.status, TimeTextStatus::kError) << c.text;
    EXPECT_EQ(bytes.position, c.position) << c.text;
    EXPECT_EQ(bytes.reason, c.reason) << c.text << ": " << reason_text(bytes.reason);
    EXPECT_FALSE(reason_text(bytes.reason).empty());
    if (static_cast<unsigned char>(c.text[0]) < 0x80) {
      const IsoTime wide = read(c.text);
      EXPECT_EQ(wide.position, c.position) << c.text;
    }
  }
}

TEST(IsoTime, NulsAreOnlyAtTheEnd) {
  using std::literals::operator""sv;
  const IsoTime inside = read_bytes("2020-01-05\0x"sv);
  EXPECT_EQ(inside.status, TimeTextStatus::kError);
  EXPECT_EQ(inside.position, 10u);
  EXPECT_EQ(read_bytes("\0002020"sv).position, 0u);
  EXPECT_EQ(read_bytes("2020-01-05\0\0"sv).status, TimeTextStatus::kOk);
  EXPECT_EQ(read_bytes("\0\0"sv).status, TimeTextStatus::kNat);
  EXPECT_EQ(read_bytes("NaT\0\0\0"sv).status, TimeTextStatus::kNat);
}

TEST(IsoTime, WideCharactersAreNotCut) {
  for (const char32_t c : {U'\x130', U'\x80000030', U'\xff10', U'\x10000'}) {
    std::u32string text = U"2020-01-05T03:04:05";
    for (size_t i = 0; i < text.size(); ++i) {
      std::u32string mutated = text;
      mutated[i] = c + (mutated[i] - U'0') * (c == U'\x130' ? 1 : 0);
      const IsoTime time = internal::parse_iso_time_ucs4(mutated.data(), mutated.size());
      ASSERT_EQ(time.status, TimeTextStatus::kError);
      ASSERT_EQ(time.position, i);
    }
  }
}

// --- writing -------------------------------------------------------------------------------------

TEST(IsoTime, WritesWhatNumpyWrites) {
  for (const WrittenCase& c : kWrittenByNumpy) {
    EXPECT_EQ(written(c.value, unit_of(c.unit)), c.text) << c.value << ' ' << c.unit;
  }
  for (const char* unit : {"Y", "M", "W", "D", "h", "ns", "as", "25s"}) {
    EXPECT_EQ(written(INT64_MIN, unit_of(unit)), "NaT");
    EXPECT_EQ(written(INT64_MIN, unit_of(unit), true), "NaT");
  }
}

TEST(IsoTime, WritesUtcBehindTimesOfDay) {
  EXPECT_EQ(written(0, unit_of("Y"), true), "1970");
  EXPECT_EQ(written(0, unit_of("M"), true), "1970-01");
  EXPECT_EQ(written(0, unit_of("W"), true), "1970-01-01");
  EXPECT_EQ(written(0, unit_of("D"), true), "1970-01-01");
  EXPECT_EQ(written(0, unit_of("h"), true), "1970-01-01T00Z");
  EXPECT_EQ(written(0, unit_of("m"), true), "1970-01-01T00:00Z");
  EXPECT_EQ(written(-1, unit_of("ms"), true), "1969-12-31T23:59:59.999Z");
}

// Otherwise than NumPy does.
TEST(IsoTime, WritesFarYears) {
  EXPECT_EQ(written(1'000'000, unit_of("Y")), "+1001970");
  EXPECT_EQ(written(98029, unit_of("Y")), "99999");
  EXPECT_EQ(written(98030, unit_of("Y")), "+100000");
  EXPECT_EQ(written(98030 * 12, unit_of("M")), "100000-01");
  EXPECT_EQ(written(kMax, unit_of("Y")), "+9223372036854777777");
  EXPECT_EQ(written(-kMax, unit_of("Y")), "-9223372036854773837");
  EXPECT_EQ(written(kMax, unit_of("10Y")), "+92233720368547760040");
  EXPECT_EQ(written(kMax, unit_of("2147483647Y")), "+19807040619342712359383730099");
  EXPECT_EQ(written(kMax, unit_of("W")), "176769144494367851-12-25");
  EXPECT_EQ(written(-kMax, unit_of("W")), "-176769144494363912-01-08");
  EXPECT_EQ(written(-kMax, unit_of("25s")), "-7306925613704-10-21T20:27:05");
}

TEST(IsoTime, LengthOfTexts) {
  for (const char* text : {"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"}) {
    for (const bool utc_suffix : {false, true}) {
      const TimeUnit unit = unit_of(text);
      EXPECT_EQ(time_text_length(unit, utc_suffix), written(0, unit, utc_suffix).size()) << text;
    }
  }
}

// --- back and forth ------------------------------------------------------------------------------

constexpr int32_t kMonthLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
bool leaps(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Every day of years 1570 to 2370, and of those around 0 and 10000, counted.
TEST(IsoTime, CountsDays) {
  constexpr struct {
    int64_t first_year, last_year, first_day;
  } kSpans[] = {{1570, 2370, -146097}, {-401, 401, -865990}, {9999, 10000, 2932532}};
  const TimeUnit days = unit_of("D"), months = unit_of("M"), years = unit_of("Y");
  for (const auto& span : kSpans) {
    int64_t day = span.first_day;
    for (int64_t year = span.first_year; year <= span.last_year; ++year) {
      for (int32_t month = 1; month <= 12; ++month) {
        const int32_t last = kMonthLengths[month - 1] + (month == 2 && leaps(year) ? 1 : 0);
        for (int32_t d = 1; d <= last; ++d, ++day) {
          char text[40];
          std::snprintf(text, sizeof(text), "%04lld-%02d-%02d", static_cast<long long>(year), month,
                        d);
          const IsoTime time = read_bytes(text);
          ASSERT_EQ(time.status, TimeTextStatus::kOk) << text;
          ASSERT_EQ(time_from_fields(time, days), day) << text;
          ASSERT_EQ(time_from_fields(time, months), (year - 1970) * 12 + month - 1) << text;
          ASSERT_EQ(time_from_fields(time, years), year - 1970) << text;
          ASSERT_EQ(written(day, days), text);
        }
        char text[40];
        std::snprintf(text, sizeof(text), "%04lld-%02d-%02d", static_cast<long long>(year), month,
                      last + 1);
        ASSERT_EQ(read_bytes(text).reason, TimeTextReason::kDay) << text;
      }
    }
  }
}

std::vector<TimeUnit> all_units() {
  std::vector<TimeUnit> units;
  for (int base = 0; base < static_cast<int>(TimeBase::kGeneric); ++base) {
    for (const int64_t multiple : {1, 2, 7, 10, 1000, 86400, 2147483647}) {
      units.push_back({static_cast<TimeBase>(base), multiple});
    }
  }
  return units;
}

void expect_round_trip(int64_t value, const TimeUnit& unit) {
  for (const bool utc_suffix : {false, true}) {
    const std::string text = written(value, unit, utc_suffix);
    ASSERT_LE(text.size(), internal::kMaxTimeText);
    const IsoTime time = read_bytes(text);
    ASSERT_EQ(time.status, TimeTextStatus::kOk) << text;
    ASSERT_EQ(time_from_fields(time, unit), value) << text << ' ' << unit_text(unit);
  }
}

TEST(IsoTime, RoundTrips) {
  Random random(21);
  for (const TimeUnit& unit : all_units()) {
    for (int64_t delta = 0; delta < 100; ++delta) {
      ASSERT_NO_FATAL_FAILURE(expect_round_trip(kMax - delta, unit));
      ASSERT_NO_FATAL_FAILURE(expect_round_trip(-kMax + delta, unit));
      ASSERT_NO_FATAL_FAILURE(expect_round_trip(delta - 50, unit));
    }
    for (int k = 0; k < 2000; ++k) {
      const auto value = static_cast<int64_t>(random.bits()) >> random.below(63);
      if (value == INT64_MIN) continue;
      ASSERT_NO_FATAL_FAILURE(expect_round_trip(value, unit));
    }
  }
}

// Times around the ends of int64 in units of a fixed length, by their seconds and the rest.
TEST(IsoTime, EndsOfUnits) {
  constexpr Int128 kAttos = Int128{1'000'000'000} * 1'000'000'000;
  const auto floor_div = [](Int128 a, Int128 b) { return a / b - (a % b < 0 ? 1 : 0); };
  for (const TimeUnit& unit : all_units()) {
    const internal::TimeRatio seconds = time_ratio(unit, {TimeBase::kSecond, 1});
    if (unit.is_calendar() || kAttos % seconds.den != 0) continue;
    for (int64_t beyond = -3; beyond <= 3; ++beyond) {
      for (const int sign : {-1, 1}) {
        const Int128 value = sign * (Int128{kMax} + beyond);
        IsoTime time;
        time.status = TimeTextStatus::kOk;
        const Int128 whole = floor_div(value * seconds.num, seconds.den);
        const Int128 rest = value * seconds.num - whole * seconds.den;
        time.days = floor_div(whole, 86400);
        time.second = static_cast<int32_t>(whole - time.days * 86400);
        time.attoseconds = static_cast<int64_t>(rest * (kAttos / seconds.den));
        const auto got = time_from_fields(time, unit);
        ASSERT_EQ(got.has_value(), beyond <= 0) << unit_text(unit);
        ASSERT_TRUE(!got || *got == value) << unit_text(unit);
      }
    }
  }
  EXPECT_EQ(time_from_fields(read("2262-04-11T23:47:16.854775807"), unit_of("ns")), kMax);
  EXPECT_EQ(time_from_fields(read("2262-04-11T23:47:16.854775808"), unit_of("ns")), std::nullopt);
  EXPECT_EQ(time_from_fields(read("1677-09-21T00:12:43.145224193"), unit_of("ns")), -kMax);
  EXPECT_EQ(time_from_fields(read("1677-09-21T00:12:43.145224192"), unit_of("ns")), std::nullopt);
  EXPECT_EQ(time_from_fields(read("9223372036854777777-12-31"), unit_of("Y")), kMax);
  EXPECT_EQ(time_from_fields(read("9223372036854777778-01-01"), unit_of("Y")), std::nullopt);
  EXPECT_EQ(time_from_fields(read("-9223372036854773837"), unit_of("Y")), -kMax);
  EXPECT_EQ(time_from_fields(read("-9223372036854773838-12"), unit_of("Y")), std::nullopt);
}

// A zone moves a time by minutes, over the ends of days too.
TEST(IsoTime, ZonesMoveTimes) {
  Random random(22);
  const TimeUnit seconds = unit_of("s"), minutes = unit_of("m");
  for (int k = 0; k < 20000; ++k) {
    const int64_t time = random.between(-300'000'000'000, 300'000'000'000);
    const auto hours = static_cast<int>(random.below(24)),
               rest = static_cast<int>(random.below(60));
    const bool west = random.chance(50);
    const int64_t offset = (hours * 60 + rest) * (west ? -60 : 60);
    for (const char* form : {"%c%02d:%02d", "%c%02d%02d"}) {
      char zone[20];
      std::snprintf(zone, sizeof(zone), form, west ? '-' : '+', hours, rest);
      ASSERT_EQ(time_from_fields(read_bytes(written(time, seconds) + zone), seconds),
                time - offset);
      const int64_t minute = time / 60;
      ASSERT_EQ(time_from_fields(read_bytes(written(minute, minutes) + zone), seconds),
                minute * 60 - offset);
    }
  }
}

}  // namespace
}  // namespace stridecast::testing
