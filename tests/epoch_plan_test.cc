// Plan::decode_time and Plan::encode_time: random layouts in every byte order, chunk and number of
// threads against plain 128-bit arithmetic, then what they refuse. Every test runs on every SIMD
// target; the arithmetic itself is epoch_kernel_test.cc.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "dtypes/calendar.h"
#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using internal::Int128;

constexpr int64_t kNat = INT64_MIN;

Format time_format(const std::string& unit, bool swapped = false) {
  return Format::parse((swapped ? ">" : "") + ("[numpy$datetime64$" + unit + "]"));
}

// Items of a layout that is walked by hand, in C order.
template <typename Visit>
void for_items(const Layout& layout, char* data, Visit visit) {
  std::vector<int64_t> index(static_cast<size_t>(layout.ndim()));
  for (int64_t i = 0; i < layout.size(); ++i) {
    int64_t rest = i, at = layout.offset();
    for (int axis = layout.ndim() - 1; axis >= 0; --axis) {
      const auto k = static_cast<size_t>(axis);
      at += rest % layout.shape()[k] * layout.strides()[k];
      rest /= layout.shape()[k];
    }
    visit(data + at);
  }
}

template <typename T>
T load(const char* at, bool swapped) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, at, sizeof(T));
  if (swapped) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

class EpochPlanTest : public EngineTest {};

TEST_P(EpochPlanTest, RandomLayoutsBothWays) {
  const TimeUnits units = TimeUnits::parse("hours since 1850-01-01 00:30");
  const Int128 start = Int128{units.seconds()} * 1'000'000'000, hour = 3'600'000'000'000;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    Random random(seed);
    const SmallSeams seams(random.chance(50) ? random.between(1, 40) : 0);
    const RunOptions run = on_threads(static_cast<int>(random.between(1, 3)));
    const bool src_swapped = random.chance(50), dst_swapped = random.chance(50);
    const std::vector<int64_t> shape = random_shape(random, 4, 600);
    const Format counts = Format::parse(src_swapped ? ">i" : "i");
    const Format times = time_format("ns", dst_swapped);
    const Layout src = random_destination(random, counts, shape);
    const Layout dst = random_destination(random, times, shape);
    std::vector<char> stored(static_cast<size_t>(src.extent().highest - src.extent().lowest) + 1);
    char* const from = stored.data() - src.extent().lowest;
    std::vector<int32_t> values;
    for_items(src, from, [&](char* at) {
      values.push_back(random.chance(10) ? -9999
                                         : static_cast<int32_t>(random.between(0, 3000000)));
      int32_t value = values.back();
      if (src_swapped)
        value = static_cast<int32_t>(__builtin_bswap32(static_cast<uint32_t>(value)));
      std::memcpy(at, &value, sizeof(value));
    });
    std::vector<char> made(static_cast<size_t>(dst.extent().highest - dst.extent().lowest) + 1);
    char* const to = made.data() - dst.extent().lowest;
    const std::vector<ElementBytes> missing = {ElementBytes::of(int32_t{-9999})};
    Plan::decode_time(src, dst, units, missing).run(from, to, run);
    size_t k = 0;
    for_items(dst, to, [&](const char* at) {
      const int32_t value = values[k++];
      const auto want = static_cast<int64_t>(start + value * hour);
      ASSERT_EQ(load<int64_t>(at, dst_swapped), value == -9999 ? kNat : want) << seed;
    });
    std::vector<char> again(stored.size());
    char* const back = again.data() - src.extent().lowest;
    Plan::encode_time(dst, src, units, missing).run(to, back, run);
    k = 0;
    for_items(src, back, [&](const char* at) {
      ASSERT_EQ(load<int32_t>(at, src_swapped), values[k++]) << seed;
    });
  }
}

TEST_P(EpochPlanTest, TheFirstBadElementIsNamed) {
  const TimeUnits units = TimeUnits::parse("days since 1970-01-01");
  std::vector<double> days(1000, 1.5);
  days[700] = 1e6;
  days[300] = std::nan("");
  std::vector<int64_t> times(days.size());
  const Layout src = Layout::contiguous(Format::parse("d"), {1000});
  const Layout dst = Layout::contiguous(time_format("ns"), {1000});
  const RunStatus status =
      Plan::decode_time(src, dst, units).try_run({days.data()}, {times.data()});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 700);
  EXPECT_STREQ(status.value, "1e+06");
  ConvertOptions options;
  options.nan = NanPolicy::kRaise;
  const Plan strict = Plan::decode_time(src, dst, units, {}, options);
  EXPECT_EQ(strict.try_run({days.data()}, {times.data()}).index, 300);
  // NaN that is said to be missing is no complaint, bit by bit.
  const Plan known = Plan::decode_time(src, dst, units, {ElementBytes::of(days[300])}, options);
  EXPECT_EQ(known.try_run({days.data()}, {times.data()}).index, 700);
  times.assign(times.size(), 0);
  times[5] = kNat;
  std::vector<int32_t> counts(times.size());
  const Plan back = Plan::encode_time(dst, Layout::contiguous(Format::parse("i"), {1000}), units);
  const RunStatus nat = back.try_run({times.data()}, {counts.data()});
  EXPECT_EQ(nat.index, 5);
  EXPECT_NE(std::string(back.status_error(nat).what()).find("give a missing value"),
            std::string::npos);
}

TEST_P(EpochPlanTest, OneStageWhereNothingIsWidened) {
  const TimeUnits units = TimeUnits::parse("days since 1850-01-01");
  const Layout times = Layout::contiguous(time_format("ns"), {100});
  const auto explained = [&](const char* format) {
    return Plan::decode_time(Layout::contiguous(Format::parse(format), {100}), times, units)
        .explain();
  };
  EXPECT_NE(explained("d").find("  epoch float64 to time"), std::string::npos) << explained("d");
  EXPECT_NE(explained("q").find("  epoch int64 to time"), std::string::npos) << explained("q");
  EXPECT_NE(explained("h").find("int16 int64 -> epoch int64 to time"), std::string::npos)
      << explained("h");
  EXPECT_EQ(explained("d").substr(0, 11), "decode_time");
}

TEST_P(EpochPlanTest, TheCacheKnowsEveryParameter) {
  const Format counts = Format::parse("q"), times = time_format("s");
  const std::vector<int64_t> shape = {1}, strides = {8};
  const LayoutView src = {&counts, shape, strides}, dst = {&times, shape, strides};
  const auto decode = [&](const char* units, std::vector<ElementBytes> missing) {
    int64_t count = 2, time = 0;
    cached_decode_time(src, dst, TimeUnits::parse(units), missing).run(&count, &time);
    return time;
  };
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(decode("days since 1970-01-01", {}), 172800);
    EXPECT_EQ(decode("days since 1970-01-02", {}), 259200);
    EXPECT_EQ(decode("hours since 1970-01-01", {}), 7200);
    EXPECT_EQ(decode("hours since 1970-01-01 00:00:00.999999999", {}), 7200);
    EXPECT_EQ(decode("days since 1970-01-01", {ElementBytes::of(int64_t{2})}), kNat);
    EXPECT_EQ(decode("days since 1970-01-01", {ElementBytes::of(int64_t{3})}), 172800);
    int64_t time = 172800, count = 0;
    cached_encode_time(dst, src, TimeUnits::parse("days since 1970-01-01")).run(&time, &count);
    EXPECT_EQ(count, 2);
  }
}

TEST_P(EpochPlanTest, SaysWhatMakesNoSense) {
  const TimeUnits units = TimeUnits::parse("days since 1970-01-01");
  const Layout counts = Layout::contiguous(Format::parse("q"), {3});
  const Layout times = Layout::contiguous(time_format("s"), {3});
  const auto code = [&](const Layout& src, const Layout& dst, const ConvertOptions& options = {},
                        const std::vector<ElementBytes>& missing = {}) {
    try {
      Plan::decode_time(src, dst, units, missing, options);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was refused";
    return ErrorCode::kFormat;
  };
  EXPECT_EQ(code(times, times), ErrorCode::kNoConversion);
  EXPECT_EQ(code(counts, counts), ErrorCode::kNoConversion);
  EXPECT_EQ(code(counts, Layout::contiguous(time_format(""), {3})), ErrorCode::kNoConversion);
  EXPECT_EQ(code(Layout::contiguous(Format::parse("T{q:a:}"), {3}), times),
            ErrorCode::kNoConversion);
  EXPECT_EQ(code(counts, times, {.overflow = Overflow::kWrap}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(counts, times, {.rounding = Rounding::kTowardsPositive}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(counts, times, {.casting = Casting::kSafe}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(counts, times, {}, {ElementBytes::of(int32_t{1})}), ErrorCode::kInvalidArgument);
  EXPECT_THROW(Plan::decode_time(counts, Layout::contiguous(time_format("s"), {4}), units), Error);
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(EpochPlanTest);

}  // namespace
}  // namespace stridecast::testing
