// What the plan of a reduction is made of; reduce_plan.cc makes it, fold_block.cc and reduce_run.cc
// walk it.
#ifndef STRIDECAST_ENGINE_REDUCE_PROGRAM_H_
#define STRIDECAST_ENGINE_REDUCE_PROGRAM_H_

#include <cstdint>
#include <vector>

#include "engine/plan_impl.h"

namespace stridecast::internal {

/// What decides about the bits of a fold.
enum class Order : uint8_t {
  kVoid,      // nothing: axes walk as they lie, and parts meet in any order
  kSequence,  // items come in the C order of the folded axes, into one state
  kTree,      // axes fold one at a time, the last one first, each along its own tree
};

/// How the innermost fold meets memory.
enum class FoldWay : uint8_t {
  kAcross,  // results lie side by side in memory: rows of them fold into a row of states
  kAlong,   // the folded items lie one after the other
  kSpread,  // as across, over items that belong to one result: their states join in the end
};

/// One thing that is found of the items.
struct Fold {
  const sc_reduce_entry* kernel = nullptr;  // takes items, or bytes that say which items count
  const sc_reduce_entry* again = nullptr;   // takes what it gives; null where nothing can
  DType result = DType::kOpaque;            // of what it gives
  int64_t result_size = 0;
  bool counts = false;             // the bytes, not the items
  unsigned char neutral[32] = {};  // changes nothing; but, of complex products, zeros
};

/// How results come from what was folded.
struct Ending {
  const sc_entry* mean = nullptr;      // of the first pass, where there is a second
  const sc_entry* quotient = nullptr;  // of the last: sums by their number of items, or by 1
  bool counts = false;                 // by that number, less ddof
  kernels::QuotientParams quotient_params;
  kernels::WideSumParams wide_params;  // of finish
  bool wide_mean = false;              // finish itself divides
  bool may_overflow = false;           // ... or reports what does not fit
  bool fails_when_empty = false;       // a result that nothing was folded into is an error
  bool nan_when_empty = false;         // ... or NaN
  double ddof = 0;
};

/// A reduction: the kept loops are nest.loops, the folded axes are `axes`.
struct ReduceProgram {
  ReduceOp op = ReduceOp::kSum;
  std::vector<Fold> folds;       // in one pass over the items
  std::vector<Fold> deviations;  // in a second one about the results of the first; or empty
  Ending ending;

  Order order = Order::kVoid;
  FoldWay way = FoldWay::kAcross;
  std::vector<Loop> axes;     // outer to inner; the innermost is folded first
  Loop spread;                // of kSpread: the axis whose items have states of their own
  bool turns_beside = false;  // of kTree: turns of the last axis but one lie side by side, instead
                              // of results
  int64_t columns = 1;        // results of a block
  int64_t beside = 1;         // results, turns or items side by side in a call of a kernel

  DType item = DType::kOpaque;  // that the kernels take
  int64_t item_size = 0;
  LeafProgram load;         // source item -> packed items
  LeafProgram load_packed;  // the same of one packed run
  bool packed = false;      // such a run is what kAlong has
  bool direct = false;      // the kernels read the source where it lies

  bool masked = false;                  // where=
  const sc_entry* not_nan = nullptr;    // skipna: which items count
  const sc_entry* move_mask = nullptr;  // bytes of any steps to packed ones
  const sc_entry* clear = nullptr;      // items that do not count become neutral
  const sc_entry* clear_byte = nullptr;
  const sc_entry* invert = nullptr;  // bytes
  const sc_entry* select = nullptr;  // items that count, of two
  bool passes_mask = false;          // the kernel wants the bytes itself

  int64_t items = 0;                   // that fold into one result
  LeafProgram store;                   // packed results -> destination item
  int64_t dst_step = 0;                // from the results of one fold to those of the next
  std::vector<unsigned char> initial;  // of a packed result, or none
  std::vector<unsigned char> nan;      // the same
  int64_t result_size = 0;             // of what is stored

  bool selects() const noexcept { return masked || not_nan != nullptr; }
  bool counted() const noexcept { return folds.back().counts; }
  /// Whether a result may be an error.
  bool may_fail() const noexcept { return ending.fails_when_empty || ending.may_overflow; }
  int64_t mean_size() const noexcept { return folds[0].result_size; }
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_REDUCE_PROGRAM_H_
