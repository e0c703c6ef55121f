// Safe orders against walks that are played item by item and chunk by chunk.

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <vector>

#include "engine/overlap.h"
#include "tests/support/byte_model.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using namespace internal;  // NOLINT: what is tested

struct Walk {
  LoopNest nest;
  int64_t src = 0, src_size = 1, dst = 0, dst_size = 1;

  void loop(int64_t n, int64_t src_step, int64_t dst_step) {
    Loop added;
    added.n = n;
    added.step[kSrc] = src_step;
    added.step[kDst] = dst_step;
    nest.loops.push_back(added);
  }
  TouchedItems items(Operands which) const {
    TouchedItems a{{}, {}, which == kSrc ? src_size : dst_size, which == kSrc ? src : dst};
    for (const Loop& l : nest.loops) {
      a.shape.push_back(l.n);
      a.strides.push_back(l.step[which]);
    }
    return a;
  }
  SafeOrder order() const { return safe_order(nest, src, src_size, dst, dst_size); }
};

std::ostream& operator<<(std::ostream& out, const Walk& walk) {
  return out << to_string(walk.nest.loops) << "; src " << walk.src << " of " << walk.src_size
             << ", dst " << walk.dst << " of " << walk.dst_size;
}

struct Place {
  int64_t src, dst;
};

std::vector<Place> places(const Walk& walk, SafeOrder order) {
  const std::vector<int64_t> src = starts(walk.items(kSrc)), dst = starts(walk.items(kDst));
  std::vector<Place> places;
  for (size_t k = 0; k < src.size(); ++k) places.push_back({src[k], dst[k]});
  if (order == SafeOrder::kBackward) std::reverse(places.begin(), places.end());
  return places;
}

// No item of the source is read after a byte of it was written.
bool model_safe(const Walk& walk, SafeOrder order) {
  ByteSet written = empty_set(starts(walk.items(kDst)), walk.dst_size);
  for (const Place& place : places(walk, order)) {
    if (written.meets(place.src, walk.src_size)) return false;
    written.insert(place.dst, walk.dst_size);
  }
  return true;
}

constexpr int64_t kArena = 1 << 12;

// Converts items to others of any size, `chunk` at a time: all read, then all written, the last one
// first.
std::vector<uint8_t> play(const Walk& walk, SafeOrder order, size_t chunk) {
  std::vector<uint8_t> arena(kArena);
  for (size_t k = 0; k < arena.size(); ++k) arena[k] = static_cast<uint8_t>(k * 37 + k / 251);
  const std::vector<Place> all = places(walk, order);
  for (size_t begin = 0; begin < all.size(); begin += chunk) {
    const size_t end = std::min(all.size(), begin + chunk);
    std::vector<std::vector<uint8_t>> converted;
    for (size_t k = begin; k < end; ++k) {
      const auto from = arena.begin() + kArena / 2 + all[k].src;
      std::vector<uint8_t> item;
      for (int64_t i = 0; i < walk.dst_size; ++i) {
        item.push_back(static_cast<uint8_t>(from[i % walk.src_size] * 3 + i));
      }
      converted.push_back(std::move(item));
    }
    for (size_t k = end; k-- > begin;) {
      std::ranges::copy(converted[k - begin], arena.begin() + kArena / 2 + all[k].dst);
    }
  }
  return arena;
}

// The answer is the model's, and true of chunks.
void check_order(const Walk& walk) {
  const SafeOrder order = walk.order();
  const bool forward = model_safe(walk, SafeOrder::kForward);
  const bool backward = model_safe(walk, SafeOrder::kBackward);
  ASSERT_EQ(order, forward    ? SafeOrder::kForward
                   : backward ? SafeOrder::kBackward
                              : SafeOrder::kNone)
      << walk;
  if (order == SafeOrder::kNone) return;
  const std::vector<uint8_t> expected = play(walk, order, SIZE_MAX / 2);
  std::vector<size_t> chunks = {1, 2, 3, 4, 5};
  if (!walk.nest.loops.empty()) {  // whole rows
    const auto row = static_cast<size_t>(std::max<int64_t>(walk.nest.loops.back().n, 1));
    chunks.push_back(row);
    chunks.push_back(2 * row);
  }
  for (const size_t chunk : chunks) {
    ASSERT_EQ(play(walk, order, chunk), expected) << walk << "; chunks of " << chunk;
  }
}

Walk one_loop(int64_t n, int64_t src_step, int64_t dst_step, int64_t src, int64_t src_size,
              int64_t dst, int64_t dst_size) {
  Walk walk{{}, src, src_size, dst, dst_size};
  walk.loop(n, src_step, dst_step);
  return walk;
}

TEST(SafeOrderTest, FindsTheObviousOnes) {
  const auto order = [](const Walk& walk) {
    check_order(walk);
    return walk.order();
  };
  const SafeOrder forward = SafeOrder::kForward, backward = SafeOrder::kBackward;
  // memmove, up and down, and with gaps; by part of an item; nothing moved; apart.
  EXPECT_EQ(order(one_loop(20, 4, 4, 0, 4, 4, 4)), backward);
  EXPECT_EQ(order(one_loop(20, 4, 4, 4, 4, 0, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 8, 8, 0, 4, 24, 4)), backward);
  EXPECT_EQ(order(one_loop(20, -4, -4, 0, 4, 4, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 4, 4, 0, 4, 1, 4)), backward);
  EXPECT_EQ(order(one_loop(20, 4, 4, 1, 4, 0, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 4, 4, 0, 4, 0, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 4, 4, 0, 4, 80, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 4, 4, 0, 4, 79, 4)), backward);
  EXPECT_EQ(order(one_loop(1, 4, 4, 0, 4, 1, 4)), forward);
  EXPECT_EQ(order(one_loop(0, 4, 4, 0, 4, 1, 4)), forward);
  // float32 and float64 in one buffer, from one start and to one end.
  EXPECT_EQ(order(one_loop(20, 4, 8, 0, 4, 0, 8)), backward);
  EXPECT_EQ(order(one_loop(20, 8, 4, 0, 8, 0, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 4, 8, 80, 4, 0, 8)), forward);
  EXPECT_EQ(order(one_loop(20, 8, 4, 0, 8, 80, 4)), backward);
  // Every second item to the front, and one to every second place.
  EXPECT_EQ(order(one_loop(20, 8, 4, 0, 4, 0, 4)), forward);
  EXPECT_EQ(order(one_loop(20, 4, 8, 0, 4, 0, 4)), backward);
  // Reversing meets in the middle; a start that stays the same is read by all.
  EXPECT_EQ(order(one_loop(20, 4, -4, 0, 4, 76, 4)), SafeOrder::kNone);
  EXPECT_EQ(order(one_loop(20, 0, 4, 0, 4, 0, 4)), backward);

  Walk widening{{}, 0, 4, 0, 8};  // rows with gaps
  widening.loop(5, 100, 200);
  widening.loop(20, 4, 8);
  EXPECT_EQ(order(widening), backward);
  Walk narrowing{{}, 0, 8, 0, 4};
  narrowing.loop(5, 200, 100);
  narrowing.loop(20, 8, 4);
  EXPECT_EQ(order(narrowing), forward);
  Walk transposed{{}, 0, 4, 0, 4};
  transposed.loop(5, 4, 20);
  transposed.loop(5, 20, 4);
  EXPECT_EQ(order(transposed), SafeOrder::kNone);
}

// Equal steps, the walk in ascending order of the destination: always one of the two.
TEST(SafeOrderTest, ShiftsOfAnyDimension) {
  Random random(4);
  int backward = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    SCOPED_TRACE(trial);
    const Format format = Format::parse(random.pick(std::vector<const char*>{"b", "h", "f", "3x"}));
    const Layout layout = random_destination(random, format, random_shape(random, 4, 100));
    LoopNest nest = make_nest(layout, layout);
    drop_size_one(nest);
    flip_negative(nest);
    sort_by_step(nest);
    if (random.chance(50)) coalesce(nest);
    const int64_t shift = random.between(-40, 40), size = format.itemsize();
    const Walk walk{nest, 0, size, shift, size};
    const SafeOrder order = walk.order();
    ASSERT_NE(order, SafeOrder::kNone) << walk;
    ASSERT_TRUE(model_safe(walk, order)) << walk;
    if (shift <= 0) {
      ASSERT_EQ(order, SafeOrder::kForward) << walk;
    }
    backward += order == SafeOrder::kBackward;
  }
  EXPECT_GT(backward, 500);
}

// Any steps: each answer is the model's.
TEST(SafeOrderTest, RandomNests) {
  Random random(5);
  int found[3] = {};
  for (int trial = 0; trial < 20000;) {
    SCOPED_TRACE(trial);
    Walk walk;
    walk.src_size = random.between(1, 4);
    walk.dst_size = random.chance(50) ? walk.src_size : random.between(1, 4);
    const int64_t dims = random.between(0, 3);
    for (int64_t k = 0; k < dims; ++k) {
      const int64_t step = random.between(-20, 20);
      walk.loop(random.between(1, 5), random.chance(40) ? step : random.between(-20, 20), step);
    }
    walk.dst = random.between(-30, 30);
    if (model_overlaps_itself(walk.items(kDst))) continue;
    if (!model_shares(walk.items(kSrc), walk.items(kDst)) && random.chance(90)) continue;
    ++trial;
    ASSERT_NO_FATAL_FAILURE(check_order(walk));
    ++found[static_cast<int>(walk.order())];
  }
  for (const int count : found) EXPECT_GT(count, 2000);
}

TEST(SafeOrderTest, ExtentsOf63Bits) {
  const int64_t far = int64_t{1} << 61;
  EXPECT_EQ(one_loop(3, far, far, INT64_MIN, 8, INT64_MAX - 8, 8).order(), SafeOrder::kForward);
  EXPECT_EQ(one_loop(3, far, far, 0, 8, 4, 8).order(), SafeOrder::kForward);
  EXPECT_EQ(one_loop(3, far, far, 0, 8, far, 8).order(), SafeOrder::kBackward);
  EXPECT_EQ(one_loop(3, far, -far, 0, 8, 2 * far, 8).order(), SafeOrder::kNone);
  EXPECT_EQ(one_loop(INT64_MAX / 2, 1, 2, 0, 1, 0, 2).order(), SafeOrder::kBackward);
  EXPECT_EQ(one_loop(INT64_MAX / 2, 2, 1, 0, 2, 0, 1).order(), SafeOrder::kForward);
  EXPECT_EQ(one_loop(1, INT64_MIN, INT64_MAX, 0, 8, 4, 8).order(), SafeOrder::kForward);
}

// As many loops as can meet, two of which say what happens.
TEST(SafeOrderTest, ManyLoops) {
  Walk walk{{}, 0, 4, 4, 4};
  for (int k = 0; k < 60; ++k) walk.loop(1, INT64_MAX, INT64_MIN);
  walk.loop(3, 40, 40);
  for (int k = 0; k < 60; ++k) walk.loop(1, INT64_MIN, INT64_MAX);
  walk.loop(10, 4, 4);
  EXPECT_EQ(walk.order(), SafeOrder::kBackward);
}

}  // namespace
}  // namespace stridecast::testing
