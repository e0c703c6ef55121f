// Random n-dimensional plans against the oracle: any formats, layouts and policies, on every
// target, with 1 and 4 threads, with chunks of the default size and of one item, between guard
// pages. A failure prints the seed; STRIDECAST_TEST_SEED=<n> runs that one alone,
// STRIDECAST_TEST_TRIALS=<n> more or fewer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/strided.h"
#include "tests/support/engine_run.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_format.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::Mode;
using Bytes = std::vector<unsigned char>;

// Runs trial(seed) for the seeds that the environment asks for.
template <typename Trial>
void for_each_seed(uint64_t count, Trial trial) {
  if (const char* seed = std::getenv("STRIDECAST_TEST_SEED")) {
    trial(std::strtoull(seed, nullptr, 10));
    return;
  }
  if (const char* trials = std::getenv("STRIDECAST_TEST_TRIALS")) {
    count = std::strtoull(trials, nullptr, 10);
  }
  for (uint64_t seed = 0; seed < count && !::testing::Test::HasFatalFailure(); ++seed) trial(seed);
}

// Where one seed is asked for, its plans are shown before they run: a crash leaves no other trace.
void show(const std::string& what, const Plan& plan) {
  if (std::getenv("STRIDECAST_TEST_SEED") != nullptr) {
    std::cerr << what << "\n" << plan.explain() << "\n";
  }
}

// An array's memory, exactly as large as its layout says, against a guard page.
class Memory {
 public:
  Memory(GuardedBuffer& buffer, const Layout& layout, Flush side)
      : buffer_(buffer), extent_(layout.extent()), bytes_(buffer.place(size(), side)) {}

  /// The layout's data pointer.
  unsigned char* data() const { return bytes_ - extent_.lowest; }
  size_t size() const { return static_cast<size_t>(extent_.highest - extent_.lowest); }
  Bytes contents() const { return Bytes(bytes_, bytes_ + size()); }
  void set(const Bytes& contents) {
    if (!contents.empty()) std::memcpy(bytes_, contents.data(), contents.size());
  }
  Operand operand() const { return {data(), extent_.lowest, extent_.highest}; }
  ptrdiff_t damage() const { return buffer_.damage(); }

 private:
  GuardedBuffer& buffer_;
  Extent extent_;
  unsigned char* bytes_;
};

// The data pointer of a layout whose lowest byte is the first of `bytes`.
unsigned char* data_in(Bytes& bytes, const Layout& layout) {
  return bytes.empty() ? nullptr : bytes.data() - layout.extent().lowest;
}

Bytes random_bytes(Random& random, size_t count) {
  Bytes bytes(count);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.bits());
  return bytes;
}

uint64_t random_element(Random& random, DType type) {
  static const auto* pools = [] {
    auto* all = new std::vector<std::vector<uint64_t>>;
    for (DType t : reference::kTypes) all->push_back(values_of(t, 500));
    return all;
  }();
  return random.pick((*pools)[static_cast<size_t>(type)]);
}

// Fills every arithmetic leaf with values worth converting; `tame` ones fit every type.
void fill(Random& random, const Layout& layout, unsigned char* data, bool tame) {
  const std::vector<reference::Leaf> all = reference::leaves(layout.format());
  reference::for_each_item(layout, [&](int64_t, int64_t offset) {
    for (const reference::Leaf& leaf : all) {
      uint64_t bits = random_element(random, leaf.type);
      if (tame) {
        bits = reference::convert(DType::kUint8, static_cast<uint64_t>(random.below(100)),
                                  leaf.type, Mode::kWrap)
                   .bits;
      }
      reference::store(data + offset + leaf.offset, reference::size(leaf.type), bits, leaf.order);
    }
  });
}

// Under raise a few values that may not fit.
void plant_wild_values(Random& random, const Layout& layout, unsigned char* data) {
  const std::vector<reference::Leaf> all = reference::leaves(layout.format());
  if (layout.size() == 0 || all.empty()) return;
  std::vector<int64_t> offsets;
  reference::for_each_item(layout, [&](int64_t, int64_t offset) { offsets.push_back(offset); });
  for (int64_t k = random.between(0, 3); k > 0; --k) {
    const reference::Leaf& leaf = random.pick(all);
    reference::store(data + random.pick(offsets) + leaf.offset, reference::size(leaf.type),
                     random_element(random, leaf.type), leaf.order);
  }
}

struct Seams {
  int threads;
  int64_t chunk;
};
std::string text(const Seams& s) {
  return std::to_string(s.threads) + " threads, chunk " + std::to_string(s.chunk);
}

// The two that matter most and one at random.
std::vector<Seams> seams(Random& random) {
  return {{1, 0}, {4, 1}, {static_cast<int>(random.between(1, 5)), random.between(0, 9)}};
}

std::string first_difference(const Bytes& got, const Bytes& want) {
  const auto at = std::mismatch(got.begin(), got.end(), want.begin()).first - got.begin();
  return "first wrong byte at " + std::to_string(at) + " of " + std::to_string(got.size());
}

// Every element of dst is either what it was or what it has to become.
void expect_old_or_converted(const Layout& dst, const Bytes& old, const Bytes& want,
                             const Bytes& got, const std::string& what) {
  Bytes rest = got;
  const int64_t base = -dst.extent().lowest;
  for (const reference::Leaf& leaf : reference::leaves(dst.format())) {
    reference::for_each_item(dst, [&](int64_t index, int64_t offset) {
      const auto at = static_cast<size_t>(base + offset + leaf.offset);
      const auto size = static_cast<size_t>(leaf.size);
      const bool is_old = std::memcmp(&got[at], &old[at], size) == 0;
      const bool is_new = std::memcmp(&got[at], &want[at], size) == 0;
      EXPECT_TRUE(is_old || is_new) << what << ": item " << index << " is neither old nor new";
      std::memcpy(&rest[at], &old[at], size);
    });
  }
  EXPECT_EQ(rest, old) << what << ": bytes outside the items changed";
}

class Buffers {
 public:
  GuardedBuffer src{4 << 20}, dst{4 << 20};
};
Buffers& buffers() {
  static Buffers instance;
  return instance;
}
bool fits(const Layout& layout) {
  return layout.extent().highest - layout.extent().lowest < (4 << 20) - 256;
}

TEST(RandomPlanTest, Convert) {
  for_each_seed(1500, [](uint64_t seed) {
    Random random(seed);
    const FormatPair formats = random_format_pair(random);
    const std::vector<int64_t> shape = random_shape(random, 6, random.chance(10) ? 3000 : 400);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = random_source(random, formats.src, random_broadcastable(random, shape));
    if (!fits(src) || !fits(dst)) return;
    const Mode mode = random.pick(reference::kModes);
    const bool nan_raises = random.chance(15);
    ConvertOptions options = {.overflow = overflow_of(mode), .fields = formats.match};
    if (nan_raises) options.nan = NanPolicy::kRaise;
    if (mode == Mode::kWrap && random.chance(50)) options.overflow = Overflow::kDefault;
    if (random.chance(20)) options.index_offset = random.below(1000000);

    const Flush side = random.pick(kBothSides);
    Memory from(buffers().src, src, side), to(buffers().dst, dst, side);
    from.set(random_bytes(random, from.size()));
    const bool may_raise = mode == Mode::kRaise || nan_raises;
    fill(random, src, from.data(), may_raise);
    if (may_raise) plant_wild_values(random, src, from.data());
    const Bytes source = from.contents(), old = random_bytes(random, to.size());

    Bytes want = old;
    unsigned char* want_data = data_in(want, dst);
    reference::Outcome outcome;
    if (src.format() == dst.format()) {
      reference::copy(src, from.data(), dst, want_data);
    } else {
      outcome =
          reference::convert(src, from.data(), dst, want_data, mode, nan_raises, formats.pairing);
    }
    for (const kernels::KernelTable* table : all_tables()) {
      const TargetScope target(table->target);
      for (const Seams& s : seams(random)) {
        const SmallSeams hooks(s.chunk);
        const std::string what = std::string(table->target) + " seed " + std::to_string(seed) +
                                 " " + text(s) + " " + reference::mode_name(mode) +
                                 (nan_raises ? " NaN raises" : "") + "\n  src " + to_text(src) +
                                 "\n  dst " + to_text(dst);
        note() = {.target = table->target, .what = "random convert"};
        note().seed = seed;
        const Plan plan = Plan::convert(src, dst, options);
        show(what, plan);
        to.set(old);
        const RunStatus status = plan.try_run(from.operand(), to.operand(), on_threads(s.threads));
        const Bytes got = to.contents();
        ASSERT_EQ(from.contents(), source) << what << ": source changed";
        ASSERT_EQ(to.damage(), 0) << what;
        if (outcome.error) {
          ASSERT_EQ(status.code, StatusCode::kDataError) << what;
          ASSERT_EQ(status.index, outcome.index + options.index_offset) << what;
          // One leaf of the item is named: the first that fails.
          ASSERT_NE(status.error_bits, 0u) << what;
          ASSERT_EQ(status.error_bits & ~outcome.bits, 0u) << what;
          expect_old_or_converted(dst, old, want, got, what);
          if (::testing::Test::HasFailure()) GTEST_FAIL() << what;
        } else {
          ASSERT_EQ(status.code, StatusCode::kOk) << what << ", index " << status.index;
          ASSERT_TRUE(got == want) << what << "\n  " << first_difference(got, want) << "\n"
                                   << plan.explain();
        }
      }
    }
  });
}

TEST(RandomPlanTest, Byteswap) {
  for_each_seed(500, [](uint64_t seed) {
    Random random(seed);
    const Format format = random_format(random);
    const std::vector<int64_t> shape = random_shape(random, 6, 400);
    const Layout dst = random_destination(random, format, shape);
    const Layout src = random_source(random, format, random_broadcastable(random, shape));
    if (!fits(src) || !fits(dst)) return;
    const Flush side = random.pick(kBothSides);
    Memory from(buffers().src, src, side), to(buffers().dst, dst, side);
    from.set(random_bytes(random, from.size()));
    const Bytes old = random_bytes(random, to.size());
    Bytes want = old;
    reference::byteswap(src, from.data(), dst, data_in(want, dst));
    for (const kernels::KernelTable* table : all_tables()) {
      const TargetScope target(table->target);
      for (const Seams& s : seams(random)) {
        const SmallSeams hooks(s.chunk);
        const std::string what = std::string(table->target) + " seed " + std::to_string(seed) +
                                 " " + text(s) + "\n  src " + to_text(src) + "\n  dst " +
                                 to_text(dst);
        to.set(old);
        const Plan plan = Plan::byteswap(src, dst);
        show(what, plan);
        ASSERT_TRUE(plan.try_run(from.operand(), to.operand(), on_threads(s.threads)).ok()) << what;
        ASSERT_TRUE(to.contents() == want)
            << what << "\n  " << first_difference(to.contents(), want) << "\n"
            << plan.explain();
        ASSERT_EQ(to.damage(), 0) << what;
      }
    }
  });
}

// Source and destination are one array: what the plan allows gives the bits of two arrays, what it
// does not allow writes nothing.
TEST(RandomPlanTest, InPlace) {
  int allowed = 0;
  for_each_seed(600, [&](uint64_t seed) {
    Random random(seed);
    FormatPair formats = random_format_pair(random);
    if (formats.src.itemsize() != formats.dst.itemsize()) return;
    const std::vector<int64_t> shape = random_shape(random, 4, 400);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = Layout::strided(formats.src, shape,
                                       {dst.strides().begin(), dst.strides().end()}, dst.offset());
    if (!fits(dst)) return;
    const Mode mode = random.pick(reference::kModes);
    const ConvertOptions options = {.overflow = overflow_of(mode), .fields = formats.match};
    Memory memory(buffers().dst, dst, random.pick(kBothSides));
    memory.set(random_bytes(random, memory.size()));
    fill(random, src, memory.data(), mode == Mode::kRaise);
    if (mode == Mode::kRaise) plant_wild_values(random, src, memory.data());
    const Bytes old = memory.contents();
    Bytes want = old;
    reference::Outcome outcome;
    if (!(src.format() == dst.format())) {
      Bytes copy = old;  // the oracle reads where it has not written
      outcome = reference::convert(src, data_in(copy, src), dst, data_in(want, dst), mode, false,
                                   formats.pairing);
    }
    for (const kernels::KernelTable* table : all_tables()) {
      const TargetScope target(table->target);
      for (const Seams& s : seams(random)) {
        const SmallSeams hooks(s.chunk);
        const std::string what = std::string(table->target) + " seed " + std::to_string(seed) +
                                 " " + text(s) + " " + reference::mode_name(mode) + "\n  src " +
                                 to_text(src) + "\n  dst " + to_text(dst);
        memory.set(old);
        const Plan plan = Plan::convert(src, dst, options);
        show(what, plan);
        const RunStatus status =
            plan.try_run(memory.operand(), memory.operand(), on_threads(s.threads));
        if (status.code == StatusCode::kOverlap) {
          ASSERT_EQ(memory.contents(), old) << what;
        } else if (outcome.error) {
          ASSERT_EQ(status.code, StatusCode::kDataError) << what;
          ASSERT_EQ(status.index, outcome.index) << what;
          // In place the check comes first, so that the value can still be named: nothing is lost.
          ASSERT_EQ(memory.contents(), old) << what;
        } else {
          ++allowed;
          ASSERT_EQ(status.code, StatusCode::kOk) << what;
          ASSERT_TRUE(memory.contents() == want)
              << what << "\n  " << first_difference(memory.contents(), want) << "\n"
              << plan.explain();
        }
      }
    }
  });
  if (std::getenv("STRIDECAST_TEST_SEED") == nullptr) {
    EXPECT_GT(allowed, 100);
  }
}

// Arrays that share memory in any other way: refused, or right.
TEST(RandomPlanTest, OverlapIsRefusedOrRight) {
  for_each_seed(600, [](uint64_t seed) {
    Random random(seed);
    const FormatPair formats = random_format_pair(random);
    const std::vector<int64_t> shape = random_shape(random, 3, 60);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = random_source(random, formats.src, random_broadcastable(random, shape));
    if (!fits(src) || !fits(dst)) return;
    // One array of bytes with both in it, at distances around those where they touch.
    const int64_t src_size = src.extent().highest - src.extent().lowest;
    const int64_t dst_size = dst.extent().highest - dst.extent().lowest;
    const int64_t at = random.between(0, dst_size + 2);
    const Bytes old = random_bytes(random, static_cast<size_t>(src_size + dst_size + dst_size + 4));
    Bytes arena = old;
    unsigned char* src_data = arena.data() + dst_size - src.extent().lowest;
    unsigned char* dst_data = arena.data() + at - dst.extent().lowest;
    Bytes want = old;
    if (src.format() == dst.format()) {
      reference::copy(src, old.data() + dst_size - src.extent().lowest, dst,
                      want.data() + at - dst.extent().lowest);
    } else {
      reference::convert(src, old.data() + dst_size - src.extent().lowest, dst,
                         want.data() + at - dst.extent().lowest, Mode::kWrap, false,
                         formats.pairing);
    }
    const bool apart =
        at + dst_size <= dst_size || at >= dst_size + src_size || src_size == 0 || dst_size == 0;
    const RunStatus status =
        Plan::convert(src, dst, {.fields = formats.match}).try_run({src_data}, {dst_data});
    const std::string what = "seed " + std::to_string(seed) + " at " + std::to_string(at) +
                             "\n  src " + to_text(src) + "\n  dst " + to_text(dst);
    if (status.code == StatusCode::kOverlap) {
      ASSERT_FALSE(apart) << what;
      ASSERT_TRUE(arena == old) << what << ": refused, and yet written";
    } else {
      ASSERT_TRUE(status.ok()) << what;
      ASSERT_TRUE(arena == want) << what << "\n  " << first_difference(arena, want);
    }
  });
}

}  // namespace
}  // namespace stridecast::testing
