// What a plan is made of. Flat values without data pointers: run.cc walks them, planner.cc and
// reduce_plan.cc make them, plan.cc prints them.
#ifndef STRIDECAST_ENGINE_PLAN_IMPL_H_
#define STRIDECAST_ENGINE_PLAN_IMPL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/convert_route.h"
#include "engine/loop_nest.h"
#include "kernels/kernel_table.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

// One leaf of the item: an element, or an array of them, on its way from src to dst.
//
//   move_in -> up to four stages -> move_out
//
// A move that is null has nothing to do there: the first stage reads the source as it lies, the
// last one writes the destination as it lies. Without stages `move_out` alone takes src to dst.
struct LeafProgram {
  std::string path;  // "a.b", empty for a plain item
  DType src_type = DType::kOpaque, dst_type = DType::kOpaque;
  ByteOrder src_order = ByteOrder::kNone;  // for the message that shows a bad value
  int64_t src_size = 0, dst_size = 0;      // bytes of one element
  int64_t src_offset = 0, dst_offset = 0;  // bytes from the start of the item
  bool swaps_in = false, swaps_out = false;
  std::vector<Loop> inner;  // over the elements of a sub-array, outer to inner

  const sc_entry* move_in = nullptr;
  const sc_entry* move_out = nullptr;
  Route route;
  kernels::SwapParams swap_in = {}, swap_out = {};
  // What the check-only pass reads with: the source may lie packed for the plan, but not in C
  // order.
  const sc_entry* gather = nullptr;
  int64_t chunk_items = 0;  // items that pass the stages together

  bool staged() const noexcept { return route.count > 0; }
  bool may_fail() const noexcept { return route.may_fail(); }
};

// A reduction: the kept loops are nest.loops, the folded axes are `folds`.
struct ReduceProgram {
  const sc_reduce_entry* kernel = nullptr;
  DType accumulator = DType::kFloat32;
  int64_t accumulator_size = 0;
  std::vector<Loop> folds;  // outer to inner; the innermost is folded first
  LeafProgram load;         // source item -> packed accumulators
  LeafProgram store;        // packed accumulators -> destination item
  int64_t columns = 1;      // results folded side by side
  bool vertical = false;    // the innermost kept loop runs faster than the folded one
  bool direct = false;      // the kernel reads the source where it lies
  bool ordered = false;     // the tree decides the bits (float sums)
};

enum class PlanKind : uint8_t { kConvert, kByteswap, kReduce };

}  // namespace stridecast::internal

namespace stridecast {
inline namespace v0 {

struct Plan::Impl {
  internal::PlanKind kind;
  Layout src, dst;
  const kernels::KernelTable* table = nullptr;
  internal::LoopNest nest;  // as it is walked
  internal::LoopNest
      logical_nest;  // source in C order with its logical index, for the check-only pass
  std::vector<internal::LeafProgram> leaves;
  std::unique_ptr<internal::ReduceProgram> reduce;
  int64_t index_offset = 0;
  bool may_fail = false;
  bool same_memory_ok = false;  // src == dst with identical layouts is safe
  bool empty = false;           // nothing to write
  int64_t bytes_moved = 0;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_ENGINE_PLAN_IMPL_H_
