// Times in other units: every pair of units with and without multiples, of points and spans, under
// every rule for what does not fit, against the oracle of tests/reference/times.h. The values are
// those around every boundary that a pair has, and random ones of every magnitude.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/times.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using reference::Int128;
using reference::Unit;
using Times = std::vector<int64_t>;

constexpr int64_t kNaT = reference::kNaT;
constexpr const char* kBases[] = {"Y",  "M",  "W",  "D",  "h",  "m", "s",
                                  "ms", "us", "ns", "ps", "fs", "as"};

enum class Kind { kPoint, kSpan };

std::string format_of(Kind kind, const Unit& unit) {
  const char* name = kind == Kind::kPoint ? "datetime64" : "timedelta64";
  return std::string("[numpy$") + name + "$" + unit.text() + "]";
}

std::optional<int64_t> expected(Kind kind, int64_t value, const Unit& src, const Unit& dst,
                                bool* exact) {
  return kind == Kind::kPoint ? reference::convert_point(value, src, dst, exact)
                              : reference::convert_span(value, src, dst, exact);
}

int64_t clamp_to_int64(Int128 value) {
  const Int128 most = INT64_MAX;
  return static_cast<int64_t>(value > most ? most : value < -most ? -most : value);
}

// Where days, months, leap years, centuries and eras begin, in a unit.
Times calendar_boundaries(const Unit& unit) {
  Times times;
  for (const int year : {-1000000, -400, -1, 0, 1, 1600, 1900, 1969, 1970, 1972, 2000, 2001, 2100,
                         2400, 9999, 1000000}) {
    for (const int month : {1, 2, 3, 12}) {
      const Int128 days = reference::days_of(year, month, 1);
      bool exact;
      const auto at = reference::convert_point(static_cast<int64_t>(days), {"D"}, unit, &exact);
      if (!at) continue;
      for (const int64_t near : {-1, 0, 1}) times.push_back(clamp_to_int64(Int128{*at} + near));
    }
  }
  return times;
}

// The values next to the first one that does not fit, found by halving.
void add_limits(Kind kind, const Unit& src, const Unit& dst, Times& times) {
  for (const int64_t end : {INT64_MAX, -INT64_MAX}) {
    bool exact;
    int64_t fits = 0, fails = end;
    if (expected(kind, end, src, dst, &exact)) continue;
    while (fits - fails > 1 || fails - fits > 1) {
      const auto middle = static_cast<int64_t>((Int128{fits} + fails) / 2);
      (expected(kind, middle, src, dst, &exact) ? fits : fails) = middle;
    }
    for (const int64_t near : {-1, 0, 1}) times.push_back(clamp_to_int64(Int128{fits} + near));
    times.push_back(fails);
  }
}

Times values_of(Kind kind, const Unit& src, const Unit& dst, Random& random) {
  Times times = {0, 1, -1, kNaT, INT64_MAX, INT64_MAX - 1, -INT64_MAX, -INT64_MAX + 1};
  const Times boundaries = calendar_boundaries(src);
  times.insert(times.end(), boundaries.begin(), boundaries.end());
  add_limits(kind, src, dst, times);
  for (int k = 0; k < 40; ++k) {
    times.push_back(static_cast<int64_t>(random.bits()) >> (random.bits() % 64));
  }
  return times;
}

Layout layout_of(const std::string& format, size_t n) {
  return Layout::contiguous(Format::parse(format), {static_cast<int64_t>(n)});
}

struct Outcome {
  RunStatus status;
  Times times;
};
Outcome convert(const std::string& from, const std::string& to, const Times& in,
                const ConvertOptions& options) {
  const Plan plan = Plan::convert(layout_of(from, in.size()), layout_of(to, in.size()), options);
  Outcome outcome;
  outcome.times.assign(in.size(), 12345);
  outcome.status = plan.try_run({const_cast<int64_t*>(in.data())}, {outcome.times.data()});
  return outcome;
}

void check_pair(Kind kind, const Unit& src, const Unit& dst, Random& random) {
  SCOPED_TRACE(format_of(kind, src) + " -> " + format_of(kind, dst));
  const Times in = values_of(kind, src, dst, random);
  const std::string from = format_of(kind, src), to = format_of(kind, dst);
  Times fitting, fitting_results, saturated, nat;
  int64_t first_bad = -1, first_inexact = -1;
  for (size_t i = 0; i < in.size(); ++i) {
    bool exact;
    const auto result = expected(kind, in[i], src, dst, &exact);
    if (result) {
      fitting.push_back(in[i]);
      fitting_results.push_back(*result);
    }
    if (!result && first_bad < 0) first_bad = static_cast<int64_t>(i);
    if ((!result || !exact) && first_inexact < 0) first_inexact = static_cast<int64_t>(i);
    saturated.push_back(result ? *result : in[i] < 0 ? -INT64_MAX : INT64_MAX);
    nat.push_back(result ? *result : kNaT);
  }
  EXPECT_EQ(convert(from, to, in, {.overflow = Overflow::kSaturate}).times, saturated);
  EXPECT_EQ(convert(from, to, in, {.overflow = Overflow::kNat}).times, nat);
  const Outcome raised = convert(from, to, in, {});
  EXPECT_EQ(raised.status.ok(), first_bad < 0);
  EXPECT_EQ(raised.status.index, first_bad);
  const Outcome plain = convert(from, to, fitting, {});
  EXPECT_TRUE(plain.status.ok());
  EXPECT_EQ(plain.times, fitting_results);
  // Alone, since one value far away decides how its neighbours are converted.
  Times close, close_results;
  for (int k = 0; k < 300; ++k) {
    const int64_t value = k % 37 == 5 ? kNaT : random.between(-40000, 40000);
    bool exact;
    const auto result = expected(kind, value, src, dst, &exact);
    if (!result) continue;
    close.push_back(value);
    close_results.push_back(*result);
  }
  EXPECT_EQ(convert(from, to, close, {}).times, close_results);
  const bool averages = kind == Kind::kSpan && src.is_calendar() != dst.is_calendar();
  if (averages) return;
  const Outcome same = convert(from, to, in, {.casting = Casting::kSameValue});
  EXPECT_EQ(same.status.ok(), first_inexact < 0);
  EXPECT_EQ(same.status.index, first_inexact);
}

class TimePlanTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(TimePlanTest);

TEST_P(TimePlanTest, EveryPairOfUnits) {
  Random random(1);
  for (const Kind kind : {Kind::kPoint, Kind::kSpan}) {
    for (const char* src : kBases) {
      for (const char* dst : kBases) check_pair(kind, {src}, {dst}, random);
    }
  }
}

TEST_P(TimePlanTest, EveryPairOfUnitsWithMultiples) {
  Random random(2);
  constexpr int64_t kMultiples[] = {1, 2, 3, 7, 12, 25, 60, 1000, 1024, 86400, 99991, 2147483647};
  for (const Kind kind : {Kind::kPoint, Kind::kSpan}) {
    for (const char* src : kBases) {
      for (const char* dst : kBases) {
        const auto any = [&] { return kMultiples[random.bits() % std::size(kMultiples)]; };
        check_pair(kind, {src, any()}, {dst, any()}, random);
      }
    }
  }
}

// 400 years either way, every day: the length after which the calendar repeats, twice.
TEST_P(TimePlanTest, EveryDayOfTwoEras) {
  Times days;
  for (int64_t day = -146097; day <= 146097; ++day) days.push_back(day);
  for (const char* unit : {"Y", "M"}) {
    const Outcome outcome =
        convert("[numpy$datetime64$D]", format_of(Kind::kPoint, {unit}), days, {});
    ASSERT_TRUE(outcome.status.ok());
    for (size_t i = 0; i < days.size(); ++i) {
      const reference::Date date = reference::date_of(days[i]);
      const auto years = static_cast<int64_t>(date.year - 1970);
      ASSERT_EQ(outcome.times[i], unit[0] == 'Y' ? years : years * 12 + date.month - 1) << days[i];
    }
  }
  Times months;
  for (int64_t month = -4800; month <= 4800; ++month) months.push_back(month);
  const Outcome outcome = convert("[numpy$datetime64$M]", "[numpy$datetime64$D]", months, {});
  for (size_t i = 0; i < months.size(); ++i) {
    const int64_t year = 1600 + static_cast<int64_t>(i) / 12 - 30;
    const auto month = static_cast<int>(i % 12) + 1;
    ASSERT_EQ(outcome.times[i], static_cast<int64_t>(reference::days_of(year, month, 1)));
  }
}

// Vectors hold the calendar of a million years; what lies at their ends and beyond.
TEST_P(TimePlanTest, AroundTheVectorsRange) {
  Random random(3);
  for (const int64_t end : {int64_t{1} << 29, int64_t{1} << 30, int64_t{536870912 + 719468}}) {
    for (const int sign : {-1, 1}) {
      Times days;
      for (int64_t near = -70; near <= 70; ++near) days.push_back(sign * end + near);
      for (int k = 0; k < 500; ++k) {
        days.push_back(sign * (end + static_cast<int64_t>(random.bits() % 2000000) - 1000000));
      }
      const Outcome outcome = convert("[numpy$datetime64$D]", "[numpy$datetime64$M]", days, {});
      const Outcome back =
          convert("[numpy$datetime64$M]", "[numpy$datetime64$D]", outcome.times, {});
      for (size_t i = 0; i < days.size(); ++i) {
        const reference::Date date = reference::date_of(days[i]);
        ASSERT_EQ(outcome.times[i], static_cast<int64_t>((date.year - 1970) * 12 + date.month - 1));
        ASSERT_EQ(back.times[i], days[i] - date.day + 1);
      }
    }
  }
}

// Around multiples of the divisor, at both ends of int64 and in between, where a quotient that is
// one off would show.
TEST_P(TimePlanTest, DivisionsAroundMultiples) {
  Random random(4);
  const Unit pairs[][2] = {{{"ns"}, {"s"}},
                           {{"ns"}, {"D"}},
                           {{"s"}, {"D"}},
                           {{"as"}, {"ns"}},
                           {{"us"}, {"W"}},
                           {{"D"}, {"W"}},
                           {{"ns"}, {"s", 2147483647}},
                           {{"ms"}, {"s", 3}},
                           {{"s"}, {"s", 2}},
                           {{"as"}, {"D"}},
                           {{"fs"}, {"W", 99991}}};
  for (const auto& [src, dst] : pairs) {
    // clang before 16 captures structured bindings by name only.
    const Int128 divisor = [&src = src, &dst = dst] {
      for (int64_t low = 1, high = INT64_MAX;;) {  // the least value that becomes 1
        if (low == high) return Int128{low};
        const int64_t middle = low + (high - low) / 2;
        bool exact;
        (*reference::convert_point(middle, src, dst, &exact) >= 1 ? high : low) =
            *reference::convert_point(middle, src, dst, &exact) >= 1 ? middle : middle + 1;
      }
    }();
    Times in;
    const auto quotients = static_cast<int64_t>(INT64_MAX / divisor);
    for (int k = 0; k < 400; ++k) {
      int64_t quotient =
          k < 100 ? quotients - k : static_cast<int64_t>(random.bits() >> 1) % (quotients + 1);
      if (k % 2 != 0) quotient = -quotient;
      for (const int64_t near : {-1, 0, 1}) in.push_back(clamp_to_int64(quotient * divisor + near));
    }
    const Outcome outcome =
        convert(format_of(Kind::kPoint, src), format_of(Kind::kPoint, dst), in, {});
    ASSERT_TRUE(outcome.status.ok());
    for (size_t i = 0; i < in.size(); ++i) {
      bool exact;
      ASSERT_EQ(outcome.times[i], *reference::convert_point(in[i], src, dst, &exact))
          << src.text() << " " << dst.text() << " " << in[i];
    }
  }
}

TEST_P(TimePlanTest, NaTAtEveryPlace) {
  for (const auto& [from, to] :
       {std::pair{"s", "ns"}, {"ns", "s"}, {"D", "M"}, {"M", "D"}, {"ns", "Y"}}) {
    for (size_t n = 1; n < 40; ++n) {
      for (size_t at = 0; at < n; ++at) {
        Times in(n, 1000);
        in[at] = kNaT;
        const Outcome outcome =
            convert(format_of(Kind::kPoint, {from}), format_of(Kind::kPoint, {to}), in, {});
        ASSERT_TRUE(outcome.status.ok());
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(outcome.times[i] == kNaT, i == at);
      }
    }
  }
}

// --- numbers -------------------------------------------------------------------------------------

template <typename S, typename D>
std::vector<D> convert_numbers(const char* from, const char* to, const std::vector<S>& in,
                               const ConvertOptions& options = {}) {
  std::vector<D> out(in.size());
  Plan::convert(layout_of(from, in.size()), layout_of(to, in.size()), options)
      .run(in.data(), out.data());
  return out;
}
constexpr const char* kSeconds = "[numpy$datetime64$s]";
constexpr const char* kSpan = "[numpy$timedelta64$s]";

TEST_P(TimePlanTest, IntegersAreTheBits) {
  const Times in = {0, -1, kNaT, INT64_MAX};
  EXPECT_EQ((convert_numbers<int64_t, int64_t>(kSeconds, "q", in)), in);
  EXPECT_EQ((convert_numbers<int64_t, int64_t>("q", kSpan, in)), in);
  EXPECT_EQ((convert_numbers<int8_t, int64_t>("b", kSpan, {-128, 127})), (Times{-128, 127}));
  EXPECT_EQ((convert_numbers<uint64_t, int64_t>("Q", kSpan, {5, INT64_MAX})),
            (Times{5, INT64_MAX}));
}

TEST_P(TimePlanTest, IntegersThatDoNotFit) {
  const std::vector<uint64_t> large = {1, uint64_t{1} << 63};
  EXPECT_THROW((convert_numbers<uint64_t, int64_t>("Q", kSpan, large)), Error);
  EXPECT_EQ((convert_numbers<uint64_t, int64_t>("Q", kSpan, large, {.overflow = Overflow::kNat})),
            (Times{1, kNaT}));
  EXPECT_EQ(
      (convert_numbers<uint64_t, int64_t>("Q", kSpan, large, {.overflow = Overflow::kSaturate})),
      (Times{1, INT64_MAX}));
  EXPECT_EQ((convert_numbers<uint64_t, int64_t>("Q", kSpan, large, {.overflow = Overflow::kWrap})),
            (Times{1, kNaT}));
  for (const int64_t bad : {kNaT, int64_t{1} << 31}) {
    EXPECT_THROW((convert_numbers<int64_t, int32_t>(kSpan, "i", {1, bad})), Error);
    EXPECT_EQ(
        (convert_numbers<int64_t, int32_t>(kSpan, "i", {1, bad}, {.overflow = Overflow::kWrap})),
        (std::vector<int32_t>{1, static_cast<int32_t>(bad)}));
  }
  EXPECT_EQ((convert_numbers<int64_t, int32_t>(kSpan, "i", {int64_t{1} << 40, -7},
                                               {.overflow = Overflow::kSaturate})),
            (std::vector<int32_t>{INT32_MAX, -7}));
  EXPECT_THROW(
      (convert_numbers<int64_t, int32_t>(kSpan, "i", {kNaT}, {.overflow = Overflow::kSaturate})),
      Error);
}

TEST_P(TimePlanTest, FloatsHaveNaNForNaT) {
  const Times in = {0, -3, kNaT, (int64_t{1} << 53) + 1, INT64_MAX};
  const auto doubles = convert_numbers<int64_t, double>(kSeconds, "d", in);
  const auto floats = convert_numbers<int64_t, float>(kSeconds, "f", in);
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] == kNaT) {
      EXPECT_TRUE(std::isnan(doubles[i]) && std::isnan(floats[i]));
    } else {
      EXPECT_EQ(doubles[i], static_cast<double>(in[i]));
      EXPECT_EQ(floats[i], static_cast<float>(in[i]));
    }
  }
  const auto longs = convert_numbers<int64_t, long double>(kSeconds, "g", in);
  EXPECT_TRUE(std::isnan(longs[2]));
  EXPECT_EQ(longs[4], static_cast<long double>(INT64_MAX));
  // Towards zero, where nearest would go up.
  const auto down = convert_numbers<int64_t, double>(kSeconds, "d", {INT64_MAX, kNaT},
                                                     {.rounding = Rounding::kTowardsZero});
  EXPECT_EQ(down[0], 0x1p63 - 1024);
  EXPECT_TRUE(std::isnan(down[1]));
  const auto halves = convert_numbers<int64_t, uint16_t>(kSeconds, "e", {1, kNaT, 100000});
  EXPECT_EQ(halves, (std::vector<uint16_t>{0x3C00, 0x7E00, 0x7C00}));
}

TEST_P(TimePlanTest, FloatsToTimes) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = 1 / 0.0;
  EXPECT_EQ((convert_numbers<double, int64_t>("d", kSpan, {1.9, -1.9, nan, -0x1p62})),
            (Times{1, -1, kNaT, -(int64_t{1} << 62)}));
  for (const double bad : {inf, -inf, 0x1p63, -0x1p63, 1e300}) {
    const std::vector<double> in = {1, 2, bad, nan};
    const auto with = [&](Overflow overflow) {
      return convert_numbers<double, int64_t>("d", kSpan, in, {.overflow = overflow});
    };
    EXPECT_THROW(with(Overflow::kDefault), Error);
    EXPECT_EQ(with(Overflow::kNat), (Times{1, 2, kNaT, kNaT}));
    EXPECT_EQ(with(Overflow::kSaturate), (Times{1, 2, bad > 0 ? INT64_MAX : -INT64_MAX, kNaT}));
  }
  EXPECT_THROW((convert_numbers<double, int64_t>("d", kSpan, {nan}, {.nan = NanPolicy::kRaise})),
               Error);
  EXPECT_EQ((convert_numbers<double, int64_t>("d", kSpan, {2.5, 3.5},
                                              {.rounding = Rounding::kNearestEven})),
            (Times{2, 4}));
  EXPECT_THROW(
      (convert_numbers<double, int64_t>("d", kSpan, {2.5}, {.casting = Casting::kSameValue})),
      Error);
  EXPECT_EQ((convert_numbers<long double, int64_t>("g", kSpan, {0x1p62L + 1, NAN})),
            (Times{(int64_t{1} << 62) + 1, kNaT}));
  EXPECT_EQ((convert_numbers<float, int64_t>("f", kSpan, {1.5f, NAN})), (Times{1, kNaT}));
}

TEST_P(TimePlanTest, BoolAndComplex) {
  EXPECT_EQ((convert_numbers<int64_t, uint8_t>(kSpan, "?", {0, 5, kNaT})),
            (std::vector<uint8_t>{0, 1, 1}));
  EXPECT_EQ((convert_numbers<double, int64_t>("d", kSpan, {3})), (Times{3}));
  const double complex[2] = {4.5, 9};
  int64_t time = 0;
  Plan::convert(layout_of("Zd", 1), layout_of(kSpan, 1)).run(complex, &time);
  EXPECT_EQ(time, 4);
  double back[2];
  Plan::convert(layout_of(kSpan, 1), layout_of("Zd", 1)).run(&time, back);
  EXPECT_EQ(back[0], 4);
  EXPECT_EQ(back[1], 0);
}

// --- what is refused -----------------------------------------------------------------------------

void expect_refused(const char* from, const char* to, const ConvertOptions& options,
                    const char* part) {
  try {
    Plan::convert(layout_of(from, 1), layout_of(to, 1), options);
    ADD_FAILURE() << from << " -> " << to << " was not refused";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(TimeRefusals, SayWhatToDo) {
  expect_refused(kSeconds, kSpan, {}, "no span of time");
  expect_refused(kSpan, "[numpy$timedelta64$]", {}, "needs a unit");
  expect_refused("[numpy$timedelta64$Y]", "[numpy$timedelta64$D]", {.casting = Casting::kSameKind},
                 "not allowed");
  expect_refused(kSeconds, "[numpy$datetime64$D]", {.casting = Casting::kSafe}, "not allowed");
  expect_refused("q", kSeconds, {.casting = Casting::kSameKind}, "not allowed");
  expect_refused(kSeconds, "[numpy$datetime64$D]", {.overflow = Overflow::kWrap}, "do not wrap");
  expect_refused("q", "i", {.overflow = Overflow::kNat}, "destinations of times");
  expect_refused("q", kSpan, {.text_errors = TextErrors::kNat}, "texts that become times");
  expect_refused("q", kSpan, {.utc_suffix = true}, "times that become texts");
  expect_refused("10s", kSpan, {}, "points in time");
  expect_refused("[numpy$datetime64$]", "10s", {}, "needs a unit");
  expect_refused(kSeconds, "[datetime$date$]", {.overflow = Overflow::kNat}, "no NaT");
}

TEST(TimeCasting, WhatNumPyAllows) {
  const auto safe = [](const char* from, const char* to) {
    Plan::convert(layout_of(from, 1), layout_of(to, 1), {.casting = Casting::kSafe});
  };
  EXPECT_NO_THROW(safe(kSeconds, "[numpy$datetime64$ns]"));
  EXPECT_NO_THROW(safe("[numpy$datetime64$Y]", "[numpy$datetime64$D]"));
  EXPECT_NO_THROW(safe("[numpy$datetime64$4s]", "[numpy$datetime64$2s]"));
  EXPECT_THROW(safe("[numpy$datetime64$3s]", "[numpy$datetime64$2s]"), Error);
  EXPECT_NO_THROW(safe("i", kSpan));
  EXPECT_THROW(safe("Q", kSpan), Error);
  EXPECT_NO_THROW(safe("[numpy$timedelta64$]", kSpan));
}

// --- Python's date, datetime, timedelta ----------------------------------------------------------

TEST_P(TimePlanTest, PythonDates) {
  const Times days = {0, -719162, 2932896};
  const auto dates =
      convert_numbers<int64_t, int32_t>("[numpy$datetime64$D]", "[datetime$date$]", days);
  EXPECT_EQ(dates, (std::vector<int32_t>{0, -719162, 2932896}));
  EXPECT_EQ(
      (convert_numbers<int32_t, int64_t>("[datetime$date$]", "[numpy$datetime64$s]", {1, -1})),
      (Times{86400, -86400}));
  for (const int64_t bad : {kNaT, int64_t{-719163}, int64_t{2932897}}) {
    EXPECT_THROW(
        (convert_numbers<int64_t, int32_t>("[numpy$datetime64$D]", "[datetime$date$]", {bad})),
        Error);
  }
  EXPECT_EQ(
      (convert_numbers<int64_t, int32_t>("[numpy$datetime64$D]", "[datetime$date$]",
                                         {-719163, 2932897}, {.overflow = Overflow::kSaturate})),
      (std::vector<int32_t>{-719162, 2932896}));
}

TEST_P(TimePlanTest, PythonDatetimesAndTimedeltas) {
  const int64_t last = 253402300799999999;
  EXPECT_EQ((convert_numbers<int64_t, int64_t>("[numpy$datetime64$us]", "[datetime$datetime$us]",
                                               {last, -62135596800000000})),
            (Times{last, -62135596800000000}));
  EXPECT_THROW((convert_numbers<int64_t, int64_t>("[numpy$datetime64$us]", "[datetime$datetime$us]",
                                                  {last + 1})),
               Error);
  EXPECT_EQ((convert_numbers<int64_t, int64_t>("[datetime$datetime$us,UTC]",
                                               "[numpy$datetime64$ns]", {5, kNaT})),
            (Times{5000, kNaT}));
  EXPECT_EQ(
      (convert_numbers<int64_t, int64_t>("[numpy$timedelta64$s]", "[datetime$timedelta$us]", {-3})),
      (Times{-3000000}));
  EXPECT_THROW((convert_numbers<int64_t, int64_t>("[numpy$timedelta64$s]",
                                                  "[datetime$timedelta$us]", {kNaT})),
               Error);
}

// --- layouts -------------------------------------------------------------------------------------

TEST_P(TimePlanTest, InStructsByteswappedUnalignedAndStrided) {
  // 3 bytes, a big-endian time at offset 3, and a float behind it.
  const Layout src =
      Layout::strided(Format::parse("=T{3s:a:>[numpy$datetime64$s]:t:<f:x:}"), {5}, {-15});
  const Layout dst =
      Layout::contiguous(Format::parse("=T{f:x:[numpy$datetime64$ns]:t:3s:a:}"), {5});
  std::vector<unsigned char> in(75), out(75);
  for (int i = 0; i < 5; ++i) {
    unsigned char* const item = in.data() + 15 * (4 - i);
    std::memcpy(item, "abc", 3);
    const uint64_t bits =
        __builtin_bswap64(i == 2 ? uint64_t{1} << 63 : static_cast<uint64_t>(i - 1));
    const auto number = static_cast<float>(i);
    std::memcpy(item + 3, &bits, 8);
    std::memcpy(item + 11, &number, 4);
  }
  Plan::convert(src, dst).run(in.data() + 60, out.data());
  for (int i = 0; i < 5; ++i) {
    int64_t time;
    std::memcpy(&time, out.data() + 15 * i + 4, 8);
    EXPECT_EQ(time, i == 2 ? kNaT : (i - 1) * int64_t{1000000000}) << i;
  }
}

}  // namespace
}  // namespace stridecast::testing
