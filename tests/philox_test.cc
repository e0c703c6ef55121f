// The random numbers of stochastic rounding: the known answers of Philox's authors, and that what
// is rounded with them is unbiased, and independent from item to item.

#include "kernels/philox.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/rounding.h"
#include "tests/support/kernel_run.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::PhiloxKeys;
using kernels::RoundParams;

struct KnownAnswer {
  std::array<uint32_t, 4> counter;
  std::array<uint32_t, 2> key;
  std::array<uint32_t, 4> result;
};

// kat_vectors of Random123, the authors' implementation: nothing, all ones, the digits of pi.
constexpr KnownAnswer kKnownAnswers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}},
    {{0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},
     {0xFFFFFFFF, 0xFFFFFFFF},
     {0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}},
    {{0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344},
     {0xA4093822, 0x299F31D0},
     {0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}},
};

TEST(PhiloxTest, KnownAnswers) {
  for (const KnownAnswer& known : kKnownAnswers) {
    const PhiloxKeys keys(known.key[0] | uint64_t{known.key[1]} << 32);
    EXPECT_EQ(kernels::philox4x32(known.counter, keys), known.result);
    EXPECT_EQ(reference::philox4x32_10(known.counter, known.key), known.result);
  }
}

// The counter is the item (low word first), then the leaf; the seed is the key, low word first.
TEST(PhiloxTest, ItemAndLeafAreTheCounter) {
  constexpr KnownAnswer kPi = kKnownAnswers[2];
  const PhiloxKeys keys(uint64_t{kPi.key[1]} << 32 | kPi.key[0]);
  const uint64_t item = uint64_t{kPi.counter[1]} << 32 | kPi.counter[0];
  const uint64_t leaf = uint64_t{kPi.counter[3]} << 32 | kPi.counter[2];
  EXPECT_EQ(kernels::random_bits({item, leaf}, keys),
            (uint64_t{kPi.result[1]} << 32 | kPi.result[0]) >> 1);
}

class StochasticTest : public KernelTest {
 protected:
  // Whether each of `count` values `fraction` is rounded up to 1.
  std::vector<bool> ups(double fraction, int64_t count, uint64_t seed, int64_t first) const {
    RoundParams params;
    params.rounding = Rounding::kStochastic;
    params.seed = seed;
    std::vector<double> values(static_cast<size_t>(count), fraction);
    sc_run run = make_packed_run(count, values.data(), 8, values.data(), 8, &params);
    run.index = first;
    run.index_step[1] = 1;
    table().round_integral[1].run(&run);
    std::vector<bool> out;
    for (double value : values) {
      EXPECT_TRUE(value == 0 || value == 1) << value;
      out.push_back(value == 1);
    }
    return out;
  }
};

// 15 fractions, each rounded 20000 times: chi-square with 15 degrees of freedom, of which 1 in 1000
// is above 37.7 and 1 in 1000 below 3.5.
TEST_P(StochasticTest, RoundsUpAsOftenAsTheFractionSays) {
  constexpr int64_t kCount = 20000;
  double chi_square = 0;
  for (int k = 1; k < 16; ++k) {
    const double p = k / 16.0;
    double up = 0;
    for (bool is_up : ups(p, kCount, 1, k * kCount)) up += is_up ? 1 : 0;
    chi_square += std::pow(up - kCount * p, 2) / (kCount * p * (1 - p));
  }
  EXPECT_LT(chi_square, 37.7);
  EXPECT_GT(chi_square, 3.5);
}

// Neighbours, and the same items under another seed, agree in half of the cases.
TEST_P(StochasticTest, ItemsAndSeedsAreIndependent) {
  constexpr int64_t kCount = 20000;
  const std::vector<bool> first = ups(0.5, kCount, 1, 0), other = ups(0.5, kCount, 2, 0);
  double neighbours = 0, seeds = 0;
  for (size_t i = 0; i + 1 < first.size(); ++i) {
    neighbours += first[i] == first[i + 1] ? 1 : 0;
    seeds += first[i] == other[i] ? 1 : 0;
  }
  const double sigma = std::sqrt(kCount) / 2;
  EXPECT_NEAR(neighbours, kCount / 2.0, 4 * sigma);
  EXPECT_NEAR(seeds, kCount / 2.0, 4 * sigma);
}

TEST_P(StochasticTest, WholeNumbersNeverChange) {
  for (double value : {0.0, 1.0}) {
    for (bool up : ups(value, 1000, 3, 0)) EXPECT_EQ(up, value == 1);
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(StochasticTest);

}  // namespace
}  // namespace stridecast::testing
