// Makes the plans of reductions. The kept axes become the nest, the folded axes a list of their
// own: a float sum folds them one at a time, last axis first, because the tree of its additions is
// part of the result (docs/numeric_policy.md). Where order is void, folded axes sort and coalesce
// like any others.

#include <algorithm>
#include <string>

#include "dtypes/leaf_map.h"
#include "engine/indirect.h"
#include "engine/leaf_program.h"
#include "engine/planner.h"
#include "engine/runtime.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;

// Results folded side by side: their states stay in L1 while rows stream through. Those of sums of
// floats are trees.
constexpr int64_t kMaxColumns = 256, kMaxColumnBytes = 2048;
// Shorter runs along the folded axis than this go side by side if there is anything to put there.
constexpr int64_t kShortFold = 16;

// By ReduceOp.
struct OpFacts {
  const char* name;
  kernels::ReduceKernel kernel;
};
constexpr OpFacts kOps[kNumReduceOps] = {
    {"sum", kernels::kReduceSum}, {"min", kernels::kReduceMin},
    {"max", kernels::kReduceMax}, {"any", kernels::kReduceAny},
    {"all", kernels::kReduceAll}, {"count_nonzero", kernels::kReduceCount}};

kernels::ReduceKernel kernel_of(ReduceOp op) { return kOps[static_cast<int>(op)].kernel; }

bool is_extreme(ReduceOp op) { return op == ReduceOp::kMin || op == ReduceOp::kMax; }
bool is_time(DType type) { return type_facts(type).kind == Kind::kTime; }
bool is_float(DType type) { return type_facts(type).kind == Kind::kFloat; }

// In which type a sum of `type` accumulates: integers in 64 bits, narrow floats in float32.
DType accumulator_of(DType type) {
  if (!is_float(type)) return DType::kInt64;
  return type == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

// The kernel, and the type of the items that it takes.
struct Folding {
  const sc_reduce_entry* kernel = nullptr;
  DType item = DType::kOpaque;
};

// Of the source's type, but narrow ones fold in an arithmetic type that holds all of their values.
DType folded_type(DType type) {
  if (!is_narrow(type)) return type;
  if (is_float(type)) return DType::kFloat32;
  return type_facts(type).kind == Kind::kSigned ? DType::kInt8 : DType::kUint8;
}

Folding find_folding(const KernelTable& table, ReduceOp op, DType type) {
  const DType item = folded_type(type);
  if (is_time(item)) return {&table.reduce_time[op == ReduceOp::kMax], item};
  return {&table.reduce[kernel_of(op)][static_cast<int>(item)], item};
}

// The type of what the kernel gives.
DType result_of_kernel(ReduceOp op, DType item) {
  return op == ReduceOp::kSum && is_float(item) ? accumulator_of(item) : reduce_result(op, item);
}

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

const Field& scalar_of(const Format& format, ReduceOp op) {
  const Field* field = format.scalar();
  const bool sums_times = field != nullptr && is_time(field->type) && !is_extreme(op);
  const bool known = field != nullptr &&
                     (is_arithmetic(field->type) || is_narrow(field->type) || is_time(field->type));
  if (!known || sums_times) {
    throw Error(ErrorCode::kNoConversion, std::string(reduce_name(op)) +
                                              " is not defined for format '" + format.text() + "'");
  }
  return *field;
}

// A result never loses what the reduction found: it has the default type, or the accumulator's.
void check_result(const Format& src, const Format& dst, ReduceOp op) {
  const DType from = src.scalar()->type, to = dst.scalar()->type;
  const DType result = reduce_result(op, from), accumulator = accumulator_of(from);
  const bool same_time = !is_time(from) || src.scalar()->custom == dst.scalar()->custom;
  // The accumulator's 64 bits are those of uint64, but not its sign.
  const bool wide = (op == ReduceOp::kSum || is_extreme(op)) && to == accumulator &&
                    from != DType::kUint64 && !is_time(from);
  if ((to == result && same_time) || wide) return;
  throw Error(ErrorCode::kNoConversion,
              std::string(reduce_name(op)) + " of '" + src.text() + "' gives " +
                  (is_time(result) ? "the same type" : type_facts(result).name) + ", not '" +
                  dst.text() + "'; convert before or after");
}

std::vector<bool> folded_axes(const Layout& src, const std::vector<int>& axes) {
  std::vector<bool> folded(src.ndim(), false);
  for (int axis : axes) {
    if (axis < 0 || axis >= src.ndim()) {
      fail("axis " + std::to_string(axis) + " is out of range for " + std::to_string(src.ndim()) +
           " dimensions");
    }
    if (folded[axis]) fail("axis " + std::to_string(axis) + " is named twice");
    folded[axis] = true;
  }
  return folded;
}

struct Axes {
  LoopNest kept;
  std::vector<Loop> folds;
};

// Pairs the axes of src with those of dst, which either lacks the folded ones or has them with
// size 1.
Axes separate_axes(const Layout& src, const Layout& dst, const std::vector<bool>& folded) {
  const int folds = static_cast<int>(std::count(folded.begin(), folded.end(), true));
  const bool keeps = dst.ndim() == src.ndim();
  if (!keeps && dst.ndim() != src.ndim() - folds) {
    fail("a reduction of " + std::to_string(folds) + " of " + std::to_string(src.ndim()) +
         " axes has " + std::to_string(src.ndim() - folds) + " axes, the destination has " +
         std::to_string(dst.ndim()));
  }
  Axes axes;
  axes.kept.offset[kSrc] = src.offset();
  axes.kept.offset[kDst] = dst.offset();
  int to = 0;
  for (int axis = 0; axis < src.ndim(); ++axis) {
    Loop loop;
    loop.n = src.shape()[axis];
    loop.step[kSrc] = src.strides()[axis];
    const int64_t expected = folded[axis] ? 1 : loop.n;
    if ((keeps || !folded[axis]) && dst.shape()[to] != expected) {
      fail("axis " + std::to_string(to) + " of the destination has size " +
           std::to_string(dst.shape()[to]) + ", the result has " + std::to_string(expected));
    }
    if (folded[axis]) {
      if (loop.n != 1) axes.folds.push_back(loop);
    } else {
      loop.step[kDst] = dst.strides()[to];
      axes.kept.loops.push_back(loop);
    }
    to += keeps || !folded[axis];
  }
  return axes;
}

uint64_t distance(const Loop& loop) {
  const int64_t step = loop.step[kSrc];
  return step < 0 ? 0 - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
}

// Folded axes whose order is void walk like any nest: forward, in order of memory, coalesced.
void simplify_folds(Axes& axes) {
  LoopNest nest;
  nest.loops = std::move(axes.folds);
  flip_negative(nest, kSrc);
  sort_by_step(nest);
  coalesce(nest);
  axes.kept.offset[kSrc] += nest.offset[kSrc];
  axes.folds = std::move(nest.loops);
}

Element packed_element(DType type) {
  const TypeFacts& facts = type_facts(type);
  return Element{"", type, facts.size > 1 ? kHostOrder : ByteOrder::kNone, facts.size,
                 facts.swap_unit};
}

Element element_of(const Field& field) {
  return Element{"", field.type, field.order, field.itemsize, field.swap_unit};
}

// Which kept loop, if any, lies beside the folded one in a rectangle of rows and columns.
void choose_shape(ReduceProgram& program, LoopNest& kept) {
  const Loop& fold = program.folds.back();
  const auto nearest =
      std::min_element(kept.loops.begin(), kept.loops.end(),
                       [](const Loop& a, const Loop& b) { return distance(a) < distance(b); });
  if (nearest == kept.loops.end()) return;
  std::rotate(nearest, nearest + 1, kept.loops.end());
  const Loop& column = kept.loops.back();
  program.vertical = distance(column) < distance(fold) || (fold.n < kShortFold && column.n >= 8);
  if (!program.vertical) return;
  const int64_t most = program.ordered ? kMaxColumns : kMaxColumnBytes / program.item_size;
  program.columns = std::min(column.n, most);
}

}  // namespace

std::shared_ptr<const Plan::Impl> plan_reduce(const Layout& src, const Layout& dst,
                                              const ReduceOptions& options) {
  const Field& from = scalar_of(src.format(), options.op);
  const Field& to = scalar_of(dst.format(), is_extreme(options.op) ? options.op : ReduceOp::kSum);
  check_result(src.format(), dst.format(), options.op);
  refuse_suboffsets(src, "the source of a reduction");
  refuse_suboffsets(dst, "the destination of a reduction");
  refuse_self_overlap(dst);
  Axes axes = separate_axes(src, dst, folded_axes(src, options.axes));
  if (is_extreme(options.op) && dst.size() > 0 && src.size() == 0) {
    fail(std::string("the ") + reduce_name(options.op) +
         "imum of no elements is not defined: a folded axis has size 0");
  }

  auto impl = std::make_shared<Plan::Impl>(PlanKind::kReduce, src, dst, active_table());
  impl->empty = dst.size() == 0;
  if (impl->empty) return impl;
  auto program = std::make_unique<ReduceProgram>();
  const KernelTable& table = *impl->table;
  const Folding folding = find_folding(table, options.op, from.type);
  const DType result =
      is_time(folding.item) ? folding.item : result_of_kernel(options.op, folding.item);
  program->kernel = folding.kernel;
  program->item_size = type_facts(folding.item).size;
  program->result_size = type_facts(result).size;
  program->ordered = options.op == ReduceOp::kSum && is_float(folding.item);
  if (program->ordered) {
    program->outer_kernel = &table.reduce[kernels::kReduceSum][static_cast<int>(result)];
  }
  if (!program->ordered) simplify_folds(axes);
  program->folds = std::move(axes.folds);
  if (program->folds.empty()) program->folds.emplace_back();

  impl->nest = std::move(axes.kept);
  drop_size_one(impl->nest);
  flip_negative(impl->nest);
  sort_by_step(impl->nest);
  coalesce(impl->nest);
  choose_shape(*program, impl->nest);

  program->load =
      make_program(table, element_of(from), packed_element(folding.item), ConvertRules{});
  program->store = make_program(table, packed_element(result), element_of(to), ConvertRules{});
  // What the kernel takes and gives is packed.
  if (program->load.staged()) program->load.move_out = nullptr;
  if (program->store.staged()) program->store.move_in = nullptr;
  const Loop& inner = program->vertical ? impl->nest.loops.back() : program->folds.back();
  const bool packed = inner.step[kSrc] == from.itemsize || inner.n == 1;
  const bool native = from.itemsize == 1 || from.order == kHostOrder;
  program->direct = packed && native && from.type == folding.item;
  if (program->load.staged() && packed && native && !program->vertical) {
    program->load.move_in = nullptr;
  }
  impl->reduce = std::move(program);
  impl->bytes_moved = src.size() * from.itemsize;
  return impl;
}

}  // namespace stridecast::internal

namespace stridecast {
inline namespace v0 {

const char* reduce_name(ReduceOp op) noexcept { return internal::kOps[static_cast<int>(op)].name; }

DType reduce_result(ReduceOp op, DType type) noexcept {
  if (op == ReduceOp::kMin || op == ReduceOp::kMax) return type;
  if (op == ReduceOp::kAny || op == ReduceOp::kAll) return DType::kBool;
  if (op == ReduceOp::kCountNonzero) return DType::kInt64;
  switch (type_facts(type).kind) {
    case Kind::kBool:
    case Kind::kSigned:
      return DType::kInt64;
    case Kind::kUnsigned:
      return DType::kUint64;
    default:
      return type;
  }
}

}  // namespace v0
}  // namespace stridecast
