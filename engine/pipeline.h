// How leaves run: rectangles of items through move_in -> stages -> move_out, in rows, in blocks of
// tiles, or leaf after leaf for structs. Chooses nothing and knows no threads: the planner and
// run.cc did that.
#ifndef STRIDECAST_ENGINE_PIPELINE_H_
#define STRIDECAST_ENGINE_PIPELINE_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "engine/plan_impl.h"
#include "engine/walk.h"

namespace stridecast::internal {

/// How a leaf's kernels are put together.
enum class Way : uint8_t {
  kPlanned,  // as the plan says
  kApart,    // all of a chunk is read before any of it is written, for operands that overlap
  kCheck,    // nothing is written: the stages up to the last one that can fail
};

/// What the parts of one run share: flags of sc_run, and the error bits of all threads, so that
/// each can stop at its next chunk.
struct RunContext {
  uint32_t flags = 0;
  const std::atomic<uint32_t>* errors = nullptr;
  Way way = Way::kPlanned;
  bool stopped() const noexcept {
    return errors != nullptr && errors->load(std::memory_order_relaxed) != 0;
  }
};

/// Items of structs that are converted leaf after leaf while their bytes are in L1.
inline constexpr int64_t kStructItems = 256;

/// Walks `loops` (the last two as rectangles) for one leaf; returns the error bits of all items.
/// The cursor's mask, if there is one, selects items. May throw std::bad_alloc.
uint32_t run_leaf(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& at,
                  const RunContext& context);

/// What a plan with a OneCall moves at most: some microseconds' work even for the slowest kernel.
inline constexpr int64_t kOneCallBytes = int64_t{16} << 10;
inline constexpr int64_t kOneCallPackedBytes = int64_t{128} << 10;

/// The call that run_nest would come to, where it comes to one only of no kernel of a user's, and
/// the plan is small. Made last of a plan: it points into it.
OneCall one_call_of(const Plan::Impl& plan);

/// All leaves of the plan's items along `nest`, which is the plan's or a part of it; `at` holds the
/// operands' data pointers.
uint32_t run_nest(const Plan::Impl& plan, const LoopNest& nest, Cursor at,
                  const RunContext& context);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_PIPELINE_H_
