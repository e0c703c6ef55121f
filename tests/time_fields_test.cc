// Calendar fields of datetimes: every field of every unit against the oracle's dates and plain
// arithmetic, from days within the vectors' range and far beyond, NaT, sources of all layouts, and
// what is refused.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/run.h"
#include "stridecast/plan.h"
#include "tests/reference/times.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using reference::Int128;
using Times = std::vector<int64_t>;

constexpr int64_t kNaT = reference::kNaT;

std::vector<TimeField> all_fields() {
  std::vector<TimeField> fields;
  for (int k = 0; k < kNumTimeFields; ++k) fields.push_back(static_cast<TimeField>(k));
  return fields;
}

Int128 floor_mod(Int128 a, Int128 b) { return (a % b + b) % b; }

// Of a day: the ISO week by counting Thursdays from the year's first.
struct Week {
  Int128 year, week;
};
Week iso_week(Int128 day) {
  const Int128 weekday = floor_mod(day + 3, 7);
  const Int128 thursday = day - weekday + 3;
  const Int128 year = reference::date_of(thursday).year;
  Int128 first = reference::days_of(year, 1, 1);
  while (floor_mod(first + 3, 7) != 3) ++first;
  return {year, (thursday - first) / 7 + 1};
}

Int128 expected(TimeField field, int64_t value, const reference::Unit& unit) {
  bool exact;
  const int64_t day = *reference::convert_point(value, unit, {"D"}, &exact);
  const reference::Date date = reference::date_of(day);
  const Int128 january = reference::days_of(date.year, 1, 1);
  const int64_t next_month = date.month == 12 ? 1 : date.month + 1;
  const Int128 end =
      reference::days_of(date.year + (date.month == 12 ? 1 : 0), static_cast<int>(next_month), 1);
  // So many of a unit since midnight, for units that a day does not hold too many of.
  const auto within = [&](const char* finer, Int128 period) -> Int128 {
    const auto units = reference::convert_point(value, unit, {finer}, &exact);
    return units ? floor_mod(*units, period) : -1;
  };
  switch (field) {
    case TimeField::kYear:
      return date.year;
    case TimeField::kQuarter:
      return (date.month - 1) / 3 + 1;
    case TimeField::kMonth:
      return date.month;
    case TimeField::kDay:
      return date.day;
    case TimeField::kDayOfYear:
      return day - january + 1;
    case TimeField::kWeekday:
      return floor_mod(Int128{day} + 3, 7);
    case TimeField::kIsoYear:
      return iso_week(day).year;
    case TimeField::kIsoWeek:
      return iso_week(day).week;
    case TimeField::kDaysInMonth:
      return end - reference::days_of(date.year, date.month, 1);
    case TimeField::kIsLeapYear:
      return reference::days_of(date.year + 1, 1, 1) - january - 365;
    case TimeField::kHour:
      return within("h", 24);
    case TimeField::kMinute:
      return within("m", 60);
    case TimeField::kSecond:
      return within("s", 60);
    case TimeField::kMillisecond:
      return within("ms", 1000);
    case TimeField::kMicrosecond:
      return within("us", 1000000);
    case TimeField::kNanosecond:
      return within("ns", 1000);
    case TimeField::kPicosecond:
      return within("ps", 1000);
    case TimeField::kFemtosecond:
      return within("fs", 1000);
    case TimeField::kAttosecond:
      return within("as", 1000);
  }
  return -1;
}

Format datetime(const std::string& unit) {
  return Format::parse("[numpy$datetime64$" + unit + "]");
}

struct Rows {
  RunStatus status;
  std::vector<Times> rows;
};
Rows take_apart(const Times& in, const std::string& unit, const std::vector<TimeField>& fields,
                const TimeFieldsOptions& options = {}) {
  const auto n = static_cast<int64_t>(in.size()), k = static_cast<int64_t>(fields.size());
  const Plan plan =
      Plan::datetime_fields(Layout::contiguous(datetime(unit), {n}),
                            Layout::contiguous(Format::parse("q"), {k, n}), fields, options);
  Times out(in.size() * fields.size(), -12345);
  Rows result;
  result.status = plan.try_run({const_cast<int64_t*>(in.data())}, {out.data()});
  for (int64_t row = 0; row < k; ++row) {
    result.rows.emplace_back(out.begin() + row * n, out.begin() + (row + 1) * n);
  }
  return result;
}

Times random_times(Random& random, int count) {
  Times times;
  for (int k = 0; k < count; ++k) {
    const auto value = static_cast<int64_t>(random.bits()) >> (random.bits() % 64);
    times.push_back(value == kNaT ? 0 : value);
  }
  return times;
}

class TimeFieldsTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(TimeFieldsTest);

TEST_P(TimeFieldsTest, EveryFieldOfEveryUnit) {
  Random random(1);
  const auto fields = all_fields();
  for (const char* unit : {"D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"}) {
    const Times in = random_times(random, 3000);
    const Rows out = take_apart(in, unit, fields);
    ASSERT_TRUE(out.status.ok()) << unit;
    for (size_t k = 0; k < fields.size(); ++k) {
      for (size_t i = 0; i < in.size(); ++i) {
        const Int128 want = expected(fields[k], in[i], {unit});
        if (want < 0 && fields[k] >= TimeField::kHour) continue;  // the finer unit does not fit
        ASSERT_EQ(out.rows[k][i], static_cast<int64_t>(want))
            << time_field_name(fields[k]) << " of " << in[i] << " " << unit;
      }
    }
  }
}

TEST_P(TimeFieldsTest, EveryDayOfTwoEras) {
  const std::vector<TimeField> fields = {TimeField::kYear,    TimeField::kMonth,
                                         TimeField::kDay,     TimeField::kDayOfYear,
                                         TimeField::kWeekday, TimeField::kIsoWeek};
  Times days;
  for (int64_t day = -146097; day <= 146097; ++day) days.push_back(day);
  const Rows out = take_apart(days, "D", fields);
  for (size_t k = 0; k < fields.size(); ++k) {
    for (size_t i = 0; i < days.size(); ++i) {
      ASSERT_EQ(out.rows[k][i], static_cast<int64_t>(expected(fields[k], days[i], {"D"})))
          << days[i];
    }
  }
}

TEST_P(TimeFieldsTest, UnitsThatAreNoneOfADay) {
  const Times in = {-25, -1, 0, 1, 7, 1000};
  for (const char* unit : {"Y", "M", "W", "2D", "25us", "7s", "90m", "3W", "5M"}) {
    const Rows out = take_apart(in, unit, all_fields());
    ASSERT_TRUE(out.status.ok());
    reference::Unit of{unit};
    if (isdigit(unit[0]) != 0) of = {unit + strspn(unit, "0123456789"), atoi(unit)};
    for (size_t i = 0; i < in.size(); ++i) {
      for (const TimeField field :
           {TimeField::kYear, TimeField::kDay, TimeField::kHour, TimeField::kMinute,
            TimeField::kSecond, TimeField::kMicrosecond}) {
        ASSERT_EQ(out.rows[static_cast<size_t>(field)][i],
                  static_cast<int64_t>(expected(field, in[i], of)))
            << unit << " " << in[i] << " " << time_field_name(field);
      }
    }
  }
}

TEST_P(TimeFieldsTest, NaTIsAnErrorOrWhatIsAskedFor) {
  for (size_t n = 1; n < 140; n += 23) {
    for (size_t at = 0; at < n; ++at) {
      Times in(n, 86400);
      in[at] = kNaT;
      const std::vector<TimeField> fields = {TimeField::kYear, TimeField::kIsoYear,
                                             TimeField::kHour};
      const Rows refused = take_apart(in, "s", fields);
      EXPECT_EQ(refused.status.code, StatusCode::kDataError);
      EXPECT_EQ(refused.status.index, static_cast<int64_t>(at));
      const Rows filled = take_apart(in, "s", fields, {.nat = -7});
      ASSERT_TRUE(filled.status.ok());
      for (const Times& row : filled.rows) {
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(row[i] == -7, i == at);
      }
    }
  }
  EXPECT_TRUE(take_apart({kNaT}, "D", {TimeField::kIsoWeek}, {.nat = 0}).status.ok());
}

TEST_P(TimeFieldsTest, YearsThatNeedMoreThan32Bits) {
  const Times in = {0, int64_t{1} << 50};
  const TimeField fields[] = {TimeField::kMonth, TimeField::kYear};
  const Plan plan = Plan::datetime_fields(Layout::contiguous(datetime("D"), {2}),
                                          Layout::contiguous(Format::parse("i"), {2, 2}), fields);
  int32_t out[4];
  const RunStatus status = plan.try_run({const_cast<int64_t*>(in.data())}, {out});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 1);
}

// Any layout of the source gives the rows that a packed one gives; on several threads, too.
TEST_P(TimeFieldsTest, SourcesOfAllLayouts) {
  Random random(2);
  internal::set_test_min_thread_bytes(1);
  const std::vector<TimeField> fields = {TimeField::kYear, TimeField::kMinute, TimeField::kIsoWeek};
  for (const bool swapped : {false, true}) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{700}, {3, 50}, {50, 3}, {4, 5, 6}, {1}, {}}) {
      const Format format =
          Format::parse(std::string(swapped ? ">" : "<") + "[numpy$datetime64$ms]");
      int64_t n = 1;
      for (const int64_t size : shape) n *= size;
      // Items 12 bytes apart, the first axis fastest, from the last to the first.
      std::vector<int64_t> strides;
      for (int64_t step = -12; const int64_t size : shape) {
        strides.push_back(step);
        step *= size;
      }
      Times packed;
      std::vector<unsigned char> memory(static_cast<size_t>(n) * 12);
      std::vector<int64_t> index(shape.size());
      for (int64_t item = 0; item < n; ++item) {
        const auto value = static_cast<int64_t>(random.bits()) >> 20;
        packed.push_back(value);
        int64_t at = (n - 1) * 12, rest = item;
        for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) {
          at += rest % shape[axis] * strides[axis];
        }
        const auto bits =
            swapped ? static_cast<int64_t>(__builtin_bswap64(static_cast<uint64_t>(value))) : value;
        std::memcpy(memory.data() + at, &bits, 8);
      }
      const Rows want = take_apart(packed, "ms", fields);
      std::vector<int64_t> rows_shape = shape;
      rows_shape.insert(rows_shape.begin(), 3);
      const Plan plan =
          Plan::datetime_fields(Layout::strided(format, shape, strides),
                                Layout::contiguous(Format::parse("i"), rows_shape), fields);
      for (const int threads : {1, 3}) {
        std::vector<int32_t> out(static_cast<size_t>(3 * n), -5);
        RunOptions options;
        options.threads = threads;
        plan.run(memory.data() + (n - 1) * 12, out.data(), options);
        for (size_t k = 0; k < 3; ++k) {
          for (int64_t i = 0; i < n; ++i) {
            ASSERT_EQ(out[k * static_cast<size_t>(n) + static_cast<size_t>(i)],
                      want.rows[k][static_cast<size_t>(i)]);
          }
        }
      }
    }
  }
  internal::set_test_min_thread_bytes(0);
}

TEST(TimeFieldsRefusals, SayWhatToDo) {
  const TimeField fields[] = {TimeField::kYear};
  const auto refused = [&](const char* src, const char* dst, std::vector<int64_t> shape) {
    try {
      Plan::datetime_fields(Layout::contiguous(Format::parse(src), {4}),
                            Layout::contiguous(Format::parse(dst), std::move(shape)), fields);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused("q", "i", {1, 4}).find("one datetime"), std::string::npos);
  EXPECT_NE(refused("[numpy$timedelta64$s]", "i", {1, 4}).find("one datetime"), std::string::npos);
  EXPECT_NE(refused("[numpy$datetime64$]", "i", {1, 4}).find("no unit"), std::string::npos);
  EXPECT_NE(refused("[numpy$datetime64$s]", "h", {1, 4}).find("'i' or 'q'"), std::string::npos);
  EXPECT_NE(refused("[numpy$datetime64$s]", "i", {4}).find("rows"), std::string::npos);
  EXPECT_EQ(refused("[datetime$date$]", "i", {1, 4}), "");
  TimeField field;
  EXPECT_TRUE(find_time_field("dayofyear", &field));
  EXPECT_FALSE(find_time_field("day_of_year", &field));
}

}  // namespace
}  // namespace stridecast::testing
