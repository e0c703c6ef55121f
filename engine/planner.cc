// Makes the plans of convert and byteswap, in this order: pair the leaves of the two formats, shape
// the loops (loop_nest.h), choose how the innermost ones are walked, leave out the moves that have
// nothing to do.

#include "engine/planner.h"

#include <algorithm>

#include "engine/indirect.h"
#include "engine/leaf_pairs.h"
#include "engine/leaf_program.h"
#include "engine/overlap.h"
#include "engine/pipeline.h"
#include "engine/runtime.h"
#include "engine/struct_program.h"
#include "kernels/fp_environment.h"

namespace stridecast::internal {
namespace {

// Steps of the search for two items of a destination that share a byte: microseconds.
constexpr int64_t kSelfOverlapWork = 10000;

std::shared_ptr<Plan::Impl> start(PlanKind kind, const Layout& src, const Layout& dst) {
  refuse_self_overlap(dst);
  auto impl = std::make_shared<Plan::Impl>(kind, src, dst, active_table());
  impl->empty = dst.size() == 0 || dst.format().itemsize() == 0;
  // Both fit 63 bits by themselves, but a zero stride makes the sum absurd.
  if (__builtin_add_overflow(src.size() * src.format().itemsize(),
                             dst.size() * dst.format().itemsize(), &impl->bytes_moved)) {
    impl->bytes_moved = INT64_MAX;
  }
  return impl;
}

void scale_index(LoopNest& nest, int64_t factor) {
  for (Loop& loop : nest.loops) loop.step[kIndex] *= factor;
}

// The axis of dst whose index chooses parameters of the plan's only leaf; -1 if none does.
int param_axis(const Plan::Impl& plan) {
  const bool scaled = plan.leaves.size() == 1 && plan.leaves[0].scaling != nullptr;
  return scaled ? plan.leaves[0].scaling->axis : -1;
}

// Of a nest over dst's axes.
void add_param(const Plan::Impl& plan, LoopNest& nest) {
  if (const int axis = param_axis(plan); axis >= 0) {
    nest.loops[static_cast<size_t>(axis)].step[kParam] = 1;
  }
}

// The source's own items in C order, for the check-only pass. Under a mask, which may select an
// item for one place of dst and not for another, and with parameters that differ between places of
// dst, all places of dst.
LoopNest logical_order(const Plan::Impl& plan) {
  LoopNest nest = plan.where              ? make_nest(plan.src, plan.dst, &*plan.where)
                  : param_axis(plan) >= 0 ? make_nest(plan.src, plan.dst)
                                          : make_nest(plan.src, plan.src);
  add_param(plan, nest);
  for (Loop& loop : nest.loops) loop.step[kDst] = 0;
  nest.offset[kDst] = 0;
  if (plan.draws > 0) scale_index(nest, plan.draws);
  drop_size_one(nest);
  sort_by_index(nest);
  coalesce(nest);
  return nest;
}

bool in_place_safe(const Plan::Impl& impl) {
  if (impl.src.format().itemsize() != impl.dst.format().itemsize()) return false;
  return std::all_of(impl.leaves.begin(), impl.leaves.end(), [](const LeafProgram& leaf) {
    const bool kernel_safe = leaf.route.count != 1 || leaf.move_in != nullptr ||
                             !leaf.route.stages[0].writes() ||
                             (leaf.route.stages[0].entry->traits & SC_TRAIT_IN_PLACE) != 0;
    const bool same_places = std::ranges::all_of(
        leaf.inner, [](const Loop& loop) { return loop.step[kSrc] == loop.step[kDst]; });
    return !leaf.zero && leaf.src_offset == leaf.dst_offset && leaf.src_size == leaf.dst_size &&
           same_places && kernel_safe;
  });
}

LoopNest sorted_nest(const Plan::Impl& plan) {
  LoopNest nest = make_nest(plan.src, plan.dst, plan.where ? &*plan.where : nullptr);
  // The check-only pass walks a nest of its own: without random numbers the index would only
  // hinder.
  scale_index(nest, plan.draws);
  add_param(plan, nest);
  if (plan.leaves.size() == 1) {
    // One element an item: its sub-array loops join the loops over items.
    const LeafProgram& leaf = plan.leaves[0];
    nest.loops.insert(nest.loops.end(), leaf.inner.begin(), leaf.inner.end());
    if (leaf.zero) {
      for (Loop& loop : nest.loops) loop.step[kSrc] = 0;
      nest.offset[kSrc] = 0;
    }
  }
  drop_size_one(nest);
  flip_negative(nest);
  sort_by_step(nest);
  coalesce(nest);
  return nest;
}

std::shared_ptr<const Plan::Impl> finish(std::shared_ptr<Plan::Impl> impl) {
  // Shapes are checked also where there is nothing to do.
  make_nest(impl->src, impl->dst, impl->where ? &*impl->where : nullptr);
  // A sub-array with a dimension of 0 has no elements, a text of no characters no bytes: nothing
  // below meets an empty loop or an item without a size.
  std::erase_if(impl->leaves, [](const LeafProgram& leaf) {
    return leaf.dst_size == 0 ||
           std::ranges::any_of(leaf.inner, [](const Loop& loop) { return loop.n == 0; });
  });
  impl->empty = impl->empty || impl->leaves.empty();
  if (impl->empty) return impl;
  for (const LeafProgram& leaf : impl->leaves) {
    impl->may_fail |= leaf.may_fail();
    impl->needs_gil |= leaf.route.needs_gil();
    impl->draws = std::max(impl->draws, leaf.draws);
  }
  require_index_fits(*impl);
  if (impl->may_fail) impl->logical_nest = logical_order(*impl);
  LoopNest& nest = impl->nest = sorted_nest(*impl);
  if (impl->leaves.size() == 1) {
    choose_shape(*impl->table, impl->leaves[0], nest);
    trim_moves(*impl->table, impl->leaves[0], nest);
    if (impl->where) impl->leaves[0].fused = nullptr;  // what is selected goes through scratch
  } else {
    for (LeafProgram& leaf : impl->leaves) {
      LoopNest of_leaf = nest;
      of_leaf.loops.insert(of_leaf.loops.end(), leaf.inner.begin(), leaf.inner.end());
      trim_moves(*impl->table, leaf, of_leaf);
      // Items that are taken out of dst's way lie at other steps than the nest's: a source packed
      // by the element, not by the item, is gathered all the same.
      const bool by_item = leaf.inner.empty() && leaf.src_size != impl->src.format().itemsize();
      if (leaf.staged() && by_item) leaf.move_in = leaf.gather;
    }
    if (impl->draws == 0) impl->together = make_struct_program(*impl);
  }
  impl->same_memory_ok = in_place_safe(*impl);
  impl->one_call = one_call_of(*impl);
  return impl;
}

void refuse_large_index(const Layout& dst, const ConvertOptions& options) {
  int64_t end = 0;
  if (!__builtin_add_overflow(options.index_offset, dst.size(), &end)) return;
  throw Error(ErrorCode::kInvalidArgument, "index_offset " + std::to_string(options.index_offset) +
                                               ": the indices of the items do not fit 63 bits");
}

void require_mask(const Layout& where) {
  const Field* field = where.format().scalar();
  const bool one_byte =
      field != nullptr &&
      (field->type == DType::kBool || field->type == DType::kInt8 || field->type == DType::kUint8);
  if (!one_byte) {
    throw Error(ErrorCode::kInvalidArgument,
                "a mask has the format '?' (or 'b', 'B'), not '" + where.format().text() + "'");
  }
}

}  // namespace

LoopNest nest_of_rows(const Plan::Impl& plan) { return sorted_nest(plan); }

void require_index_fits(const Plan::Impl& plan) {
  const int64_t first = plan.options.index_offset, items = plan.src.size();
  int64_t end, product;
  if (plan.draws > 0 && (__builtin_add_overflow(first, items, &end) ||
                         __builtin_mul_overflow(first, plan.draws, &product) ||
                         __builtin_mul_overflow(end, plan.draws, &product))) {
    throw Error(ErrorCode::kInvalidArgument,
                "an index of " + std::to_string(first) + " is too large for stochastic rounding, " +
                    "which counts " + std::to_string(plan.draws) + " random numbers an item");
  }
}

void refuse_self_overlap(const Layout& dst) {
  if (dst.size() <= 1 || !dst.suboffsets().empty()) return;
  const Items items{0, dst.shape(), dst.strides(), dst.format().itemsize()};
  const Answer answer = overlaps_itself(items, kSelfOverlapWork);
  if (answer == Answer::kNo) return;
  throw Error(ErrorCode::kBuffer,
              answer == Answer::kYes
                  ? "items of the destination share memory: its strides lead to the same bytes "
                    "more than once; write to a buffer whose items are apart"
                  : "the strides of the destination are too entangled to tell whether its items "
                    "share memory; write to a buffer whose items are apart");
}

std::shared_ptr<const Plan::Impl> plan_convert(const Layout& src, const Layout& dst,
                                               const Layout* where, const ConvertOptions& options) {
  const kernels::DefaultFloatEnvironment environment;  // parameters are computed
  refuse_large_index(dst, options);
  if (where != nullptr) require_mask(*where);
  if (is_indirect(src, dst, where)) {
    return plan_indirect(PlanKind::kConvert, src, dst, where, options);
  }
  auto impl = start(PlanKind::kConvert, src, dst);
  impl->options = options;
  if (where != nullptr) impl->where = *where;
  impl->leaves = convert_leaves(*impl->table, src.format(), dst.format(), options);
  return finish(std::move(impl));
}

std::shared_ptr<const Plan::Impl> plan_scaled(ScaleWay way, const Layout& src, const Layout& dst,
                                              const Scaling& scaling,
                                              const ConvertOptions& options) {
  const kernels::DefaultFloatEnvironment environment;
  refuse_large_index(dst, options);
  refuse_suboffsets(src, "the source of a scaling");
  refuse_suboffsets(dst, "the destination of a scaling");
  auto impl = start(way == ScaleWay::kDecode ? PlanKind::kDecode : PlanKind::kEncode, src, dst);
  impl->options = options;
  impl->leaves = {make_scaled(*impl->table, way, src, dst, scaling, options)};
  return finish(std::move(impl));
}

std::shared_ptr<const Plan::Impl> plan_epoch(bool decodes, const Layout& src, const Layout& dst,
                                             const TimeUnits& units,
                                             const std::vector<ElementBytes>& missing,
                                             const ConvertOptions& options) {
  const kernels::DefaultFloatEnvironment environment;
  refuse_large_index(dst, options);
  refuse_suboffsets(src, decodes ? "the source of decode_time" : "the source of encode_time");
  refuse_suboffsets(dst, "the destination");
  auto impl = start(decodes ? PlanKind::kDecodeTime : PlanKind::kEncodeTime, src, dst);
  impl->options = options;
  impl->leaves = {make_epoch(*impl->table, decodes, src, dst, units, missing, options)};
  return finish(std::move(impl));
}

std::shared_ptr<const Plan::Impl> plan_byteswap(const Layout& src, const Layout& dst) {
  if (!(src.format() == dst.format())) {
    throw Error(ErrorCode::kInvalidArgument, "byteswap keeps the format: the destination's is '" +
                                                 dst.format().text() + "', the source's '" +
                                                 src.format().text() + "'");
  }
  if (is_indirect(src, dst, nullptr)) {
    return plan_indirect(PlanKind::kByteswap, src, dst, nullptr, {});
  }
  auto impl = start(PlanKind::kByteswap, src, dst);
  impl->leaves = byteswap_leaves(*impl->table, src.format());
  return finish(std::move(impl));
}

}  // namespace stridecast::internal
