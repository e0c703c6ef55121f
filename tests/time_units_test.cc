// The texts of TimeUnits: every spelling of units, separators, instants and names; epochs of both
// calendars against a table that cftime computed; errors with the position where they are.

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "dtypes/calendar.h"
#include "stridecast/datetime.h"
#include "stridecast/error.h"

namespace stridecast {
namespace {

constexpr int64_t kDay = 86400;
constexpr const char* kProleptic = "proleptic_gregorian";

struct Epoch {
  const char* text;
  const char* calendar;
  int64_t seconds;
};
// cftime 1.6.6: date2num(num2date(0, "days since " + text, calendar), "seconds since 1970-01-01",
// calendar).
constexpr Epoch kEpochs[] = {
    {"1850-01-01", "standard", -3786825600},
    {"1970-1-1 0:0:0", "standard", 0},
    {"1900-01-01 00:00:0.0", "standard", -2208988800},
    {"0001-01-01", "standard", -62135769600},
    {"1582-10-04", "standard", -12219379200},
    {"1582-10-15", "standard", -12219292800},
    {"1582-10-04 23:59:59", "standard", -12219292801},
    {"1500-02-29", "standard", -14825894400},
    {"1600-02-29 12:34:56", "standard", -11670953104},
    {"2000-02-29T01:02:03Z", "standard", 951786123},
    {"1-1-1", "standard", -62135769600},
    {"100-3-1", "standard", -59006448000},
    {"-1-12-31", "standard", -62135856000},
    {"-4713-01-01 12:00", "standard", -210866760000},
    {"-5-02-29", "standard", -62288524800},
    {"9999-12-31 23:59:59", "standard", 253402300799},
    {"10000-01-01", "standard", 253402300800},
    {"1969-12-31 23:59:59", "standard", -1},
    {"1970-01-01 00:00:00 +01:00", "standard", -3600},
    {"1970-01-01 00:00:00 -06", "standard", 21600},
    {"1970-01-01 00:00:00+0530", "standard", -19800},
    {"1990-06-15 06:30", "standard", 645431400},
    {"0004-02-29", "standard", -62036064000},
    {"0900-02-29", "standard", -33760454400},
    {"1582-10-15 01:00:00 +02:00", "standard", -12219296400},
    {"1850-01-01", "proleptic_gregorian", -3786825600},
    {"0001-01-01", "proleptic_gregorian", -62135596800},
    {"0000-01-01", "proleptic_gregorian", -62167219200},
    {"0000-02-29", "proleptic_gregorian", -62162121600},
    {"1582-10-10", "proleptic_gregorian", -12219724800},
    {"1582-10-04", "proleptic_gregorian", -12220243200},
    {"-4713-11-24 12:00", "proleptic_gregorian", -210866760000},
    {"-1-12-31", "proleptic_gregorian", -62167305600},
    {"-400-02-29", "proleptic_gregorian", -74784902400},
    {"1600-02-29", "proleptic_gregorian", -11670998400},
    {"12345-06-07", "proleptic_gregorian", 327416947200},
    {"-1067-5-4 23:25:30", "standard", -95797038870},
    {"-1067-5-4 23:25:30", "proleptic_gregorian", -95827710870},
    {"-1731-2-3 0:25:35", "standard", -116759144065},
    {"-1731-2-3 0:25:35", "proleptic_gregorian", -116789384065},
    {"-630-1-8 16:34:23", "standard", -82016436337},
    {"-630-1-8 16:34:23", "proleptic_gregorian", -82047367537},
    {"-734-3-27 3:16:13", "standard", -85291735427},
    {"-734-3-27 3:16:13", "proleptic_gregorian", -85322580227},
    {"-2790-11-26 8:51:17", "standard", -150153059323},
    {"-2790-11-26 8:51:17", "proleptic_gregorian", -150182608123},
    {"-1416-3-10 9:40:55", "standard", -106815421145},
    {"-1416-3-10 9:40:55", "proleptic_gregorian", -106845833945},
    {"2995-6-3 19:21:42", "standard", 32359202502},
    {"2995-6-3 19:21:42", "proleptic_gregorian", 32359202502},
    {"177-9-8 5:15:30", "standard", -56560013070},
    {"177-9-8 5:15:30", "proleptic_gregorian", -56559926670},
    {"-707-2-27 17:53:19", "standard", -84442025201},
    {"-707-2-27 17:53:19", "proleptic_gregorian", -84472870001},
    {"-2941-5-19 22:56:19", "standard", -154934643821},
    {"-2941-5-19 22:56:19", "proleptic_gregorian", -154964192621},
    {"1164-4-14 13:38:18", "standard", -25425310902},
    {"1164-4-14 13:38:18", "proleptic_gregorian", -25425915702},
    {"531-8-6 7:19:16", "standard", -45391509644},
    {"531-8-6 7:19:16", "proleptic_gregorian", -45391682444},
};

TEST(TimeUnitsTest, EpochsAreThoseOfCftime) {
  for (const Epoch& epoch : kEpochs) {
    const TimeUnits units =
        TimeUnits::parse(std::string("days since ") + epoch.text, epoch.calendar);
    EXPECT_EQ(units.seconds(), epoch.seconds) << epoch.text << " " << epoch.calendar;
    EXPECT_EQ(units.attoseconds(), 0);
    EXPECT_EQ(TimeUnits::parse(units.text(), kProleptic), units) << units.text();
  }
  // "gregorian" is another name of "standard", in any case of letters.
  for (const char* calendar : {"gregorian", "GREGORIAN", "Standard"}) {
    EXPECT_EQ(TimeUnits::parse("days since 1-1-1", calendar), TimeUnits::parse("days since 1-1-1"));
  }
}

TEST(TimeUnitsTest, EveryDateOfTheJulianCalendarFollowsTheOneBefore) {
  int64_t last = TimeUnits::parse("days since -9-12-31").seconds();
  for (int year = -8; year <= 1582; ++year) {
    if (year == 0) continue;
    for (int month = 1; month <= 12; ++month) {
      const int astronomical = year < 0 ? year + 1 : year;
      const bool leap = astronomical % 4 == 0;
      constexpr int kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
      const int length = kLengths[month - 1] + (month == 2 && leap ? 1 : 0);
      for (int day = 1; day <= length; ++day) {
        if (year == 1582 && month == 10 && day == 5) day = 15;
        const std::string date =
            std::to_string(year) + "-" + std::to_string(month) + "-" + std::to_string(day);
        const int64_t seconds = TimeUnits::parse("d since " + date).seconds();
        ASSERT_EQ(seconds, last + kDay) << date;
        last = seconds;
      }
      const std::string beyond =
          std::to_string(year) + "-" + std::to_string(month) + "-" + std::to_string(length + 1);
      EXPECT_THROW(TimeUnits::parse("d since " + beyond), Error) << beyond;
    }
  }
  EXPECT_EQ(last, TimeUnits::parse("d since 1582-12-31", kProleptic).seconds());
}

TEST(TimeUnitsTest, UnitsHaveManySpellings) {
  const std::pair<TimeStep, std::vector<const char*>> spellings[] = {
      {TimeStep::kWeek, {"week", "weeks"}},
      {TimeStep::kDay, {"day", "days", "d"}},
      {TimeStep::kHour, {"hour", "hours", "hr", "hrs", "h"}},
      {TimeStep::kMinute, {"minute", "minutes", "min", "mins"}},
      {TimeStep::kSecond, {"second", "seconds", "sec", "secs", "s"}},
      {TimeStep::kMillisecond,
       {"millisecond", "milliseconds", "millisec", "millisecs", "msec", "msecs", "ms"}},
      {TimeStep::kMicrosecond,
       {"microsecond", "microseconds", "microsec", "microsecs", "usec", "usecs", "us"}},
      {TimeStep::kNanosecond,
       {"nanosecond", "nanoseconds", "nanosec", "nanosecs", "nsec", "nsecs", "ns"}},
  };
  for (const auto& [step, words] : spellings) {
    for (const std::string word : words) {
      std::string upper = word;
      for (char& c : upper) c = static_cast<char>(std::toupper(c));
      for (const std::string& spelling : {word, upper}) {
        const TimeUnits units = TimeUnits::parse(spelling + " since 2000-01-01");
        EXPECT_EQ(units.step(), step) << spelling;
        EXPECT_EQ(units.seconds(), 946684800) << spelling;
        EXPECT_EQ(TimeUnits::parse(units.text()), units);
      }
    }
  }
}

TEST(TimeUnitsTest, InstantsHaveManySpellings) {
  for (const char* text : {"days since 2000-01-01",
                           "days SINCE 2000-1-1",
                           "days after 2000-01-01",
                           "days from 2000-01-01",
                           "days ref 2000-01-01",
                           "days @ 2000-01-01",
                           "days@2000-01-01",
                           "days @2000-01-01",
                           "  days  since\t2000-01-01  ",
                           "days since 2000-01-01 0",
                           "days since 2000-01-01 0:0",
                           "days since 2000-01-01 00:00:00.",
                           "days since 2000-01-01T00",
                           "days since 2000-01-01t00:00",
                           "days since 2000-01-01T00:00:00Z",
                           "days since 2000-01-01 00:00:00.000",
                           "days since 2000-01-01Z",
                           "days since 2000-01-01 UTC",
                           "days since 2000-01-01 00:00 utc",
                           "days since 2000-01-01 00:00:00 GMT",
                           "days since 2000-01-01 00:00:00UTC",
                           "days since 2000-01-01 +0",
                           "days since 2000-01-01 01:00 +1",
                           "days since 2000-01-01 01:00 +01",
                           "days since 2000-01-01 01:00+01:00",
                           "days since 2000-01-01 01:00+0100",
                           "days since 2000-01-01 01:30+130",
                           "days since 1999-12-31 18:00 -6",
                           "days since 1999-12-31 18:00:00 -6:00",
                           "days since 2000-01-01 05:30:00+0530",
                           "days since 2000",
                           "days since 2000-01",
                           "days since 2000-1",
                           "days since 20000101",
                           "days since 20000101T00:00",
                           "days since +2000-01-01",
                           "days since 002000-01-01"}) {
    const TimeUnits units = TimeUnits::parse(text);
    EXPECT_EQ(units.seconds(), 946684800) << text;
    EXPECT_EQ(units.attoseconds(), 0) << text;
    EXPECT_EQ(units.text(), "days since 2000-01-01") << text;
  }
}

TEST(TimeUnitsTest, FractionsAreExact) {
  const auto attoseconds = [](const std::string& fraction) {
    return TimeUnits::parse("s since 1969-12-31 23:59:59." + fraction).attoseconds();
  };
  EXPECT_EQ(attoseconds("5"), 500'000'000'000'000'000);
  EXPECT_EQ(attoseconds("123456789"), 123'456'789'000'000'000);
  EXPECT_EQ(attoseconds("000000000000000001"), 1);
  EXPECT_EQ(attoseconds("999999999999999999"), 999'999'999'999'999'999);
  EXPECT_EQ(attoseconds("1000000000000000000000000"), 100'000'000'000'000'000);
  EXPECT_THROW(attoseconds("0000000000000000001"), Error);
  const TimeUnits units = TimeUnits::parse("s since 1969-12-31 23:59:59.25");
  EXPECT_EQ(units.seconds(), -1);
  EXPECT_EQ(units.text(), "seconds since 1969-12-31 23:59:59.25");
  EXPECT_EQ(TimeUnits::parse(units.text()), units);
}

TEST(TimeUnitsTest, KnownEpochsHaveNames) {
  const auto equal = [](const char* name, const char* text) {
    const TimeUnits units = TimeUnits::parse(text, kProleptic);
    EXPECT_EQ(TimeUnits::parse(name), units) << name;
    EXPECT_EQ(TimeUnits::parse(name, kProleptic), units) << name;
  };
  for (const char* name : {"julian day", "Julian Days", "JD", "jd", " julian  day "}) {
    equal(name, "days since -4713-11-24 12:00");
  }
  for (const char* name : {"modified julian day", "Modified Julian Days", "MJD"}) {
    equal(name, "days since 1858-11-17");
  }
  equal("gps seconds", "seconds since 1980-01-06");
  equal("GPS", "seconds since 1980-01-06");
  equal("gps weeks", "weeks since 1980-01-06");
  equal("excel", "days since 1899-12-30");
  equal("unix", "seconds since 1970-01-01");
  equal("unix s", "seconds since 1970-01-01");
  equal("Unix MS", "milliseconds since 1970-01-01");
  equal("unix us", "us since 1970-01-01");
  equal("unix ns", "ns since 1970-01-01");
  // The Julian calendar's own zero.
  EXPECT_EQ(TimeUnits::parse("JD"), TimeUnits::parse("days since -4713-01-01 12:00"));
}

TEST(TimeUnitsTest, YearsAreLarge) {
  for (const int64_t year : {int64_t{9999}, int64_t{10000}, int64_t{123456}, int64_t{292000000000},
                             int64_t{-1}, int64_t{-9999}, int64_t{-292000000000}}) {
    const TimeUnits units =
        TimeUnits::parse("days since " + std::to_string(year) + "-02-28 23:59:59", kProleptic);
    EXPECT_EQ(units.seconds(), internal::days_from_civil(year, 2, 28) * kDay + kDay - 1) << year;
    EXPECT_EQ(TimeUnits::parse(units.text(), kProleptic), units) << units.text();
  }
}

struct Bad {
  const char* text;
  int64_t position;
  const char* says;  // a part of the message
};
constexpr Bad kBad[] = {
    {"", 0, "a unit is expected"},
    {"days", 4, "'since' is expected"},
    {"days since", 10, "a date is expected"},
    {"days since ", 11, "a date is expected"},
    {"days until 2000-01-01", 5, "'since' is expected"},
    {"fortnights since 2000-01-01", 0, "'fortnights' is no unit"},
    {"6 hours since 2000-01-01", 0, "a unit is expected"},
    {"m since 2000-01-01", 0, "'m' is no unit"},
    {"months since 2000-01-01", 0, "datetime64[M]"},
    {"  years since 2000-01-01", 2, "no fixed length"},
    {"common_years since 2000-01-01", 0, "no fixed length"},
    {"days since x", 11, "a date is expected"},
    {"days since 2000-13-01", 16, "a month 13 is not from 1 to 12"},
    {"days since 2000-00-01", 16, "a month 0"},
    {"days since 2000-001-01", 16, "one or two digits"},
    {"days since 2000-01-32", 19, "a day 32"},
    {"days since 2000-01-", 19, "a day of one or two digits"},
    {"days since 2001-02-29", 11, "this month has 28 days, not 29"},
    {"days since 200001", 11, "year-month-day"},
    {"days since 20001301", 15, "a month 13"},
    {"days since 1582-10-10", 11, "proleptic_gregorian"},
    {"days since 0-1-1", 11, "no year 0"},
    {"days since 300000000000-01-01", 11, "64 bits"},
    {"days since 2000/01/01", 15, "is no zone"},
    {"days since 2000-01-01 24:00", 22, "an hour 24"},
    {"days since 2000-01-01T", 22, "an hour"},
    {"days since 2000-01-01 1230", 22, "an hour of one or two digits"},
    {"days since 2000-01-01 00:60", 25, "a minute 60"},
    {"days since 2000-01-01 00:00:60", 28, "no leap seconds"},
    {"days since 2000-01-01 00:00:00,5", 30, "is no zone"},
    {"days since 2000-01-01 00:00 EST", 28, "'est' is no zone"},
    {"days since 2000-01-01 00:00 +", 28, "an offset from UTC"},
    {"days since 2000-01-01 00:00 +24:00", 28, "below 24 hours"},
    {"days since 2000-01-01 00:00 +0160", 28, "an offset from UTC"},
    {"days since 2000-01-01 00:00 Z Z", 30, "the end"},
    {"unix fortnights", 0, "'unix' is no unit"},
    {"julian day since 2000-01-01", 0, "'julian' is no unit"},
};

TEST(TimeUnitsTest, ErrorsSayWhere) {
  for (const Bad& bad : kBad) {
    try {
      TimeUnits::parse(bad.text);
      ADD_FAILURE() << "'" << bad.text << "' was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << bad.text;
      EXPECT_EQ(error.position(), bad.position) << error.what();
      EXPECT_NE(std::string(error.what()).find(bad.says), std::string::npos) << error.what();
    }
  }
}

TEST(TimeUnitsTest, OtherCalendarsAreRefused) {
  for (const char* calendar :
       {"noleap", "365_day", "360_day", "julian", "all_leap", "366_day", "tai", "utc", "NoLeap"}) {
    try {
      TimeUnits::parse("days since 2000-01-01", calendar);
      ADD_FAILURE() << calendar;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find("cftime"), std::string::npos) << error.what();
    }
  }
  for (const char* calendar : {"", "persian"}) {
    EXPECT_THROW(TimeUnits::parse("days since 2000-01-01", calendar), Error) << calendar;
  }
}

// Any bytes are read or refused, and nothing else.
TEST(TimeUnitsTest, CutTextsAreNoHarm) {
  const std::string whole = "hours since -1900-12-31 23:59:59.123456 +05:30";
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    for (int c = 0; c < 256; ++c) {
      const std::string text = whole.substr(0, cut) + static_cast<char>(c);
      try {
        const TimeUnits units = TimeUnits::parse(text);
        EXPECT_EQ(TimeUnits::parse(units.text(), kProleptic), units) << text;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      }
    }
  }
}

}  // namespace
}  // namespace stridecast
