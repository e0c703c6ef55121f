// Reproducible sums: what both kernels for floats undergo, any order and any split, parts that are
// joined, and sums at the ends of the range.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/random_layout.h"
#include "tests/support/sum_kernel_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

class SumReproducibleTest : public KernelTest {
 protected:
  std::vector<SumCase> cases() const {
    return float_cases(table(), kernels::kReduceSumReproducible);
  }
};

TEST_P(SumReproducibleTest, EveryTypeOfFloats) {
  for (const DType type : kFloatTypes) {
    EXPECT_TRUE(has_sum(table(), kernels::kReduceSumReproducible, type, true))
        << static_cast<int>(type);
  }
}

TEST_P(SumReproducibleTest, EveryLength) { check_every_length(cases()); }

TEST_P(SumReproducibleTest, Pieces) { check_pieces(cases()); }

TEST_P(SumReproducibleTest, Rows) { check_rows(cases()); }

TEST_P(SumReproducibleTest, WholeColumns) { check_whole_columns(cases()); }

TEST_P(SumReproducibleTest, SpecialValuesAtEveryPlaceOfALeaf) { check_special_values(cases()); }

TEST_P(SumReproducibleTest, ZerosKeepTheirSign) { check_zeros(cases()); }

TEST_P(SumReproducibleTest, InAnyOrderAndSplit) {
  Random random(41);
  std::mt19937_64 engine(41);
  for (const DType type : {DType::kBFloat16, DType::kFloat32, DType::kFloat64}) {
    const SumCase c = float_case(table(), kernels::kReduceSumReproducible, type);
    note().what = c.entry->name;
    for (const Spread spread : kSpreads) {
      Series x = elements(random, c, 3000, spread);
      const uint64_t want = c.expected(x);
      for (int shuffle = 0; shuffle < 200; ++shuffle) {
        note().seed = static_cast<uint64_t>(shuffle);
        std::shuffle(x.begin(), x.end(), engine);
        Sums total(c, 1);
        for (auto from = x.begin(); from < x.end();) {
          const auto to = from + std::min<int64_t>(x.end() - from, random.between(1, 2500));
          Sums piece(c, 1);
          piece.step(Series(from, to));
          EXPECT_EQ(total.merge(piece), 0u);
          from = to;
        }
        ASSERT_EQ(total.finish()[0], want) << note();
      }
    }
  }
}

TEST_P(SumReproducibleTest, Join) {
  Random random(42);
  for (const SumCase& c : cases()) {
    note().what = c.entry->name;
    for (int trial = 0; trial < 40; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t groups = random.between(1, 9), columns = random.between(1, 20);
      const int64_t rows = random.between(1, 30);
      const Spread spread = random.pick(kSpreads);
      const Series x = elements(random, c, rows * groups * columns, spread);
      const Series before = elements(random, c, groups, spread);
      Sums from(c, groups * columns), to(c, groups);
      from.step(x);
      if (trial % 2 == 0) to.step(before);
      to.join(from);
      const Series got = to.finish();
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t p = 0; p < c.parts; ++p) {
          Series all;
          for (int64_t k = 0; k < columns; ++k) {
            const Series one =
                column(x, groups * columns * c.parts, (g * columns + k) * c.parts + p);
            all.insert(all.end(), one.begin(), one.end());
          }
          const auto at = static_cast<size_t>(g * c.parts + p);
          if (trial % 2 == 0) all.push_back(before[at]);
          ASSERT_EQ(got[at], c.expected(all)) << note() << " group " << g;
        }
      }
    }
  }
}

TEST_P(SumReproducibleTest, AtTheEndsOfTheRange) {
  const SumCase c = float_case(table(), kernels::kReduceSumReproducible, DType::kFloat64);
  constexpr double kMax = std::numeric_limits<double>::max();
  constexpr double kTiny = std::numeric_limits<double>::denorm_min();
  constexpr double kHalfUlp = 0x1p970;  // of kMax
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::pair<std::vector<double>, double> sums[] = {
      {{kMax, kMax, -kMax}, kMax},
      {{kMax, kMax}, kInf},
      {{-kMax, -kMax}, -kInf},
      {{kMax, kHalfUlp}, kInf},
      {{kMax, kHalfUlp, -kTiny}, kMax},
      {{-kMax, -kHalfUlp, kTiny}, -kMax},
      {{kMax, kTiny, -kMax}, kTiny},
      {{kTiny, kTiny, kTiny}, 3 * kTiny},
      {{0x1p-1022, -kTiny}, 0x1p-1022 - kTiny},
      {{1, 0x1p-53}, 1},
      {{1, 0x1p-53, kTiny}, 1 + 0x1p-52},
      {{1, 0x1p-53, -kTiny}, 1},
      {{1 + 0x1p-52, 0x1p-53}, 1 + 0x1p-51},
      {{1, 0x1p100, 0x1p-1000, -0x1p100, -1}, 0x1p-1000},
      {{0x1p1023, 0x1p1022, 0x1p1021, -0x1p1023, 1}, 0x1p1022 + 0x1p1021},
      {{0x1.8p1022, -0x1p1022, 0x1p-1074}, 0x1p1021},
  };
  for (const auto& [values, want] : sums) {
    Series x;
    for (const double v : values) x.push_back(std::bit_cast<uint64_t>(v));
    std::sort(x.begin(), x.end());
    do {
      Sums total(c, 1);
      total.step(x);
      ASSERT_EQ(total.finish()[0], std::bit_cast<uint64_t>(want)) << want;
    } while (std::next_permutation(x.begin(), x.end()));
  }
}

// So many rows that digits are carried before the end.
TEST_P(SumReproducibleTest, OfMillionsOfRows) {
  const SumCase c = float_case(table(), kernels::kReduceSumReproducible, DType::kFloat32);
  constexpr int64_t kRows = (int64_t{1} << 25) + 12345;
  const float row[] = {-0x1.fffffep3f, 0x1.abcdeep-20f, 3};
  Sums sums(c, 3);
  sums.step(row, kRows, 0);
  const Series got = sums.finish();
  for (size_t i = 0; i < 3; ++i) {
    const reference::Value v = reference::decode(DType::kFloat32, std::bit_cast<uint32_t>(row[i]));
    bool overflow;
    const auto want = reference::round_to_float(DType::kFloat32, v.negative, v.mantissa * kRows,
                                                v.exponent, &overflow);
    EXPECT_EQ(got[i], static_cast<uint64_t>(want)) << i;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(SumReproducibleTest);

}  // namespace
}  // namespace stridecast::testing
