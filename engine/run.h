// Running plans: what is checked before the first byte, in which order operands that overlap are
// walked, and how the work is split between threads. How leaves run is pipeline.h.
#ifndef STRIDECAST_ENGINE_RUN_H_
#define STRIDECAST_ENGINE_RUN_H_

#include <cstdint>
#include <functional>

#include "engine/plan_impl.h"

namespace stridecast::internal {

/// `where` is null where the plan has no mask. `first_item` is where the random numbers begin
/// beyond the plan's own index_offset, for plans that run over a part of an operand; errors do not
/// count it.
RunStatus run_plan(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                   const Operand& where, const RunOptions& options,
                   int64_t first_item = 0) noexcept;

// The parts that other runs share.

/// How many threads a run over this many bytes gets; 1 in a forked child.
int thread_count(const RunOptions& options, int64_t bytes);
/// Calls task(i) for i in [0, count) on up to `threads` threads, each in the default floating-point
/// environment.
void run_tasks(const RunOptions& options, int threads, int count,
               const std::function<void(int)>& task);

// Test hooks, process-wide, 0 = default: they make small tests cross every seam.
void set_test_chunk_items(int64_t items);  // of new plans
int64_t test_chunk_items();
void set_test_min_thread_bytes(int64_t bytes);  // a thread's least share

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_RUN_H_
