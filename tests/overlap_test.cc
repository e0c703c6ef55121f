// Shared memory against sets of the bytes that operands touch.

#include "engine/overlap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <vector>

#include "tests/support/byte_model.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using namespace internal;  // NOLINT: what is tested

constexpr int64_t kPlenty = 1 << 20;

Answer yes_if(bool yes) { return yes ? Answer::kYes : Answer::kNo; }

void expect_shares(const TouchedItems& a, const TouchedItems& b) {
  const Answer expected = yes_if(model_shares(a, b));
  ASSERT_EQ(share_memory(a.items(), b.items(), kPlenty), expected) << a << "; " << b;
}

// --- small operands, as bits ---------------------------------------------------------------------

// Sizes 1 to 3, strides -4 to 4, item sizes 1 to 3 from base 0: bytes -24 to 26, as bits.
struct SmallOperand {
  TouchedItems operand;
  uint64_t bits = 0;
  bool overlaps_itself = false;
};
constexpr int64_t kBitOfBase = 24;

std::vector<SmallOperand> small_operands(int dims) {
  std::vector<TouchedItems> operands(1);
  for (int axis = 0; axis < dims; ++axis) {
    std::vector<TouchedItems> next;
    for (const TouchedItems& operand : operands) {
      for (int64_t n = 1; n <= 3; ++n) {
        for (int64_t stride = -4; stride <= 4; ++stride) {
          next.push_back(operand);
          next.back().shape.push_back(n);
          next.back().strides.push_back(stride);
        }
      }
    }
    operands = std::move(next);
  }
  std::vector<SmallOperand> all;
  for (TouchedItems& operand : operands) {
    const std::vector<int64_t> places = starts(operand);
    for (operand.itemsize = 1; operand.itemsize <= 3; ++operand.itemsize) {
      SmallOperand small{operand};
      for (const int64_t start : places) {
        const uint64_t item = ((uint64_t{1} << operand.itemsize) - 1) << (kBitOfBase + start);
        small.overlaps_itself |= (small.bits & item) != 0;
        small.bits |= item;
      }
      all.push_back(small);
    }
  }
  return all;
}

void expect_small_shares(const SmallOperand& a, const SmallOperand& b, int64_t offset) {
  TouchedItems moved = b.operand;
  moved.base = offset;
  const uint64_t bits = offset < 0 ? a.bits << -offset & b.bits : a.bits & b.bits << offset;
  ASSERT_EQ(share_memory(a.operand.items(), moved.items(), kPlenty), yes_if(bits != 0))
      << a.operand << "; " << moved;
}

TEST(OverlapTest, SmallOperandsOfUpToOneDimension) {
  for (const int dims : {0, 1}) {
    const std::vector<SmallOperand> some = small_operands(dims), others = small_operands(1);
    for (const SmallOperand& a : some) {
      for (const SmallOperand& b : others) {
        for (int64_t offset = -8; offset <= 8; ++offset) {
          ASSERT_NO_FATAL_FAILURE(expect_small_shares(a, b, offset));
        }
      }
    }
  }
}

// Every operand of two and three dimensions, each with some others.
TEST(OverlapTest, SmallOperandsOfMoreDimensions) {
  Random random(1);
  std::vector<std::vector<SmallOperand>> operands;
  for (int dims = 0; dims <= 3; ++dims) operands.push_back(small_operands(dims));
  for (size_t dims = 2; dims <= 3; ++dims) {
    for (const SmallOperand& a : operands[dims]) {
      for (const std::vector<SmallOperand>& others : operands) {
        for (int turn = 0; turn < (dims == 2 ? 40 : 3); ++turn) {
          const auto which = static_cast<size_t>(random.below(std::ssize(others)));
          const int64_t offset = random.between(-8, 8);
          ASSERT_NO_FATAL_FAILURE(expect_small_shares(a, others[which], offset));
          ASSERT_NO_FATAL_FAILURE(expect_small_shares(others[which], a, offset));
        }
      }
    }
  }
}

TEST(OverlapTest, SmallOperandsThemselves) {
  for (int dims = 0; dims <= 3; ++dims) {
    for (const SmallOperand& a : small_operands(dims)) {
      ASSERT_EQ(overlaps_itself(a.operand.items(), kPlenty), yes_if(a.overlaps_itself))
          << a.operand;
    }
  }
}

// --- larger operands -----------------------------------------------------------------------------

// Any shape with any strides, or a slice of a C-ordered parent: those come close without meeting.
TouchedItems random_operand(Random& random, int max_dims, int64_t max_stride) {
  TouchedItems a;
  a.itemsize = random.between(1, random.chance(50) ? 4 : 17);
  const int64_t dims = random.between(0, max_dims);
  const bool slice = random.chance(50);
  const int64_t parent = random.between(8, 12);
  int64_t pitch = slice && random.chance(50) ? 8 : a.itemsize;
  for (int64_t axis = 0; axis < dims; ++axis) {
    const int64_t n = random.between(random.chance(2) ? 0 : 1, 6);
    int64_t stride = random.between(-max_stride, max_stride);
    if (slice) {
      stride = pitch * random.between(-2, 2);
      pitch *= parent;
    }
    a.shape.push_back(n);
    a.strides.push_back(stride);
  }
  return a;
}

TEST(OverlapTest, RandomOperands) {
  Random random(2);
  int64_t shared = 0, apart = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    SCOPED_TRACE(trial);
    TouchedItems a = random_operand(random, 4, 100);
    TouchedItems b = random_operand(random, 3, 100);
    // Within each other's extents, most of the time.
    b.base = random.between(-300, 300);
    if (random.chance(50)) b.base /= 20;
    ASSERT_NO_FATAL_FAILURE(expect_shares(a, b));
    ASSERT_EQ(overlaps_itself(a.items(), kPlenty), yes_if(model_overlaps_itself(a))) << a;
    (share_memory(a.items(), b.items(), kPlenty) == Answer::kYes ? shared : apart) += 1;
  }
  EXPECT_GT(shared, 2000);
  EXPECT_GT(apart, 2000);
}

TEST(OverlapTest, TypicalSlices) {
  const TouchedItems all{{20, 30}, {240, 8}, 8, 0};
  const TouchedItems even{{20, 15}, {240, 16}, 8, 0}, odd{{20, 15}, {240, 16}, 8, 8};
  const TouchedItems reversed{{20, 15}, {-240, -16}, 8, 19 * 240 + 29 * 8};
  const TouchedItems first_half{{20, 15}, {240, 8}, 8, 0}, second_half{{20, 15}, {240, 8}, 8, 120};
  const TouchedItems real{{20, 30}, {240, 8}, 4, 0}, imaginary{{20, 30}, {240, 8}, 4, 4};
  const TouchedItems transposed{{30, 20}, {8, 240}, 8, 0};
  const TouchedItems row{{20, 30}, {0, 8}, 8, 240}, other_row{{30}, {8}, 8, 480};
  const auto answer = [](const TouchedItems& a, const TouchedItems& b) {
    return share_memory(a.items(), b.items(), 0);  // needs no search
  };
  EXPECT_EQ(answer(all, even), Answer::kYes);
  EXPECT_EQ(answer(even, odd), Answer::kNo);
  EXPECT_EQ(answer(even, reversed), Answer::kNo);
  EXPECT_EQ(answer(odd, reversed), Answer::kYes);
  EXPECT_EQ(answer(first_half, second_half), Answer::kNo);
  EXPECT_EQ(answer(real, imaginary), Answer::kNo);
  EXPECT_EQ(answer(all, imaginary), Answer::kYes);
  EXPECT_EQ(answer(all, transposed), Answer::kYes);
  EXPECT_EQ(answer(row, other_row), Answer::kNo);
  EXPECT_EQ(answer(row, all), Answer::kYes);
  EXPECT_EQ(overlaps_itself(row.items(), 0), Answer::kYes);
  EXPECT_EQ(overlaps_itself(transposed.items(), 0), Answer::kNo);
  // A sliding window shares; one that moves by its whole length does not.
  EXPECT_EQ(overlaps_itself(TouchedItems{{5, 4}, {4, 4}, 4}.items(), 0), Answer::kYes);
  EXPECT_EQ(overlaps_itself(TouchedItems{{5, 4}, {16, 4}, 4}.items(), 0), Answer::kNo);
}

TEST(OverlapTest, NothingSharesNothing) {
  const TouchedItems one{{}, {}, 4, 2};
  EXPECT_EQ(share_memory(one.items(), one.items(), 0), Answer::kYes);
  EXPECT_EQ(overlaps_itself(one.items(), 0), Answer::kNo);
  for (const TouchedItems& nothing :
       {TouchedItems{{3, 0, 2}, {4, 4, 4}, 4, 0}, TouchedItems{{3}, {1}, 0, 2},
        TouchedItems{{0, INT64_MAX}, {INT64_MIN, INT64_MIN}, 4, 0}}) {
    EXPECT_EQ(share_memory(one.items(), nothing.items(), 0), Answer::kNo) << nothing;
    EXPECT_EQ(share_memory(nothing.items(), one.items(), 0), Answer::kNo) << nothing;
    EXPECT_EQ(overlaps_itself(nothing.items(), 0), Answer::kNo) << nothing;
  }
}

// Addresses too far apart to hold bytes: which items meet shows in the order of their starts.
bool model_shares_far(const TouchedItems& a, const TouchedItems& b) {
  std::vector<int64_t> of_a = starts(a), of_b = starts(b);
  std::sort(of_a.begin(), of_a.end());
  std::sort(of_b.begin(), of_b.end());
  size_t i = 0, k = 0;
  while (i < of_a.size() && k < of_b.size()) {
    if (of_a[i] + a.itemsize <= of_b[k]) {
      ++i;
    } else if (of_b[k] + b.itemsize <= of_a[i]) {
      ++k;
    } else {
      return true;
    }
  }
  return false;
}

// One dimension each, or two and one, over up to 2^20, 2^40 and 2^52 bytes; one each needs no
// search.
TEST(OverlapTest, RandomFarOperands) {
  Random random(6);
  int shared = 0, apart = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    SCOPED_TRACE(trial);
    const int64_t stride = int64_t{1} << random.pick(std::vector<int>{10, 30, 42});
    TouchedItems a, b;
    a.shape = {random.between(1, 100)};
    b.shape = {random.between(1, 100)};
    a.strides = {random.between(stride / 2, stride)};
    b.strides = {random.between(-stride, stride)};
    if (random.chance(30)) {
      a.shape.push_back(random.between(1, 5));
      a.strides.push_back(random.between(-stride, stride));
    }
    a.itemsize = 1 + random.below(random.chance(50) ? stride / 200 : stride / 5);
    b.itemsize = 1 + random.below(random.chance(50) ? stride / 200 : stride / 5);
    b.base = random.between(-5 * stride, 50 * stride);
    const Answer expected = yes_if(model_shares_far(a, b));
    const int64_t work = a.shape.size() == 1 ? 0 : kPlenty;
    ASSERT_EQ(share_memory(a.items(), b.items(), work), expected) << a << "; " << b;
    ASSERT_EQ(share_memory(b.items(), a.items(), work), expected) << a << "; " << b;
    (expected == Answer::kYes ? shared : apart) += 1;
  }
  EXPECT_GT(shared, 4000);
  EXPECT_GT(apart, 4000);
}

// --- hard ones -----------------------------------------------------------------------------------

TEST(OverlapTest, TooLittleWorkIsNeverAWrongAnswer) {
  Random random(3);
  int too_hard = 0, no = 0;
  for (int trial = 0; trial < 400; ++trial) {
    SCOPED_TRACE(trial);
    // Large strides without a common divisor, and few items, so that most sums are missed.
    TouchedItems a, b;
    for (int axis = 0; axis < 3; ++axis) {
      a.shape.push_back(random.between(5, 12));
      a.strides.push_back(random.between(2000, 9000));
      b.shape.push_back(random.between(2, 8));
      b.strides.push_back(-random.between(2000, 9000));
    }
    b.base = random.between(20000, 90000);
    const Answer truth = yes_if(model_shares(a, b));
    no += truth == Answer::kNo;
    ASSERT_EQ(share_memory(a.items(), b.items(), kPlenty), truth) << a << "; " << b;
    for (const int64_t work : {0, 3, 30, 100, 300}) {
      const Answer answer = share_memory(a.items(), b.items(), work);
      ASSERT_TRUE(answer == truth || answer == Answer::kTooHard) << a << "; " << b;
      too_hard += answer == Answer::kTooHard;
    }
    const Answer itself = yes_if(model_overlaps_itself(a));
    ASSERT_EQ(overlaps_itself(a.items(), kPlenty), itself) << a;
    const Answer answer = overlaps_itself(a.items(), 5);
    ASSERT_TRUE(answer == itself || answer == Answer::kTooHard) << a;
  }
  EXPECT_GT(too_hard, 100);
  EXPECT_GT(no, 100);
}

// The largest number that 12223, 12224, 36674, 61119 and 85569 do not add up to is 89643481 (Aardal
// and Lenstra, "Hard equality constrained integer knapsacks", 2002): more than a second of search.
TEST(OverlapTest, TheLimitEndsAHardSearch) {
  const TouchedItems sums{
      {8000, 8000, 8000, 8000, 8000}, {12223, 12224, 36674, 61119, 85569}, 1, 0};
  const TouchedItems never{{}, {}, 1, 89643481};
  EXPECT_EQ(share_memory(sums.items(), never.items(), 10000), Answer::kTooHard);
  const TouchedItems wide{{}, {}, 12223, 89643481};
  EXPECT_EQ(share_memory(sums.items(), wide.items(), 0), Answer::kYes);
}

// --- as far as 63 bits go ------------------------------------------------------------------------

TEST(OverlapTest, ExtentsOf63Bits) {
  const TouchedItems whole{{INT64_MAX}, {1}, 1, 0};
  const auto at = [](int64_t base) { return TouchedItems{{}, {}, 1, base}; };
  const auto shares = [](const TouchedItems& a, const TouchedItems& b) {
    const Answer answer = share_memory(a.items(), b.items(), kPlenty);
    EXPECT_EQ(share_memory(b.items(), a.items(), kPlenty), answer) << a << "; " << b;
    return answer;
  };
  EXPECT_EQ(shares(whole, at(0)), Answer::kYes);
  EXPECT_EQ(shares(whole, at(INT64_MAX - 1)), Answer::kYes);
  EXPECT_EQ(shares(whole, at(INT64_MAX)), Answer::kNo);
  EXPECT_EQ(shares(whole, at(-1)), Answer::kNo);
  EXPECT_EQ(shares(at(INT64_MIN), at(INT64_MAX)), Answer::kNo);
  EXPECT_EQ(shares(whole, whole), Answer::kYes);
  EXPECT_EQ(overlaps_itself(whole.items(), 0), Answer::kNo);

  const TouchedItems ends{{2}, {-(INT64_MAX - 1)}, 1, INT64_MAX - 1};
  EXPECT_EQ(shares(ends, at(0)), Answer::kYes);
  EXPECT_EQ(shares(ends, at(1)), Answer::kNo);
  EXPECT_EQ(shares(ends, at(INT64_MAX - 1)), Answer::kYes);
  const TouchedItems inside{{INT64_MAX - 2}, {1}, 1, 1};
  EXPECT_EQ(shares(ends, inside), Answer::kNo);

  // The stride of a size of 1 means nothing.
  const TouchedItems wild{{1, 3, 1}, {INT64_MIN, 4, INT64_MAX}, 4, 0};
  EXPECT_EQ(shares(wild, at(11)), Answer::kYes);
  EXPECT_EQ(shares(wild, at(12)), Answer::kNo);
  EXPECT_EQ(overlaps_itself(wild.items(), 0), Answer::kNo);

  // (s + 1) x == s y + d has x == y == d for a solution, and the next one is s further.
  const int64_t s = int64_t{1} << 52;
  for (const int64_t d : {-1, 0, 499, 500, 999, 1000}) {
    const TouchedItems steps{{1000}, {s}, 1, d}, wider{{1000}, {s + 1}, 1, 0};
    EXPECT_EQ(shares(steps, wider), yes_if(d >= 0 && d < 1000)) << d;
    // (2 s - 1) x == s y - d has x == d, y == 2 d.
    const TouchedItems back{{1000}, {s}, 1, -d}, twice{{1000}, {2 * s - 1}, 1, 0};
    EXPECT_EQ(shares(back, twice), yes_if(d >= 0 && d < 500)) << d;
  }

  // All sums of the powers of two up to 2^61, once each; and three times those, without 3 * 2^61.
  TouchedItems powers, threes;
  for (int k = 0; k < 62; ++k) {
    powers.shape.push_back(2);
    powers.strides.push_back(int64_t{1} << k);
    if (k == 61) break;
    threes.shape.push_back(2);
    threes.strides.push_back(-3 * (int64_t{1} << k));
  }
  EXPECT_EQ(overlaps_itself(powers.items(), 0), Answer::kNo);
  EXPECT_EQ(shares(powers, at((int64_t{1} << 62) - 1)), Answer::kYes);
  EXPECT_EQ(shares(powers, at(int64_t{1} << 62)), Answer::kNo);
  EXPECT_EQ(shares(threes, at(-3000001)), Answer::kNo);
  EXPECT_EQ(shares(threes, at(-3000003)), Answer::kYes);
  threes.base = INT64_MAX;
  EXPECT_EQ(shares(powers, threes), Answer::kYes);
  powers.strides[5] += 1;
  EXPECT_EQ(overlaps_itself(powers.items(), kPlenty), Answer::kYes);
}

// p x == q y + d, q a prime above every x: x is d / p modulo q, or nothing is.
TEST(OverlapTest, TwoLongOperandsMeetInOnePlaceAtMost) {
  __extension__ typedef __int128 Product;
  const int64_t q = (int64_t{1} << 43) - 57, n = int64_t{1} << 19;
  const auto times = [&](int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<Product>(a) * b % q);
  };
  Random random(7);
  int meetings = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const int64_t p = random.between(q / 2, q - 1);
    int64_t d = random.between(0, n * (q / 2));
    if (random.chance(50)) d = p * random.below(n) - q * random.below(n + n / 4);
    int64_t inverse = 1, power = p;  // p to the power of q - 2
    for (int64_t bits = q - 2; bits != 0; bits >>= 1, power = times(power, power)) {
      if (bits & 1) inverse = times(inverse, power);
    }
    const int64_t x = times((d % q + q) % q, inverse);
    const bool meet = x < n && p * x >= d && (p * x - d) / q < n;
    meetings += meet;
    const TouchedItems a{{n}, {p}, 1, 0}, b{{n}, {q}, 1, d};
    ASSERT_EQ(share_memory(a.items(), b.items(), 0), yes_if(meet)) << a << "; " << b;
  }
  EXPECT_GT(meetings, 200);
}

}  // namespace
}  // namespace stridecast::testing
