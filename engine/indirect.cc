// Plans over pointers. The outer loops follow the destination's C order, so that the source's own
// items, too, are met in rising order wherever they are met for the first time; the first bad one
// is the lowest of those that the runs of the inner plan report.

#include "engine/indirect.h"

#include <algorithm>
#include <new>
#include <optional>

#include "engine/first_failure.h"
#include "engine/planner.h"
#include "engine/pointer_pieces.h"
#include "engine/run.h"
#include "stridecast/ops.h"

namespace stridecast::internal {
namespace {

using Bases = std::array<char*, kNumSides>;

// --- making a plan -------------------------------------------------------------------------------

// One more than the last axis of pointers, counted in the destination's axes.
int last_pointer(const Layout& layout, int lead) {
  const std::span<const int64_t> suboffsets = layout.suboffsets();
  for (size_t axis = suboffsets.size(); axis-- > 0;) {
    if (suboffsets[axis] >= 0) return static_cast<int>(axis) + lead + 1;
  }
  return 0;
}

// The axes that begin at the destination's axis `depth`, as a layout of what lies there.
Layout behind(const Layout& layout, int lead, int depth) {
  const auto from = std::clamp(depth - lead, 0, layout.ndim());
  return Layout::strided(layout.format(), {layout.shape().begin() + from, layout.shape().end()},
                         {layout.strides().begin() + from, layout.strides().end()});
}

int64_t suboffset_of(const Layout& layout, int axis) {
  const bool has = axis >= 0 && !layout.suboffsets().empty();
  return has ? layout.suboffsets()[static_cast<size_t>(axis)] : -1;
}

std::vector<PointerLoop> pointer_loops(const std::array<const Layout*, kNumSides>& sides,
                                       const LoopNest& nest, int depth) {
  constexpr Operands kOperand[] = {kSrc, kDst, kMask};
  std::vector<PointerLoop> loops;
  const int ndim = sides[kTo]->ndim();
  // Axes of size 1 that a side has in front of the destination's may be pointers, too.
  int first = 0;
  for (const Layout* side : sides) {
    if (side != nullptr) first = std::min(first, ndim - side->ndim());
  }
  for (int axis = first; axis < depth; ++axis) {
    PointerLoop loop;
    if (axis >= 0) {
      const Loop& of_nest = nest.loops[static_cast<size_t>(axis)];
      loop.n = of_nest.n;
      loop.index_step = of_nest.step[kIndex];
      for (int side = 0; side < kNumSides; ++side) loop.step[side] = of_nest.step[kOperand[side]];
    }
    for (int side = 0; side < kNumSides; ++side) {
      if (sides[side] == nullptr) continue;
      loop.suboffset[side] = suboffset_of(*sides[side], axis - (ndim - sides[side]->ndim()));
    }
    loops.push_back(loop);
  }
  return loops;
}

std::shared_ptr<const Plan::Impl> plan_behind(PlanKind kind, const Layout& src, const Layout& dst,
                                              const std::optional<Layout>& where,
                                              const ConvertOptions& options) {
  if (kind == PlanKind::kByteswap) return plan_byteswap(src, dst);
  return plan_convert(src, dst, where ? &*where : nullptr, options);
}

// --- running it ----------------------------------------------------------------------------------

using Position = std::vector<int64_t>;

Position position_of(std::span<const PointerLoop> loops, int64_t turn) {
  Position position(loops.size());
  for (size_t k = loops.size(); k-- > 0; turn /= loops[k].n) position[k] = turn % loops[k].n;
  return position;
}

void next_turn(std::span<const PointerLoop> loops, Position& position) {
  for (size_t k = loops.size(); k-- > 0;) {
    if (++position[k] < loops[k].n) return;
    position[k] = 0;
  }
}

char* follow(std::span<const PointerLoop> loops, Side side, const Position& position, char* at) {
  for (size_t k = 0; k < loops.size(); ++k) {
    at += position[k] * loops[k].step[side];
    if (loops[k].suboffset[side] >= 0) at = load_pointer(at) + loops[k].suboffset[side];
  }
  return at;
}

int64_t index_of(std::span<const PointerLoop> loops, const Position& position) {
  int64_t index = 0;
  for (size_t k = 0; k < loops.size(); ++k) index += position[k] * loops[k].index_step;
  return index;
}

// The turns [begin, end).
void run_turns(const Plan::Impl& plan, const Bases& bases, int64_t begin, int64_t end,
               const RunOptions& options, FirstFailure& first) {
  const IndirectProgram& program = *plan.indirect;
  Position position = position_of(program.outer, begin);
  for (int64_t turn = begin; turn < end; ++turn, next_turn(program.outer, position)) {
    const int64_t index = plan.options.index_offset + index_of(program.outer, position);
    if (!first.may_begin_at(index)) {
      if (!program.repeats) return;
      continue;
    }
    const auto operand = [&](Side side) {
      return Operand{follow(program.outer, side, position, bases[side])};
    };
    RunStatus status = run_plan(*program.inner, operand(kFrom), operand(kTo),
                                plan.where ? operand(kSelect) : Operand{}, options, index);
    if (status.code == StatusCode::kDataError && status.index >= 0) status.index += index;
    first.add(status);
  }
}

RunStatus run_all_turns(const Plan::Impl& plan, const Bases& bases, RunOptions options) {
  // Nothing is in the way any more, or it is in the same place on both sides. A run that finds its
  // two operands too entangled to tell may copy.
  options.overlap = OverlapPolicy::kCopy;
  const int64_t count = plan.indirect->count;
  const int threads = plan.needs_gil ? 1 : thread_count(options, plan.bytes_moved);
  FirstFailure first;
  if (threads == 1 || count < threads) {
    run_turns(plan, bases, 0, count, options, first);  // few turns: each may have all threads
    return first.status();
  }
  RunOptions alone = options;
  alone.threads = 1;
  alone.parallel_for = {};
  run_tasks(options, threads, threads, [&](int part) {
    const auto begin_of = [&](int64_t p) {
      return count / threads * p + std::min(p, count % threads);
    };
    run_turns(plan, bases, begin_of(part), begin_of(part + 1), alone, first);
  });
  return first.status();
}

bool inside(const Layout& layout, const Operand& operand) {
  return layout.extent().lowest >= operand.lowest && layout.extent().highest <= operand.highest;
}

bool same_memory(const Plan::Impl& plan, const Operand& src, const Operand& dst) {
  const auto equal = [](std::span<const int64_t> a, std::span<const int64_t> b) {
    return std::ranges::equal(a, b);
  };
  const auto start = [](const Layout& layout, const Operand& operand) {
    return static_cast<char*>(operand.data) + layout.offset();
  };
  return start(plan.src, src) == start(plan.dst, dst) &&
         equal(plan.src.shape(), plan.dst.shape()) &&
         equal(plan.src.strides(), plan.dst.strides()) &&
         equal(plan.src.suboffsets(), plan.dst.suboffsets());
}

// The same from a dense copy of the source.
RunStatus run_on_copy(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                      const Operand& where, const RunOptions& options) {
  const Array dense = make_array(Layout::like(plan.src.format(), plan.src, Order::kC));
  const Operand from{dense.data.get()};
  const RunStatus copied = Plan::convert(plan.src, dense.layout).try_run(src, from, options);
  if (!copied.ok()) return copied;
  if (plan.where) {
    return Plan::convert(dense.layout, plan.dst, *plan.where, plan.options)
        .try_run(from, dst, where, options);
  }
  const Plan rest = plan.kind == PlanKind::kByteswap
                        ? Plan::byteswap(dense.layout, plan.dst)
                        : Plan::convert(dense.layout, plan.dst, plan.options);
  return rest.try_run(from, dst, options);
}

RunStatus run_checked(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                      const Operand& where, const RunOptions& options) {
  PieceSet written(plan.dst, dst);
  if (written.shares_with_itself()) return failure(StatusCode::kOverlap, kTo);
  if (plan.where && written.shares_with(*plan.where, where)) {
    return failure(StatusCode::kOverlap, kSelect);
  }
  const bool in_place = plan.same_memory_ok && same_memory(plan, src, dst);
  if (!in_place && written.shares_with(plan.src, src)) {
    if (options.overlap == OverlapPolicy::kRefuse) return failure(StatusCode::kOverlap);
    return run_on_copy(plan, src, dst, where, options);
  }
  const auto start = [](const Layout& layout, const Operand& operand) {
    return static_cast<char*>(operand.data) + layout.offset();
  };
  const Bases bases = {start(plan.src, src), start(plan.dst, dst),
                       plan.where ? start(*plan.where, where) : nullptr};
  return run_all_turns(plan, bases, options);
}

}  // namespace

bool is_indirect(const Layout& src, const Layout& dst, const Layout* where) noexcept {
  return !src.suboffsets().empty() || !dst.suboffsets().empty() ||
         (where != nullptr && !where->suboffsets().empty());
}

std::shared_ptr<const Plan::Impl> plan_indirect(PlanKind kind, const Layout& src, const Layout& dst,
                                                const Layout* where,
                                                const ConvertOptions& options) {
  const std::array<const Layout*, kNumSides> sides = {&src, &dst, where};
  const LoopNest nest = make_nest(src, dst, where);  // refuses shapes that do not fit
  // What the destination's own pointers lead to; whether two of them lead to the same place is
  // asked when it runs.
  refuse_self_overlap(behind(dst, 0, last_pointer(dst, 0)));
  int depth = 0;
  for (const Layout* side : sides) {
    if (side != nullptr) depth = std::max(depth, last_pointer(*side, dst.ndim() - side->ndim()));
  }
  const auto rest = [&](const Layout& side) {
    return behind(side, dst.ndim() - side.ndim(), depth);
  };
  auto program = std::make_shared<IndirectProgram>();
  program->outer = pointer_loops(sides, nest, depth);
  for (const PointerLoop& loop : program->outer) {
    program->count *= loop.n;
    program->repeats |= loop.n > 1 && loop.index_step == 0;
  }
  ConvertOptions of_inner = options;
  of_inner.index_offset = 0;
  program->inner = plan_behind(kind, rest(src), rest(dst),
                               where ? std::optional(rest(*where)) : std::nullopt, of_inner);

  const Plan::Impl& inner = *program->inner;
  auto impl = std::make_shared<Plan::Impl>(kind, src, dst, inner.table);
  if (where != nullptr) impl->where = *where;
  impl->options = options;
  impl->leaves = inner.leaves;
  impl->draws = inner.draws;
  require_index_fits(*impl);
  impl->may_fail = inner.may_fail;
  impl->needs_gil = inner.needs_gil;
  impl->same_memory_ok = inner.same_memory_ok;
  impl->empty = dst.size() == 0 || inner.empty;
  if (__builtin_mul_overflow(inner.bytes_moved, program->count, &impl->bytes_moved)) {
    impl->bytes_moved = INT64_MAX;
  }
  impl->indirect = std::move(program);
  return impl;
}

RunStatus run_indirect(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                       const Operand& where, const RunOptions& options) noexcept {
  if (!inside(plan.src, src)) return failure(StatusCode::kTooSmall, kFrom);
  if (!inside(plan.dst, dst)) return failure(StatusCode::kTooSmall, kTo);
  if (plan.empty) return RunStatus{};
  if (plan.where && (where.data == nullptr || !inside(*plan.where, where))) {
    return failure(StatusCode::kTooSmall, kSelect);
  }
  try {
    return run_checked(plan, src, dst, where, options);
  } catch (const std::bad_alloc&) {
    return failure(StatusCode::kOutOfMemory);
  } catch (const Error&) {
    return failure(StatusCode::kOutOfMemory);  // of make_array: the plans were made before
  } catch (...) {
    return failure(StatusCode::kPoolFailed);
  }
}

void refuse_suboffsets(const Layout& layout, const char* what) {
  if (layout.suboffsets().empty()) return;
  throw Error(ErrorCode::kInvalidArgument, std::string(what) + " has suboffsets; copy it first");
}

std::string to_string(const IndirectProgram& program) {
  constexpr const char* kNames[] = {" src:", " dst:", " where:"};
  std::string text;
  for (const PointerLoop& loop : program.outer) {
    text += "  turn n=" + std::to_string(loop.n);
    for (int side = 0; side < kNumSides; ++side) {
      if (loop.step[side] == 0 && loop.suboffset[side] < 0) continue;
      text += kNames[side] + std::to_string(loop.step[side]);
      if (loop.suboffset[side] >= 0) text += " -> +" + std::to_string(loop.suboffset[side]);
    }
    text += "\n";
  }
  return text + "  each " + Plan(program.inner).explain();
}

}  // namespace stridecast::internal
