// Makes plans: checks that the operands fit each other, shapes the loops, and leaves the pairing of
// fields to leaf_pairs.h and the kernels to leaf_program.h. Everything that can be refused is
// refused here; runs only walk.
#ifndef STRIDECAST_ENGINE_PLANNER_H_
#define STRIDECAST_ENGINE_PLANNER_H_

#include <memory>

#include "engine/plan_impl.h"

namespace stridecast::internal {

std::shared_ptr<const Plan::Impl> plan_convert(const Layout& src, const Layout& dst,
                                               const Layout* where, const ConvertOptions& options);
std::shared_ptr<const Plan::Impl> plan_byteswap(const Layout& src, const Layout& dst);
std::shared_ptr<const Plan::Impl> plan_scaled(ScaleWay way, const Layout& src, const Layout& dst,
                                              const Scaling& scaling,
                                              const ConvertOptions& options);
std::shared_ptr<const Plan::Impl> plan_time_fields(const Layout& src, const Layout& dst,
                                                   std::span<const TimeField> fields,
                                                   const TimeFieldsOptions& options);
std::shared_ptr<const Plan::Impl> plan_epoch(bool decodes, const Layout& src, const Layout& dst,
                                             const TimeUnits& units,
                                             const std::vector<ElementBytes>& missing,
                                             const ConvertOptions& options);
std::shared_ptr<const Plan::Impl> plan_reduce(const Layout& src, const Layout& dst,
                                              const Layout* where, const ReduceOptions& options);

/// The nest of a plan's operands as rows, in ascending order of destination addresses.
LoopNest nest_of_rows(const Plan::Impl& plan);
/// Throws Error(kInvalidArgument) where the numbers of a plan's random numbers do not fit 63 bits.
void require_index_fits(const Plan::Impl& plan);
/// Throws Error(kBuffer) where two items of dst share a byte, or where that is too hard to tell.
void refuse_self_overlap(const Layout& dst);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_PLANNER_H_
