// Compensated sums: what both kernels for floats undergo, parts that are merged where they fit, and
// how near the exact sum they are.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/sums.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/sum_kernel_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kLeaf = 128;

class SumCompensatedTest : public KernelTest {
 protected:
  std::vector<SumCase> cases() const {
    return float_cases(table(), kernels::kReduceSumCompensated);
  }
};

TEST_P(SumCompensatedTest, EveryTypeOfFloats) {
  for (const DType type : kFloatTypes) {
    EXPECT_TRUE(has_sum(table(), kernels::kReduceSumCompensated, type, false))
        << static_cast<int>(type);
  }
}

TEST_P(SumCompensatedTest, EveryLength) { check_every_length(cases()); }

TEST_P(SumCompensatedTest, Pieces) { check_pieces(cases()); }

TEST_P(SumCompensatedTest, Rows) { check_rows(cases()); }

TEST_P(SumCompensatedTest, WholeColumns) { check_whole_columns(cases()); }

TEST_P(SumCompensatedTest, SpecialValuesAtEveryPlaceOfALeaf) { check_special_values(cases()); }

TEST_P(SumCompensatedTest, ZerosKeepTheirSign) { check_zeros(cases()); }

TEST_P(SumCompensatedTest, MergeOfSubtrees) {
  Random random(31);
  for (const SumCase& c : cases()) {
    note().what = c.entry->name;
    for (int trial = 0; trial < 60; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t columns = random.chance(50) ? 1 : random.between(2, 9);
      const int64_t part = kLeaf << random.below(4);
      const int64_t n = random.between(1, 6 * part);
      const Series x = elements(random, c, n * columns, random.pick(kSpreads));
      const std::vector<unsigned char> bytes = pack(c.part, x);
      Sums merged(c, columns);
      for (int64_t row = 0; row < n; row += part) {
        Sums piece(c, columns);
        piece.step(bytes.data() + row * columns * c.size(), std::min(part, n - row));
        ASSERT_EQ(merged.merge(piece), 0u);
      }
      ASSERT_TRUE(right(c, x, columns, merged.finish()));
    }
  }
}

TEST_P(SumCompensatedTest, MergeSaysWhatDoesNotFit) {
  const SumCase c = float_case(table(), kernels::kReduceSumCompensated, DType::kFloat32);
  const auto of = [&](size_t n) {
    auto sums = std::make_unique<Sums>(c, 1);
    if (n > 0) sums->step(Series(n, 0x3f800000));
    return sums;
  };
  EXPECT_EQ(of(1)->merge(*of(1)), SC_ERR_USER);
  EXPECT_EQ(of(128)->merge(*of(256)), SC_ERR_USER);
  EXPECT_EQ(of(128)->merge(*of(128)), 0u);
  EXPECT_EQ(of(1)->merge(*of(0)), 0u);
  const auto sums = of(384);
  EXPECT_EQ(sums->merge(*of(300)), SC_ERR_USER);
  EXPECT_EQ(sums->finish()[0], std::bit_cast<uint32_t>(384.0f)) << "must be as it was";
  EXPECT_EQ(sums->merge(*of(255)), 0u);
  EXPECT_EQ(sums->finish()[0], std::bit_cast<uint32_t>(639.0f));
}

// The error is one rounding and n eps^2 of the magnitudes, whatever cancels.
TEST_P(SumCompensatedTest, NearlyExact) {
  Random random(32);
  const SumCase c = float_case(table(), kernels::kReduceSumCompensated, DType::kFloat64);
  for (int trial = 0; trial < 100; ++trial) {
    Series x = elements(random, c, random.between(2, 5000), Spread::kNear);
    for (size_t i = 0; i + 1 < x.size() && trial % 2 == 0; i += 2) {
      x[i + 1] = x[i] ^ sign_bit(c.part) ^ (random.bits() & 0xff);  // nearly all of it
    }
    double magnitudes = 0;
    for (const uint64_t bits : x) magnitudes += std::abs(std::bit_cast<double>(bits));
    Sums sums(c, 1);
    sums.step(x);
    const auto got = std::bit_cast<double>(sums.finish()[0]);
    const auto exact = std::bit_cast<double>(reference::exact_sum(c.part, x));
    const double eps = std::numeric_limits<double>::epsilon();
    EXPECT_LE(std::abs(got - exact),
              eps * std::abs(exact) + static_cast<double>(x.size()) * eps * eps * magnitudes);
  }
  // Neumaier's own example, which Kahan's sum gets wrong.
  const double values[] = {1, 1e100, 1, -1e100};
  Series x;
  for (const double v : values) x.push_back(std::bit_cast<uint64_t>(v));
  Sums sums(c, 1);
  sums.step(x);
  EXPECT_EQ(sums.finish()[0], std::bit_cast<uint64_t>(2.0));
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(SumCompensatedTest);

}  // namespace
}  // namespace stridecast::testing
