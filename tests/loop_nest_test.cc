// The passes over LoopNest, with literal loops, and the promise that they all make: the same
// elements meet, only in another order.

#include "engine/loop_nest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using namespace internal;  // NOLINT: the passes are what is tested

Loop loop(int64_t n, int64_t src, int64_t dst, int64_t index = 0) {
  Loop l;
  l.n = n;
  l.step[kSrc] = src;
  l.step[kDst] = dst;
  l.step[kIndex] = index;
  return l;
}

LoopNest nest(std::vector<Loop> loops) {
  LoopNest n;
  n.loops = std::move(loops);
  return n;
}

using Meeting = std::tuple<int64_t, int64_t, int64_t, int64_t>;  // src, dst, index, mask

std::vector<Meeting> walked(const LoopNest& n) {
  std::vector<Meeting> all = {{n.offset[kSrc], n.offset[kDst], n.offset[kIndex], n.offset[kMask]}};
  for (const Loop& l : n.loops) {
    std::vector<Meeting> next;
    for (const auto& [src, dst, index, mask] : all) {
      for (int64_t i = 0; i < l.n; ++i) {
        next.emplace_back(src + i * l.step[kSrc], dst + i * l.step[kDst],
                          index + i * l.step[kIndex], mask + i * l.step[kMask]);
      }
    }
    all = std::move(next);
  }
  return all;
}

std::vector<Meeting> meetings(const LoopNest& n) {
  std::vector<Meeting> all = walked(n);
  std::sort(all.begin(), all.end());
  return all;
}

TEST(LoopNestTest, MakeNestFollowsTheDestination) {
  const Format f = Format::parse("f");
  const LoopNest n =
      make_nest(Layout::strided(f, {2, 3}, {4, 8}, 100), Layout::contiguous(f, {2, 3}));
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(2, 4, 12, 3), loop(3, 8, 4, 1)}));
  EXPECT_EQ(n.offset[kSrc], 100);
  EXPECT_EQ(n.offset[kDst], 0);
  EXPECT_EQ(n.count(), 6);
}

TEST(LoopNestTest, MakeNestBroadcasts) {
  const Format f = Format::parse("f");
  const LoopNest n = make_nest(Layout::contiguous(f, {3, 1}), Layout::contiguous(f, {2, 3, 4}));
  // The index counts the source's own elements: 0, 1, 2.
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(2, 0, 48, 0), loop(3, 4, 16, 1), loop(4, 0, 4, 0)}));
}

TEST(LoopNestTest, MakeNestBroadcastsMasks) {
  const Format f = Format::parse("f"), b = Format::parse("?");
  const Layout dst = Layout::contiguous(f, {2, 3, 4});
  const auto masked = [&](const Layout& mask) {
    const LoopNest n = make_nest(Layout::contiguous(f, {3, 1}), dst, &mask);
    std::vector<int64_t> steps = {n.offset[kMask]};
    for (const Loop& l : n.loops) steps.push_back(l.step[kMask]);
    return steps;
  };
  EXPECT_EQ(masked(Layout::strided(b, {2, 3, 4}, {-1, 5, 90}, 7)),
            (std::vector<int64_t>{7, -1, 5, 90}));
  EXPECT_EQ(masked(Layout::strided(b, {1, 4}, {50, 2}, 3)), (std::vector<int64_t>{3, 0, 0, 2}));
  EXPECT_EQ(masked(Layout::contiguous(b, {2, 1, 1})), (std::vector<int64_t>{0, 1, 0, 0}));
  EXPECT_EQ(masked(Layout::contiguous(b, {})), (std::vector<int64_t>{0, 0, 0, 0}));
  // The mask leaves the other operands alone.
  const Layout any = Layout::strided(b, {4}, {2}, 3);
  LoopNest with = make_nest(Layout::contiguous(f, {3, 1}), dst, &any);
  for (Loop& l : with.loops) l.step[kMask] = 0;
  with.offset[kMask] = 0;
  EXPECT_EQ(with, make_nest(Layout::contiguous(f, {3, 1}), dst));
  try {
    const Layout wrong = Layout::contiguous(b, {4, 3});
    make_nest(dst, dst, &wrong);
    FAIL() << "accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(text.find("mask"), std::string::npos) << text;
    EXPECT_NE(text.find("(4, 3)"), std::string::npos) << text;
    EXPECT_NE(text.find("(2, 3, 4)"), std::string::npos) << text;
  }
}

TEST(LoopNestTest, MakeNestNamesBothShapesWhereTheyDoNotFit) {
  const Format f = Format::parse("f");
  const auto refused = [&](std::vector<int64_t> src, std::vector<int64_t> dst) {
    try {
      make_nest(Layout::contiguous(f, std::move(src)), Layout::contiguous(f, std::move(dst)));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const std::string text = refused({2, 3}, {3, 2});
  EXPECT_NE(text.find("(2, 3)"), std::string::npos) << text;
  EXPECT_NE(text.find("(3, 2)"), std::string::npos) << text;
  EXPECT_NE(refused({2}, {}), "accepted");
  EXPECT_NE(refused({3}, {1}), "accepted");
  EXPECT_NE(refused({0}, {3}), "accepted");
  EXPECT_NE(refused({2, 3}, {3}), "accepted");
  EXPECT_EQ(refused({1}, {0}), "accepted");
  EXPECT_EQ(refused({1, 1, 3}, {3}), "accepted");  // as np.copyto: leading axes of size 1 go
  EXPECT_EQ(refused({1, 1}, {}), "accepted");
}

TEST(LoopNestTest, DropSizeOne) {
  LoopNest n = nest({loop(1, 5, 5), loop(3, 4, 4), loop(1, 0, 0)});
  drop_size_one(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(3, 4, 4)}));
}

TEST(LoopNestTest, FlipTurnsBackwardLoopsRound) {
  LoopNest n = nest({loop(3, 8, -4, 1), loop(2, -8, 4, 3)});
  flip_negative(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(3, -8, 4, -1), loop(2, -8, 4, 3)}));
  EXPECT_EQ(n.offset[kSrc], 16);
  EXPECT_EQ(n.offset[kDst], -8);
  EXPECT_EQ(n.offset[kIndex], 2);
}

TEST(LoopNestTest, FlipLooksAtTheSourceWhereTheDestinationStandsStill) {
  LoopNest n = nest({loop(3, -8, 0)});
  flip_negative(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(3, 8, 0)}));
  EXPECT_EQ(n.offset[kSrc], -16);
}

TEST(LoopNestTest, SortPutsTheSmallestDestinationStepInnermost) {
  LoopNest n = nest({loop(2, 1, 4), loop(3, 2, -100), loop(4, 3, 20)});
  sort_by_step(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(3, 2, -100), loop(4, 3, 20), loop(2, 1, 4)}));
  LoopNest ties = nest({loop(2, 4, 0), loop(3, 64, 0)});
  sort_by_step(ties);
  EXPECT_EQ(ties.loops, (std::vector<Loop>{loop(3, 64, 0), loop(2, 4, 0)}));
}

TEST(LoopNestTest, CoalesceJoinsLoopsThatWalkAsOne) {
  LoopNest n = nest({loop(2, 96, 48, 12), loop(3, 32, 16, 4), loop(4, 8, 4, 1)});
  coalesce(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(24, 8, 4, 1)}));
}

TEST(LoopNestTest, CoalesceAsksEveryOperand) {
  const std::vector<Loop> padded_rows = {loop(3, 40, 16), loop(4, 8, 4)};
  LoopNest n = nest(padded_rows);
  coalesce(n);
  EXPECT_EQ(n.loops, padded_rows);
  LoopNest middle = nest({loop(2, 192, 96), loop(2, 96, 48), loop(3, 40, 16), loop(4, 8, 4)});
  coalesce(middle);
  EXPECT_EQ(middle.loops, (std::vector<Loop>{loop(4, 96, 48), loop(3, 40, 16), loop(4, 8, 4)}));
  // Only the mask disagrees: one byte for each row.
  std::vector<Loop> masked = {loop(3, 32, 16), loop(4, 8, 4)};
  masked[0].step[kMask] = 1;
  n = nest(masked);
  coalesce(n);
  EXPECT_EQ(n.loops, masked);
  // Only the index disagrees.
  const std::vector<Loop> reordered = {loop(3, 32, 16, 1), loop(4, 8, 4, 3)};
  n = nest(reordered);
  coalesce(n);
  EXPECT_EQ(n.loops, reordered);
}

TEST(LoopNestTest, CoalesceBroadcasts) {
  LoopNest n = nest({loop(3, 0, 16), loop(4, 0, 4)});
  coalesce(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(12, 0, 4)}));
}

TEST(LoopNestTest, BringSourceInward) {
  // A transpose: the source's fastest loop becomes the last but one.
  LoopNest n = nest({loop(30, 4, 400), loop(50, 800, 8), loop(100, 120, 4)});
  ASSERT_TRUE(bring_source_inward(n));
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(50, 800, 8), loop(30, 4, 400), loop(100, 120, 4)}));
  // It walks the source forwards; the destination's direction is the other loop's business.
  n = nest({loop(30, -4, 400), loop(100, 120, 4)});
  ASSERT_TRUE(bring_source_inward(n));
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(30, 4, -400), loop(100, 120, 4)}));
  EXPECT_EQ(n.offset[kSrc], -116);
  EXPECT_EQ(n.offset[kDst], 29 * 400);
  // Outer loops by the smaller of both steps, so that the lines of either side come back soon.
  n = nest({loop(2, 8, 9000), loop(30, 4, 500), loop(5, 7000, 64), loop(9, 120, 4)});
  ASSERT_TRUE(bring_source_inward(n));
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(5, 7000, 64), loop(2, 8, 9000), loop(30, 4, 500),
                                        loop(9, 120, 4)}));
  n = nest({loop(3, 0, 600), loop(30, 4, 500), loop(5, 7000, 64), loop(9, 120, 4)});
  ASSERT_TRUE(bring_source_inward(n));
  EXPECT_EQ(n.loops[2], loop(30, 4, 500)) << "where the source stands still it is not fastest";
}

TEST(LoopNestTest, BringSourceInwardLeavesRowsAlone) {
  for (const std::vector<Loop>& loops :
       {std::vector<Loop>{},
        {loop(9, 4, 4)},
        {loop(3, 400, 40), loop(9, 4, 4)},
        {loop(3, 400, 40), loop(9, -4, 4)},
        {loop(3, 4, 40), loop(9, 4, 4)},  // a tie is the destination's
        {loop(3, 4, 40), loop(9, 0, 4)},  // nothing of the source to bring together
        {loop(3, 0, 40), loop(9, 0, 4)}}) {
    LoopNest n = nest(loops);
    EXPECT_FALSE(bring_source_inward(n)) << to_string(loops);
    EXPECT_EQ(n.loops, loops);
  }
}

TEST(LoopNestTest, SortByIndexLetsTheIndexRise) {
  LoopNest n = nest({loop(2, 0, 0, 0), loop(3, 4, 0, 5), loop(4, 0, 0, 0), loop(5, 4, 0, 1)});
  sort_by_index(n);
  EXPECT_EQ(n.loops, (std::vector<Loop>{loop(3, 4, 0, 5), loop(5, 4, 0, 1), loop(2, 0, 0, 0),
                                        loop(4, 0, 0, 0)}));
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const std::vector<int64_t> shape = random_shape(random, 5, 300);
    const Format f = Format::parse("i");
    const Layout dst = random_destination(random, f, shape);
    LoopNest any = make_nest(random_source(random, f, random_broadcastable(random, shape)), dst);
    drop_size_one(any);
    sort_by_index(any);
    const std::vector<Meeting> order = walked(any);
    ASSERT_TRUE(std::is_sorted(
        order.begin(), order.end(),
        [](const Meeting& a, const Meeting& b) { return std::get<2>(a) < std::get<2>(b); }))
        << "seed " << seed;
  }
}

TEST(LoopNestTest, SplitTakesAPart) {
  const LoopNest n = nest({loop(10, 8, 4, 1)});
  const LoopNest part = split(n, 0, 3, 7);
  EXPECT_EQ(part.loops, (std::vector<Loop>{loop(4, 8, 4, 1)}));
  EXPECT_EQ(part.offset[kSrc], 24);
  EXPECT_EQ(part.offset[kDst], 12);
  EXPECT_EQ(part.offset[kIndex], 3);
}

TEST(LoopNestTest, ToString) {
  EXPECT_EQ(to_string({}), "one item");
  const std::vector<Loop> loops = {loop(480, -8, 4), loop(3, 0, 1)};
  EXPECT_EQ(to_string(loops), "n=480 src:-8 dst:4 | n=3 src:0 dst:1");
}

TEST(LoopNestTest, CountOfAnEmptyNest) {
  EXPECT_EQ(nest({}).count(), 1);
  EXPECT_EQ(nest({loop(3, 1, 1), loop(0, 1, 1)}).count(), 0);
}

TEST(LoopNestTest, PassesKeepWhatMeets) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    const std::vector<int64_t> shape = random_shape(random, 5, 300);
    const Format f = Format::parse("i");
    const Layout dst = random_destination(random, f, shape);
    const Layout src = random_source(random, f, random_broadcastable(random, shape));
    const Layout mask =
        random_source(random, Format::parse("?"), random_broadcastable(random, shape));
    LoopNest n = make_nest(src, dst, random.chance(50) ? &mask : nullptr);
    const std::vector<Meeting> before = meetings(n);
    for (const auto& [pass, name] :
         {std::pair<void (*)(LoopNest&), const char*>{drop_size_one, "drop_size_one"},
          {[](LoopNest& x) { flip_negative(x); }, "flip_negative"},
          {sort_by_step, "sort_by_step"},
          {coalesce, "coalesce"},
          {[](LoopNest& x) { bring_source_inward(x); }, "bring_source_inward"},
          {sort_by_index, "sort_by_index"}}) {
      pass(n);
      ASSERT_EQ(meetings(n), before) << name << " seed " << seed;
    }
    // The parts of a split are the whole.
    for (size_t k = 0; k < n.loops.size(); ++k) {
      const int64_t cut = random.between(0, n.loops[k].n);
      std::vector<Meeting> parts = meetings(split(n, k, 0, cut));
      const std::vector<Meeting> rest = meetings(split(n, k, cut, n.loops[k].n));
      parts.insert(parts.end(), rest.begin(), rest.end());
      std::sort(parts.begin(), parts.end());
      ASSERT_EQ(parts, before) << "split of loop " << k << " at " << cut << " seed " << seed;
    }
  }
}

}  // namespace
}  // namespace stridecast::testing
