// Wide sums, of integers and times in 128 bits, and what is made of them, integers or means:
// however the items arrive, in parts that are merged or joined, with NaT, and at the ends of the
// range.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/sum_kernel_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::WideSumParams;

__extension__ typedef __int128 Int128;

constexpr DType kWideTypes[] = {DType::kInt64, DType::kUint64, DType::kDatetime64,
                                DType::kTimedelta64};
constexpr uint64_t kNaT = uint64_t{1} << 63;

SumCase wide_case(const kernels::KernelTable& table, DType type, WideSumParams::Result result) {
  SumCase c;
  c.entry = &table.reduce[kernels::kReduceSumWide][static_cast<size_t>(type)];
  c.kernel = kernels::kReduceSumWide;
  c.part = type == DType::kUint64 ? DType::kUint64 : DType::kInt64;
  c.result = DType::kInt64;
  c.params = {result};
  return c;
}

Int128 total_of(const SumCase& c, const Series& x) {
  Int128 total = 0;
  for (const uint64_t bits : x) {
    total += c.part == DType::kUint64 ? Int128{bits} : Int128{static_cast<int64_t>(bits)};
  }
  return total;
}

bool is_time(const kernels::KernelTable& table, const SumCase& c) {
  const auto& entries = table.reduce[kernels::kReduceSumWide];
  return c.entry == &entries[static_cast<size_t>(DType::kDatetime64)] ||
         c.entry == &entries[static_cast<size_t>(DType::kTimedelta64)];
}

// The quotient of magnitudes: 64 bits from the highest one on, by the division of schools.
uint64_t float_quotient(Int128 total, uint64_t count) {
  if (count == 0) return 0x7ff8000000000000;
  if (total == 0) return 0;
  const bool negative = total < 0;
  auto rest = static_cast<reference::Bits>(negative ? -total : total);
  reference::Bits digits = rest / count;
  rest %= count;
  int exponent = 0;
  while (digits >> 63 == 0) {
    rest *= 2;
    digits = digits * 2 + (rest >= count ? 1 : 0);
    if (rest >= count) rest -= count;
    --exponent;
  }
  bool more = rest != 0;
  while (digits >> 64 != 0) {
    more |= (digits & 1) != 0;
    digits >>= 1;
    ++exponent;
  }
  bool overflow;
  return static_cast<uint64_t>(reference::round_to_float(
      DType::kFloat64, negative, static_cast<uint64_t>(digits) | (more ? 1 : 0), exponent,
      &overflow));
}

uint64_t rounded_mean(Int128 total, uint64_t count) {
  if (count == 0) return kNaT;
  const Int128 n = count;
  Int128 floor = total / n;
  if (floor * n > total) --floor;
  const Int128 twice = 2 * (total - floor * n);
  const bool up = twice > n || (twice == n && (floor & 1) != 0);
  return static_cast<uint64_t>(floor + (up ? 1 : 0));
}

struct WideResult {
  uint64_t bits;
  bool overflow;
};

WideResult expected_wide(const SumCase& c, bool times, const Series& x, uint64_t count) {
  const bool nat = times && std::find(x.begin(), x.end(), kNaT) != x.end();
  const Int128 total = total_of(c, x);
  if (c.params.result == WideSumParams::kMeanOfFloat) {
    return {nat ? 0x7ff8000000000000 : float_quotient(total, count), false};
  }
  if (nat) return {kNaT, false};
  if (c.params.result == WideSumParams::kMean) return {rounded_mean(total, count), false};
  const Int128 lowest = c.part == DType::kUint64 ? Int128{0} : Int128{INT64_MIN} + (times ? 1 : 0);
  const Int128 highest = c.part == DType::kUint64 ? Int128{UINT64_MAX} : Int128{INT64_MAX};
  return {static_cast<uint64_t>(total), total < lowest || total > highest};
}

// Some magnitudes, the ends of the range, and what looks like NaT; NaT itself now and then.
Series wide_elements(Random& random, int64_t count, bool nats) {
  Series x;
  const int shift = static_cast<int>(random.below(64));
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(random.bits()) >> shift);
    if (random.chance(5)) {
      bits = random.pick(
          Series{kNaT + 1, kNaT + 12345, kNaT - 1, ~uint64_t{0}, 0, 1, uint64_t{1} << 48});
    }
    if (nats && random.below(count + 1) == 0) bits = kNaT;
    x.push_back(bits == kNaT && !nats ? kNaT + 1 : bits);
  }
  return x;
}

// All types by all forms of results.
std::vector<SumCase> wide_cases(const kernels::KernelTable& table) {
  std::vector<SumCase> cases;
  for (const DType type : kWideTypes) {
    for (const auto result :
         {WideSumParams::kInteger, WideSumParams::kMean, WideSumParams::kMeanOfFloat}) {
      cases.push_back(wide_case(table, type, result));
    }
  }
  return cases;
}

// The results of rows of columns, each against the oracle; counts are c's.
::testing::AssertionResult right_wide(const SumCase& c, bool times, const Series& x,
                                      int64_t columns, const Series& got, uint32_t errors) {
  bool overflow = false;
  for (int64_t k = 0; k < columns; ++k) {
    const auto count =
        static_cast<uint64_t>(c.counts[c.counts.size() > 1 ? static_cast<size_t>(k) : 0]);
    const WideResult want = expected_wide(c, times, column(x, columns, k), count);
    overflow |= want.overflow;
    if (got[static_cast<size_t>(k)] == want.bits) continue;
    return ::testing::AssertionFailure()
           << note() << ": " << c.entry->name << " result " << c.params.result << " gave "
           << got[static_cast<size_t>(k)] << ", expected " << want.bits << ", column " << k
           << " of " << columns << ", rows " << x.size() / static_cast<size_t>(columns)
           << ", count " << count;
  }
  if (errors == (overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << note() << ": " << c.entry->name << " reported " << errors;
}

std::vector<double> some_counts(Random& random, int64_t rows, int64_t columns) {
  std::vector<double> counts = {static_cast<double>(rows)};
  if (random.chance(50)) {
    for (int64_t k = 1; k < columns; ++k)
      counts.push_back(static_cast<double>(random.below(rows + 1)));
  }
  return counts;
}

class SumWideTest : public KernelTest {};

TEST_P(SumWideTest, EveryWideType) {
  for (const DType type : kWideTypes) {
    EXPECT_TRUE(has_sum(table(), kernels::kReduceSumWide, type, true)) << static_cast<int>(type);
  }
}

TEST_P(SumWideTest, OfEveryLength) {
  Random random(51);
  GuardedBuffer buffer(1024 * 1024);
  for (SumCase c : wide_cases(table())) {
    note().what = c.entry->name;
    const bool times = is_time(table(), c);
    for (int64_t n = 1; n <= 70000; n = n < 150 ? n + 1 : n + n / 3 + 1) {
      note().length = n;
      const Series x = wide_elements(random, n, times);
      c.counts = {static_cast<double>(random.chance(90) ? n : random.below(5))};
      const std::vector<unsigned char> bytes = pack(c.part, x);
      for (const Flush side : kBothSides) {
        unsigned char* src = buffer.place(bytes.size(), side, static_cast<size_t>(n % 17));
        std::memcpy(src, bytes.data(), bytes.size());
        Sums sums(c, 1);
        sums.step(src, n);
        uint32_t errors = 0;
        const Series got = sums.finish(&errors);
        ASSERT_TRUE(right_wide(c, times, x, 1, got, errors));
        sc_run run = reduce_run(c, 1);
        run.n[0] = n;
        run.src = src;
        run.src_step[0] = 8;
        const Series whole = whole_results(c, run, &errors);
        ASSERT_TRUE(right_wide(c, times, x, 1, whole, errors));
      }
    }
  }
}

TEST_P(SumWideTest, InPiecesRowsAndParts) {
  Random random(52);
  GuardedBuffer buffer(2 * 1024 * 1024);
  for (SumCase c : wide_cases(table())) {
    note().what = c.entry->name;
    const bool times = is_time(table(), c);
    for (int trial = 0; trial < 60; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t rows = random.between(1, 300);
      const int64_t columns = random.chance(30) ? 1 : random.between(2, trial == 0 ? 600 : 60);
      const int64_t gap = random.pick(kGaps);
      const int64_t sign = random.chance(50) ? -1 : 1;
      const int64_t row_step = sign * (columns * 8 + gap);
      const auto reach = static_cast<size_t>(std::abs(row_step) * (rows - 1) + columns * 8);
      unsigned char* src = buffer.place(reach, random.pick(kBothSides));
      unsigned char* first = row_step < 0 ? src - row_step * (rows - 1) : src;
      const Series x = wide_elements(random, rows * columns, times && random.chance(50));
      const std::vector<unsigned char> bytes = pack(c.part, x);
      for (int64_t row = 0; row < rows; ++row) {
        std::memcpy(first + row * row_step, bytes.data() + row * columns * 8,
                    static_cast<size_t>(columns) * 8);
      }
      c.counts = some_counts(random, rows, columns);
      Sums sums(c, columns);
      for (int64_t row = 0; row < rows;) {
        const int64_t take = std::min(rows - row, random.between(1, 100));
        if (random.chance(30)) {
          Sums part(c, columns);
          part.step(first + row * row_step, take, row_step);
          ASSERT_EQ(sums.merge(part), 0u);
        } else {
          sums.step(first + row * row_step, take, row_step);
        }
        row += take;
      }
      uint32_t errors = 0;
      const Series got = sums.finish(&errors);
      ASSERT_TRUE(right_wide(c, times, x, columns, got, errors));
    }
  }
}

TEST_P(SumWideTest, Join) {
  Random random(53);
  for (SumCase c : wide_cases(table())) {
    note().what = c.entry->name;
    const bool times = is_time(table(), c);
    for (int trial = 0; trial < 30; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t groups = random.between(1, 9), columns = random.between(1, 20);
      const Series x = wide_elements(random, groups * columns, times);
      c.counts = some_counts(random, columns, groups);
      Sums from(c, groups * columns), to(c, groups);
      from.step(x);
      to.join(from);
      // Group by group is row by row of the transpose.
      Series turned;
      for (int64_t k = 0; k < columns; ++k) {
        const Series row = column(x, columns, k);
        turned.insert(turned.end(), row.begin(), row.end());
      }
      uint32_t errors = 0;
      const Series got = to.finish(&errors);
      ASSERT_TRUE(right_wide(c, times, turned, groups, got, errors));
    }
  }
}

TEST_P(SumWideTest, NaTAtEveryPlace) {
  Random random(54);
  for (const DType type : {DType::kDatetime64, DType::kTimedelta64}) {
    const SumCase c = wide_case(table(), type, WideSumParams::kInteger);
    for (int64_t columns : {1, 3}) {
      for (size_t at = 0; at < 300; ++at) {
        Series x = wide_elements(random, 300, false);
        for (uint64_t& bits : x) bits = static_cast<uint64_t>(static_cast<int64_t>(bits) >> 10);
        x[at] = kNaT;
        Sums sums(c, columns);
        sums.step(x);
        const Series got = sums.finish();
        for (size_t k = 0; k < got.size(); ++k) {
          EXPECT_EQ(got[k] == kNaT, k == at % got.size()) << at << " column " << k;
        }
      }
    }
  }
}

TEST_P(SumWideTest, AtTheEndsOfTheRange) {
  struct End {
    DType type;
    std::vector<Int128> x;
    bool overflow;
  };
  constexpr Int128 kMax = INT64_MAX, kMin = INT64_MIN, kUnsigned = UINT64_MAX;
  const End ends[] = {
      {DType::kInt64, {kMax, 1, -1}, false},
      {DType::kInt64, {kMax, 1}, true},
      {DType::kInt64, {kMin, kMax, kMin, 1, kMax, 1}, false},
      {DType::kInt64, {kMin, -1}, true},
      {DType::kInt64, {kMin}, false},
      {DType::kUint64, {kUnsigned}, false},
      {DType::kUint64, {kUnsigned - 1, 1}, false},
      {DType::kUint64, {kUnsigned, 1}, true},
      {DType::kUint64, {kUnsigned, kUnsigned, kUnsigned}, true},
      {DType::kTimedelta64, {kMax}, false},
      {DType::kTimedelta64, {kMin + 1}, false},
      {DType::kTimedelta64, {kMin + 1, -1}, true},  // which would be NaT
      {DType::kTimedelta64, {kMin + 1, -1, 1}, false},
      {DType::kTimedelta64, {kMax, 1}, true},
  };
  for (const End& end : ends) {
    const SumCase c = wide_case(table(), end.type, WideSumParams::kInteger);
    Series x;
    Int128 total = 0;
    for (const Int128 v : end.x) {
      x.push_back(static_cast<uint64_t>(v));
      total += v;
    }
    Sums sums(c, 1);
    sums.step(x);
    uint32_t errors = 0;
    EXPECT_EQ(sums.finish(&errors)[0], static_cast<uint64_t>(total)) << c.entry->name;
    EXPECT_EQ(errors, end.overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u) << c.entry->name;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(SumWideTest);

}  // namespace
}  // namespace stridecast::testing
