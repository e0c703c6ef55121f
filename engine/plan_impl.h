// What a plan is made of. Flat values without data pointers: run.cc and pipeline.cc walk them,
// planner.cc and reduce_plan.cc make them, plan.cc prints them.
#ifndef STRIDECAST_ENGINE_PLAN_IMPL_H_
#define STRIDECAST_ENGINE_PLAN_IMPL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/convert_route.h"
#include "engine/epoch_route.h"
#include "engine/loop_nest.h"
#include "engine/scaling.h"
#include "kernels/kernel_table.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

// How the innermost two loops of a leaf lie.
enum class Shape : uint8_t {
  kRows,    // the inner loop is the fastest of both sides: row after row
  kTiles,   // transposed with unit steps: tile kernels
  kBlocks,  // transposed otherwise: moves, in blocks whose lines stay in L1
};

// A rectangle of items that pass together.
struct Block {
  int64_t rows = 0, columns = 0;
};

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
  bool zero = false;        // the source has no such field: zeros are written
  std::vector<Loop> inner;  // over the elements of a sub-array, outer to inner
  // Random numbers that all leaves of an item draw; 0 where this one draws none. A stage that does
  // is given the index, which counts them.
  int64_t draws = 0;
  int64_t first_draw = 0;  // which of an item's random numbers the first element takes

  const sc_entry* move_in = nullptr;
  const sc_entry* move_out = nullptr;
  Route route;
  kernels::SwapParams swap_in = {}, swap_out = {};
  // Does what move_in and the only stage do in one pass, to a destination that is packed in rows.
  const sc_entry* fused = nullptr;
  int64_t fused_offset = 0;  // bytes from the start of the element to what it reads

  // What runs need that the plan left out: between any steps and scratch (the check-only pass,
  // operands that overlap), and to selected items only.
  const sc_entry* gather = nullptr;
  const sc_entry* scatter = nullptr;
  const sc_entry* select = nullptr;
  const sc_entry* clear = nullptr;  // of unselected items, where a stage may complain
  bool clears_to_one = false;       // to numbers of one: zero has no counterpart in the destination
  unsigned char one[16] = {};       // of the source's type, in the host's order
  const sc_entry* swap = nullptr;   // within scratch, before `select`

  const sc_entry* stream = nullptr;  // of kTiles: rows in scratch to lines past the caches

  std::shared_ptr<const ScaleProgram> scaling;  // of plans that decode or encode
  std::shared_ptr<const EpochProgram> epoch;    // of those that decode or encode times
  int64_t row_step = 0;  // bytes between the rows that a stage of several rows writes

  Shape shape = Shape::kRows;
  bool channels = false;    // kTiles of two to four rows or columns
  bool streams = false;     // kTiles whose kernel writes whole lines past the caches by itself
  Block block;              // of kTiles and kBlocks
  Block panel;              // of kTiles past the caches: about a source line by a few of dst's
  int64_t widest = 1;       // bytes of an item at its widest, between stages too
  int64_t chunk_items = 0;  // of kRows: items that pass the stages together

  bool staged() const noexcept { return route.count > 0; }
  bool may_fail() const noexcept { return route.may_fail(); }
};

// A whole run as one call of one kernel, of a plan so small that walking its loops to that call
// would take as long as the call.
struct OneCall {
  sc_kernel kernel = nullptr;              // null: the plan takes more, or is not small
  sc_run run = {};                         // all but the pointers
  int64_t copied = 0;                      // bytes, where the call comes to memcpy; else 0
  int64_t src_offset = 0, dst_offset = 0;  // bytes from the operands' data
  bool calculates = false;                 // rather than moves alone
};

// A reduction's kernels and folded axes: engine/reduce_program.h.
struct ReduceProgram;
// Pointer axes and what lies behind them: engine/indirect.h.
struct IndirectProgram;
// The fields of structs together: engine/struct_program.h.
struct StructProgram;

enum class PlanKind : uint8_t {
  kConvert,
  kByteswap,
  kReduce,
  kDecode,
  kEncode,
  kDecodeTime,
  kEncodeTime,
  kTimeFields
};

}  // namespace stridecast::internal

namespace stridecast {
inline namespace v0 {

struct Plan::Impl {
  Impl(internal::PlanKind plan_kind, const Layout& from, const Layout& to,
       const kernels::KernelTable* kernel_table)
      : kind(plan_kind), src(from), dst(to), table(kernel_table) {}

  internal::PlanKind kind;
  Layout src, dst;
  std::optional<Layout> where;
  ConvertOptions options;
  const kernels::KernelTable* table;
  internal::LoopNest nest;  // as it is walked
  internal::LoopNest
      logical_nest;  // source in C order with its logical index, for the check-only pass
  std::vector<internal::LeafProgram> leaves;
  std::shared_ptr<const internal::StructProgram> together;  // null: leaf after leaf
  std::shared_ptr<const internal::ReduceProgram> reduce;
  std::shared_ptr<const internal::IndirectProgram> indirect;
  int64_t draws = 0;  // of its leaves; 0: none, and an index counts items
  bool may_fail = false;
  bool needs_gil = false;       // a kernel wants to be called one at a time: no threads
  bool same_memory_ok = false;  // src == dst with identical layouts is safe
  bool empty = false;           // nothing to write
  internal::OneCall one_call;   // its pointers lead into this plan
  int64_t bytes_moved = 0;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_ENGINE_PLAN_IMPL_H_
