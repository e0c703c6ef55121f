// Random operands that share memory. What is refused writes nothing and does share a byte; what is
// accepted gives the bits of a run from a copy of the source, which is what OverlapPolicy::kCopy
// always gives. See random_plan_test.cc.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/byte_model.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_case.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using reference::Mode;

// The items of a layout whose lowest byte lies at `at`.
TouchedItems items_at(const Layout& layout, int64_t at) {
  return {{layout.shape().begin(), layout.shape().end()},
          {layout.strides().begin(), layout.strides().end()},
          layout.format().itemsize(),
          at - layout.extent().lowest + layout.offset()};
}

bool share(const Layout& a, int64_t a_at, const Layout& b, int64_t b_at) {
  if (a.size() == 0 || b.size() == 0) return false;
  return model_shares(items_at(a, a_at), items_at(b, b_at));
}

int64_t bytes_of(const Layout& layout) { return layout.extent().highest - layout.extent().lowest; }

// One array of bytes between guard pages that holds all operands.
struct Arena {
  Job job;
  int64_t src_at = 0, dst_at = 0, mask_at = 0;  // their lowest bytes
  int64_t size = 0;

  Operand operand(const Layout& layout, unsigned char* memory, int64_t at) const {
    const Extent& extent = layout.extent();
    return {memory + at - extent.lowest, extent.lowest - at, size - at + extent.lowest};
  }
  RunStatus run(const Plan& plan, unsigned char* memory, const RunOptions& options) const {
    const Operand src = operand(job.src, memory, src_at), dst = operand(job.dst, memory, dst_at);
    if (!job.where) return plan.try_run(src, dst, options);
    return plan.try_run(src, dst, operand(*job.where, memory, mask_at), options);
  }
  // What becomes of the whole array if nothing is written before all is read.
  reference::Outcome expect(const Bytes& old, Bytes& want) const {
    want = old;
    const unsigned char* mask =
        job.where ? old.data() + mask_at - job.where->extent().lowest : nullptr;
    return job.expect(old.data() + src_at - job.src.extent().lowest,
                      want.data() + dst_at - job.dst.extent().lowest, mask);
  }
};

std::string to_text(const Arena& arena) {
  return testing::to_text(arena.job) + "\n  src from " + std::to_string(arena.src_at) +
         ", dst from " + std::to_string(arena.dst_at) + ", mask from " +
         std::to_string(arena.mask_at);
}

struct Counts {
  int accepted = 0, refused = 0, raised = 0;
};

// On every target, cut in several ways, under both policies.
void check_overlap(Random& random, uint64_t seed, const Arena& arena, Counts& counts) {
  if (arena.size > (4 << 20) - 256) return;
  const bool shares = share(arena.job.src, arena.src_at, arena.job.dst, arena.dst_at);
  // Where there is no element to write nothing is asked.
  const bool writes = !reference::leaves(arena.job.dst.format()).empty();
  const bool mask_shares = arena.job.where && writes &&
                           share(*arena.job.where, arena.mask_at, arena.job.dst, arena.dst_at);
  const auto size = static_cast<size_t>(std::max<int64_t>(arena.size, 1));
  unsigned char* const memory = buffers().dst.place(size, random.pick(kBothSides));
  Bytes old = random_bytes(random, size);
  if (arena.job.where) {
    fill_mask(random, *arena.job.where,
              old.data() + arena.mask_at - arena.job.where->extent().lowest);
  }
  fill(random, arena.job.src, old.data() + arena.src_at - arena.job.src.extent().lowest,
       arena.job.may_raise());
  if (arena.job.may_raise()) {
    plant_wild_values(random, arena.job.src,
                      old.data() + arena.src_at - arena.job.src.extent().lowest);
  }
  Bytes want;
  const reference::Outcome outcome = arena.expect(old, want);
  for (const kernels::KernelTable* table : all_tables()) {
    const TargetScope target(table->target);
    for (const Seams& s : random_seams(random)) {
      const SmallSeams hooks(s.chunk);
      const Plan plan = arena.job.plan();
      for (const OverlapPolicy policy : {OverlapPolicy::kRefuse, OverlapPolicy::kCopy}) {
        const bool copies = policy == OverlapPolicy::kCopy;
        const std::string what = std::string(table->target) + " seed " + std::to_string(seed) +
                                 (copies ? " copies " : " refuses ") + testing::to_text(s) + " " +
                                 to_text(arena);
        note() = {.target = table->target, .what = "random overlap"};
        note().seed = seed;
        show(what, plan);
        std::copy(old.begin(), old.end(), memory);
        const RunStatus status = arena.run(plan, memory, s.options(policy));
        const Bytes got(memory, memory + size);
        ASSERT_EQ(buffers().dst.damage(), 0) << what;
        if (mask_shares) {
          ASSERT_EQ(status.code, StatusCode::kOverlap) << what;
          ASSERT_EQ(status.index, 2) << what;
        }
        if (status.code == StatusCode::kOverlap) {
          ++counts.refused;
          ASSERT_TRUE(mask_shares || (shares && !copies)) << what << ": nothing is shared";
          ASSERT_TRUE(got == old) << what << ": refused, and yet written";
        } else if (outcome.error) {
          ++counts.raised;
          ASSERT_EQ(status.code, StatusCode::kDataError) << what;
          ASSERT_EQ(status.index, outcome.index + arena.job.index_offset) << what;
          // Where memory is shared the check comes first, so that the value can still be named.
          if (shares && !copies) {
            ASSERT_TRUE(got == old) << what << ": raised, and yet written";
          }
        } else {
          ++counts.accepted;
          ASSERT_EQ(status.code, StatusCode::kOk) << what;
          ASSERT_TRUE(got == want) << what << "\n  " << first_difference(got, want) << "\n"
                                   << plan.explain();
        }
      }
    }
  }
}

// Both operands in one array, at distances around those where they touch; a mask anywhere.
Arena random_arena(Random& random, const Job& job) {
  Arena arena{job};
  const int64_t src_size = bytes_of(job.src), dst_size = bytes_of(job.dst);
  arena.src_at = dst_size;
  arena.dst_at = random.chance(30) ? dst_size : random.between(0, dst_size + src_size);
  arena.size = std::max(arena.src_at + src_size, arena.dst_at + dst_size);
  if (!job.where) return arena;
  const int64_t mask_size = bytes_of(*job.where);
  arena.mask_at = random.chance(30) ? random.between(0, arena.size) : arena.size;
  arena.size = std::max(arena.size, arena.mask_at + mask_size);
  return arena;
}

// Source and destination are one array: what the plan allows gives the bits of two arrays, what it
// does not allow writes nothing.
TEST(RandomOverlapTest, InPlace) {
  Counts counts;
  for_each_seed(400, [&](uint64_t seed) {
    Random random(seed);
    const FormatPair formats = random_format_pair(random);
    if (formats.src.itemsize() != formats.dst.itemsize()) return;
    const std::vector<int64_t> shape = random_shape(random, 4, 400);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = Layout::strided(formats.src, shape,
                                       {dst.strides().begin(), dst.strides().end()}, dst.offset());
    Arena arena{random_job(random, formats, src, dst)};
    arena.size = bytes_of(dst);
    if (random.chance(30)) {
      arena.job.where = random_mask(random, shape);
      arena.mask_at = arena.size;
      arena.size += bytes_of(*arena.job.where);
    }
    check_overlap(random, seed, arena, counts);
  });
  if (all_seeds()) {
    EXPECT_GT(counts.accepted, 300);  // 426 where there is one SIMD target
  }
}

TEST(RandomOverlapTest, AnyLayouts) {
  Counts counts;
  for_each_seed(400, [&](uint64_t seed) {
    Random random(seed);
    const FormatPair formats =
        random.chance(15) ? random_format_pair_with_gaps(random) : random_format_pair(random);
    const std::vector<int64_t> shape = random_shape(random, 3, 60);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = random_source(random, formats.src, random_broadcastable(random, shape));
    Job job = random_job(random, formats, src, dst);
    if (random.chance(30)) job.where = random_mask(random, shape);
    check_overlap(random, seed, random_arena(random, job), counts);
  });
  if (all_seeds()) {
    EXPECT_GT(counts.accepted, 1000);
    EXPECT_GT(counts.refused, 200);
    EXPECT_GT(counts.raised, 20);
  }
}

// The same walk over both sides, some bytes apart: as memmove, never refused without a mask.
TEST(RandomOverlapTest, Shifts) {
  Counts counts;
  for_each_seed(300, [&](uint64_t seed) {
    Random random(seed);
    const Format format = random.chance(50) ? random_format(random) : random_movable(random);
    const std::vector<int64_t> shape = random_shape(random, 4, 400);
    const Layout layout = random_destination(random, format, shape);
    Arena arena{Job{layout, layout}};
    if (random.chance(40)) arena.job.kind = Job::kByteswap;
    const int64_t shift = random.chance(50)
                              ? random.between(0, 40)
                              : random.between(0, std::max<int64_t>(bytes_of(layout), 1));
    (random.chance(50) ? arena.src_at : arena.dst_at) = shift;
    arena.size = bytes_of(layout) + shift;
    check_overlap(random, seed, arena, counts);
  });
  EXPECT_EQ(counts.refused, 0);
}

// Numbers of one size become numbers of another in one buffer: from its start, or to its end.
TEST(RandomOverlapTest, CastsWithinOneBuffer) {
  Counts counts;
  uint64_t seed = 0;
  for (const DType from : reference::kTypes) {
    for (const DType to : reference::kTypes) {
      if (from == to) continue;
      Random random(++seed);
      const std::vector<int64_t> shape = {random.between(1, 12), random.between(1, 60)};
      const auto order = [&] { return random.chance(80) ? kHostOrder : ByteOrder::kBig; };
      Arena arena{Job{Layout::contiguous(Format::of(from, order()), shape),
                      Layout::contiguous(Format::of(to, order()), shape)}};
      arena.job.mode = random.pick(reference::kModes);
      const int64_t src = bytes_of(arena.job.src), dst = bytes_of(arena.job.dst);
      arena.size = std::max(src, dst);
      if (random.chance(30)) {  // both from the end
        arena.src_at = arena.size - src;
        arena.dst_at = arena.size - dst;
      }
      ASSERT_NO_FATAL_FAILURE(check_overlap(random, seed, arena, counts));
    }
  }
  EXPECT_EQ(counts.refused, 0);
}

// A square on itself, turned: no order of its loops is safe, a copy is right.
TEST(RandomOverlapTest, TransposesInPlace) {
  Counts counts;
  for_each_seed(60, [&](uint64_t seed) {
    Random random(seed);
    const Format format = random_movable(random);
    const int64_t n = random.between(2, random.chance(50) ? 20 : 130), size = format.itemsize();
    const int64_t row = n * size + (random.chance(50) ? 0 : random.between(1, 70));
    const int64_t outer = random.between(1, 3), pitch = n * row;
    Arena arena{Job{Layout::strided(format, {outer, n, n}, {pitch, row, size}),
                    Layout::strided(format, {outer, n, n}, {pitch, size, row})}};
    arena.size = bytes_of(arena.job.src);
    if (random.chance(25)) {
      arena.job.where = random_mask(random, {outer, n, n});
      arena.mask_at = arena.size;
      arena.size += bytes_of(*arena.job.where);
    }
    check_overlap(random, seed, arena, counts);
  });
  if (all_seeds()) {
    EXPECT_EQ(counts.refused, counts.accepted);
  }
}

}  // namespace
}  // namespace stridecast::testing
