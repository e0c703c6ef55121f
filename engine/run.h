// Running plans: walks the loops, calls the kernels, splits the work between threads, and finds the
// element that broke a rule. Knows nothing of formats' texts and chooses nothing: the planner did.
#ifndef STRIDECAST_ENGINE_RUN_H_
#define STRIDECAST_ENGINE_RUN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

#include "engine/plan_impl.h"

namespace stridecast::internal {

RunStatus run_plan(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                   const RunOptions& options) noexcept;

// The parts that reduce_run.cc shares.

/// What the parts of one run share: flags of sc_run, and the error bits of all threads, so that
/// each can stop at its next chunk.
struct RunContext {
  uint32_t flags = 0;
  const std::atomic<uint32_t>* errors = nullptr;
  bool stopped() const noexcept {
    return errors != nullptr && errors->load(std::memory_order_relaxed) != 0;
  }
};

/// Walks `loops` (the last two as rectangles) for one leaf; returns the error bits of all items.
uint32_t run_leaf(const LeafProgram& leaf, std::span<const Loop> loops, const char* src, char* dst,
                  const RunContext& context);
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
