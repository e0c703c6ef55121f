// Makes plans: checks that the operands fit each other, pairs the leaves of both formats, chooses
// kernels, and shapes the loops. Everything that can be refused is refused here; run.cc only walks.
#ifndef STRIDECAST_ENGINE_PLANNER_H_
#define STRIDECAST_ENGINE_PLANNER_H_

#include <memory>

#include "engine/plan_impl.h"

namespace stridecast::internal {

std::shared_ptr<const Plan::Impl> plan_convert(const Layout& src, const Layout& dst,
                                               const ConvertOptions& options);
std::shared_ptr<const Plan::Impl> plan_byteswap(const Layout& src, const Layout& dst);
std::shared_ptr<const Plan::Impl> plan_reduce(const Layout& src, const Layout& dst,
                                              const ReduceOptions& options);

/// The program for one pair of elements; throws Error(kNoConversion) naming both.
struct Element {
  std::string path;
  DType type;
  ByteOrder order;
  int64_t size, swap_unit;
};
LeafProgram make_program(const kernels::KernelTable& table, const Element& src, const Element& dst,
                         Overflow overflow, NanPolicy nan);
/// Leaves out the moves that a walk over `nest` does not need.
void trim_moves(LeafProgram& program, const LoopNest& nest);
/// Throws where two items of dst share a byte.
void refuse_self_overlap(const Layout& dst);
/// Items of a chunk for stages of these element sizes.
int64_t chunk_items(int64_t widest_bytes);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_PLANNER_H_
