// Layouts with axes of pointers (suboffsets): the loops up to the last such axis are walked one by
// one, and what lies behind the pointers is an ordinary plan, so that no kernel and no pass over
// loops knows about pointers.
#ifndef STRIDECAST_ENGINE_INDIRECT_H_
#define STRIDECAST_ENGINE_INDIRECT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/plan_impl.h"

namespace stridecast::internal {

/// The operands, in the order in which RunStatus counts them.
enum Side : int { kFrom, kTo, kSelect, kNumSides };

/// One loop over pointers: each side makes its step, and follows the pointer that it finds there
/// where it has a suboffset.
struct PointerLoop {
  int64_t n = 1;
  std::array<int64_t, kNumSides> step = {};
  std::array<int64_t, kNumSides> suboffset = {-1, -1, -1};  // below 0: no pointer
  int64_t index_step = 0;                                   // of the source's own items
};

/// The loops up to the last axis of pointers, and the plan for what lies behind them.
struct IndirectProgram {
  std::vector<PointerLoop> outer;  // in the destination's C order, outer to inner
  int64_t count = 1;               // turns of all outer loops
  bool repeats = false;            // some turns meet the same items of the source
  std::shared_ptr<const Plan::Impl> inner;
};

/// Whether any operand has suboffsets; `where` may be null.
bool is_indirect(const Layout& src, const Layout& dst, const Layout* where) noexcept;

/// The plan for operands of which one has suboffsets. Errors as plan_convert and plan_byteswap.
std::shared_ptr<const Plan::Impl> plan_indirect(PlanKind kind, const Layout& src, const Layout& dst,
                                                const Layout* where, const ConvertOptions& options);

/// Runs it. Which memory the operands share is asked of the pointers, before anything is written.
RunStatus run_indirect(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                       const Operand& where, const RunOptions& options) noexcept;

/// Throws Error(kInvalidArgument) for a layout with suboffsets: for what does not follow them.
void refuse_suboffsets(const Layout& layout, const char* what);

/// The outer loops and the plan behind them, for explain().
std::string to_string(const IndirectProgram& program);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_INDIRECT_H_
