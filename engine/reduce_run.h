// Running reductions: the folded loops around the reduce kernels' states. See reduce_plan.cc for
// the shape.
#ifndef STRIDECAST_ENGINE_REDUCE_RUN_H_
#define STRIDECAST_ENGINE_REDUCE_RUN_H_

#include "engine/plan_impl.h"
#include "engine/walk.h"

namespace stridecast::internal {

/// Operands are checked and apart. May throw std::bad_alloc for a workspace.
RunStatus run_reduce(const Plan::Impl& plan, const Cursor& operands, const RunOptions& options);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_REDUCE_RUN_H_
