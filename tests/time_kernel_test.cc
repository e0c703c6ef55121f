// Kernels of times at every length and misalignment between guard pages, in place and streamed,
// against the oracle; and what they complain of, wherever it is among valid values. Which values
// and pairs of units there are is time_plan_test.cc's business.

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/time_params.h"
#include "tests/reference/times.h"
#include "tests/support/kernel_run.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/stream_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::TimeRule;
using kernels::TimeScaleParams;
using reference::Int128;
using reference::Unit;

constexpr int64_t kNaT = reference::kNaT;

// One way from a unit to another.
struct Way {
  const char* name;
  sc_entry kernels::KernelTable::*entry;
  Unit src, dst;
  TimeScaleParams params;
};

TimeScaleParams ratio(Int128 num, Int128 den) {
  TimeScaleParams params;
  params.wide_num = num;
  params.wide_den = den;
  if (num <= INT64_MAX) params.num = static_cast<int64_t>(num);
  if (den <= INT64_MAX) params.den = kernels::TimeDivisor::of(static_cast<int64_t>(den));
  if (num > den) {
    params.hi = static_cast<int64_t>(((Int128{INT64_MAX} + 1) * den - 1) / num);
    params.lo = -static_cast<int64_t>(Int128{INT64_MAX} * den / num);
  }
  return params;
}

std::vector<Way> ways() {
  using Table = kernels::KernelTable;
  const int64_t k = 1000, ns = k * k * k;
  TimeScaleParams months;
  TimeScaleParams any;
  any.src = {internal::TimeBase::kWeek, 5};
  any.dst = {internal::TimeBase::kMonth, 7};
  TimeScaleParams back = any;
  std::swap(back.src, back.dst);
  months.hi = 303032819133198654;  // the months that begin within int64 days
  months.lo = -303032819133198654;
  return {{"s ns", &Table::time_multiply, {"s"}, {"ns"}, ratio(ns, 1)},
          {"D ns", &Table::time_multiply, {"D"}, {"ns"}, ratio(86400 * ns, 1)},
          {"W D", &Table::time_multiply, {"W"}, {"D"}, ratio(7, 1)},
          {"ns s", &Table::time_divide, {"ns"}, {"s"}, ratio(1, ns)},
          {"D 2D", &Table::time_divide, {"D"}, {"D", 2}, ratio(1, 2)},
          {"ns W", &Table::time_divide, {"ns"}, {"W"}, ratio(1, 604800 * ns)},
          {"as 9s", &Table::time_divide, {"as"}, {"s", 9}, ratio(1, Int128{9} * ns * ns)},
          {"25us 3ms", &Table::time_scale, {"us", 25}, {"ms", 3}, ratio(1, 120)},
          {"7s 3ms", &Table::time_scale, {"s", 7}, {"ms", 3}, ratio(7000, 3)},
          {"3ms 7s", &Table::time_scale, {"ms", 3}, {"s", 7}, ratio(3, 7000)},
          {"7s 3as", &Table::time_scale_wide, {"s", 7}, {"as", 3}, ratio(Int128{7} * ns * ns, 3)},
          {"3fs 7W",
           &Table::time_scale_wide,
           {"fs", 3},
           {"W", 7},
           ratio(1, Int128{7} * 201600 * ns * k * k)},
          {"D Y", &Table::days_to_years, {"D"}, {"Y"}, {}},
          {"D M", &Table::days_to_months, {"D"}, {"M"}, {}},
          {"M D", &Table::months_to_days, {"M"}, {"D"}, months},
          {"5W 7M", &Table::time_calendar, {"W", 5}, {"M", 7}, any},
          {"7M 5W", &Table::time_calendar, {"M", 7}, {"W", 5}, back}};
}

PackedCase valid_case(const kernels::KernelTable& table, const Way& way) {
  PackedCase c;
  c.entry = &(table.*way.entry);
  c.from = c.to = DType::kInt64;
  c.params = &way.params;
  Random random(7);
  while (c.in.size() < 3000) {
    auto value = static_cast<int64_t>(random.bits()) >> (random.bits() % 64);
    if (random.chance(8)) value = kNaT;
    bool exact;
    const auto result = reference::convert_point(value, way.src, way.dst, &exact);
    if (!result) continue;
    c.in.push_back(static_cast<uint64_t>(value));
    c.out.push_back(static_cast<uint64_t>(*result));
  }
  return c;
}

class TimeKernelTest : public KernelTest {
 protected:
  GuardedBuffer src_{16384}, dst_{16384};
};
STRIDECAST_INSTANTIATE_FOR_TARGETS(TimeKernelTest);

TEST_P(TimeKernelTest, EveryLengthAndMisalignment) {
  for (const Way& way : ways()) {
    SCOPED_TRACE(way.name);
    const PackedCase c = valid_case(table(), way);
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
  }
}

// What a kernel makes of values of which the one at `at` does not fit.
struct Outcome {
  uint32_t errors;
  std::vector<int64_t> times;
};
Outcome run_with(const sc_entry& entry, TimeScaleParams params, TimeRule rule,
                 std::vector<int64_t> in) {
  params.rule = rule;
  std::vector<int64_t> out(in.size());
  const sc_run run =
      make_packed_run(static_cast<int64_t>(in.size()), in.data(), 8, out.data(), 8, &params);
  const uint32_t errors = entry.run(&run);
  return {errors, out};
}

TEST_P(TimeKernelTest, WhatDoesNotFitAtEveryPlace) {
  for (const Way& way : ways()) {
    bool exact;
    if (reference::convert_point(INT64_MAX, way.src, way.dst, &exact)) continue;  // all fit
    SCOPED_TRACE(way.name);
    const sc_entry& entry = table().*way.entry;
    for (const int64_t bad : {INT64_MAX, -INT64_MAX}) {
      for (size_t n = 1; n < 40; ++n) {
        for (size_t at = 0; at < n; ++at) {
          std::vector<int64_t> in(n, 3);
          in[at] = bad;
          in[n / 2] = n / 2 == at ? bad : kNaT;
          const Outcome raised = run_with(entry, way.params, TimeRule::kRaise, in);
          ASSERT_EQ(raised.errors, uint32_t{SC_ERR_OVERFLOW}) << n << " " << at;
          const Outcome saturated = run_with(entry, way.params, TimeRule::kSaturate, in);
          ASSERT_EQ(saturated.errors, 0u);
          ASSERT_EQ(saturated.times[at], bad) << n << " " << at;
          const Outcome nat = run_with(entry, way.params, TimeRule::kNat, in);
          ASSERT_EQ(nat.errors, 0u);
          ASSERT_EQ(nat.times[at], kNaT);
          if (n / 2 != at) {
            ASSERT_EQ(nat.times[n / 2], kNaT);
          }
        }
      }
    }
  }
}

TEST_P(TimeKernelTest, RemaindersAreReportedWhereEqualValuesAreAskedFor) {
  for (const Way& way : ways()) {
    SCOPED_TRACE(way.name);
    const PackedCase c = valid_case(table(), way);
    for (size_t i = 0; i < 500; ++i) {
      TimeScaleParams params = way.params;
      params.exact = true;
      const auto value = static_cast<int64_t>(static_cast<uint64_t>(c.in[i]));
      const Outcome outcome = run_with(table().*way.entry, params, TimeRule::kRaise, {value});
      bool exact;
      reference::convert_point(value, way.src, way.dst, &exact);
      ASSERT_EQ(outcome.errors, exact ? 0u : uint32_t{SC_ERR_INEXACT}) << value;
    }
  }
}

// --- numbers -------------------------------------------------------------------------------------

PackedCase time_to_float(const sc_entry& entry, DType to) {
  PackedCase c;
  c.entry = &entry;
  c.from = DType::kInt64;
  c.to = to;
  Random random(8);
  while (c.in.size() < 3000) {
    auto value = static_cast<int64_t>(random.bits()) >> (random.bits() % 64);
    if (random.chance(8)) value = kNaT;
    c.in.push_back(static_cast<uint64_t>(value));
    const bool nat = value == kNaT;
    if (to == DType::kFloat32) {
      c.out.push_back(nat ? 0x7FC00000u : std::bit_cast<uint32_t>(static_cast<float>(value)));
    } else {
      c.out.push_back(nat ? uint64_t{0x7FF8} << 48
                          : std::bit_cast<uint64_t>(static_cast<double>(value)));
    }
  }
  return c;
}

TEST_P(TimeKernelTest, TimesToFloats) {
  for (const DType to : {DType::kFloat32, DType::kFloat64}) {
    const PackedCase c = time_to_float(table().time_to_float[to == DType::kFloat64 ? 1 : 0], to);
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
  }
}

TEST_P(TimeKernelTest, FloatsToTimes) {
  TimeScaleParams params;
  PackedCase c;
  c.entry = &table().float_to_time;
  c.from = DType::kFloat64;
  c.to = DType::kInt64;
  c.params = &params;
  Random random(9);
  while (c.in.size() < 3000) {
    double value = static_cast<double>(static_cast<int64_t>(random.bits())) /
                   static_cast<double>(uint64_t{1} << (random.bits() % 63));
    if (random.chance(8))
      value = std::bit_cast<double>(uint64_t{0xFFF7} << 48 | random.bits() >> 20);
    if (!(std::abs(value) < 0x1p63) && value == value) continue;
    c.in.push_back(std::bit_cast<uint64_t>(value));
    c.out.push_back(static_cast<uint64_t>(value == value ? static_cast<int64_t>(value) : kNaT));
  }
  ASSERT_NO_FATAL_FAILURE(check_all_values(c));
  ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
  ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
}

TEST_P(TimeKernelTest, FloatsThatAreNoTimesAtEveryPlace) {
  for (const double bad : {0x1p63, -0x1p63, HUGE_VAL, -HUGE_VAL}) {
    for (size_t n = 1; n < 40; ++n) {
      for (size_t at = 0; at < n; ++at) {
        std::vector<double> in(n, -2.75);
        in[at] = bad;
        std::vector<int64_t> out(n);
        for (const TimeRule rule : {TimeRule::kRaise, TimeRule::kSaturate, TimeRule::kNat}) {
          TimeScaleParams params;
          params.rule = rule;
          const sc_run run =
              make_packed_run(static_cast<int64_t>(n), in.data(), 8, out.data(), 8, &params);
          const uint32_t errors = table().float_to_time.run(&run);
          ASSERT_EQ(errors, rule == TimeRule::kRaise ? uint32_t{SC_ERR_OVERFLOW} : 0u);
          if (rule == TimeRule::kRaise) continue;
          const int64_t end = bad > 0 ? INT64_MAX : -INT64_MAX;
          for (size_t i = 0; i < n; ++i) {
            ASSERT_EQ(out[i], i != at ? -2 : rule == TimeRule::kNat ? kNaT : end);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace stridecast::testing
