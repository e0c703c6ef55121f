// Makes the plans of reductions: the kept axes become the nest, the folded axes a list of their
// own. Where a tree decides about the bits, they fold one at a time, last axis first
// (docs/numeric_policy.md); where indices matter, they stay in C order; where order is void, they
// sort and coalesce like any others. Which kernels there are for an operation is reduce_ops.h.

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "dtypes/leaf_map.h"
#include "engine/indirect.h"
#include "engine/leaf_program.h"
#include "engine/pipeline.h"
#include "engine/planner.h"
#include "engine/reduce_ops.h"
#include "engine/runtime.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;

// Results, turns or items side by side: their states stay in L1 or L2 while rows stream through.
constexpr int64_t kBesideBytes = 32768;
constexpr int64_t kMostBeside = 8192;
// Shorter runs along a folded axis than this go side by side if there is anything to put there.
constexpr int64_t kShortFold = 16;
// Longer runs of items than this keep to themselves.
constexpr int64_t kSpreadBytes = 4096;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

std::vector<bool> folded_axes(const Layout& src, const std::vector<int>& axes) {
  std::vector<bool> folded(static_cast<size_t>(src.ndim()), false);
  for (const int axis : axes) {
    if (axis < 0 || axis >= src.ndim()) {
      fail("axis " + std::to_string(axis) + " is out of range for " + std::to_string(src.ndim()) +
           " dimensions");
    }
    if (folded[static_cast<size_t>(axis)]) {
      fail("axis " + std::to_string(axis) + " is named twice");
    }
    folded[static_cast<size_t>(axis)] = true;
  }
  return folded;
}

// --- axes ----------------------------------------------------------------------------------------

// The axes of a reduction's operands, taken apart.
struct Walks {
  LoopNest kept;            // index: that of the result, in C order
  std::vector<Loop> folds;  // index: in C order of the folded axes
  int64_t items = 1;        // that fold into one result
  int64_t dst_step = 0;     // along the axis in front that minmax has
};

// Steps of the mask along each of src's axes.
std::vector<int64_t> mask_steps(const Layout& src, const Layout* where) {
  std::vector<int64_t> steps(static_cast<size_t>(src.ndim()), 0);
  if (where == nullptr) return steps;
  const int missing = src.ndim() - where->ndim();
  bool fits = missing >= 0;
  for (int axis = 0; fits && axis < where->ndim(); ++axis) {
    const int64_t n = where->shape()[axis], wanted = src.shape()[missing + axis];
    fits = n == wanted || n == 1;
    if (n != 1) steps[static_cast<size_t>(missing + axis)] = where->strides()[axis];
  }
  if (!fits) fail("the mask's shape does not broadcast to the source's");
  return steps;
}

// Pairs the axes of src with those of dst from `first` on, which either lacks the folded ones or
// has them with size 1.
Walks separate_axes(const Layout& src, const Layout& dst, const Layout* where, int first,
                    const std::vector<bool>& folded) {
  const int folds = static_cast<int>(std::count(folded.begin(), folded.end(), true));
  const int has = dst.ndim() - first;
  const bool keeps = has == src.ndim();
  if (!keeps && has != src.ndim() - folds) {
    fail("a reduction of " + std::to_string(folds) + " of " + std::to_string(src.ndim()) +
         " axes has " + std::to_string(src.ndim() - folds) + " axes, the destination has " +
         std::to_string(has));
  }
  const std::vector<int64_t> mask = mask_steps(src, where);
  Walks walks;
  walks.kept.offset[kSrc] = src.offset();
  walks.kept.offset[kDst] = dst.offset();
  if (where != nullptr) walks.kept.offset[kMask] = where->offset();
  int to = first;
  for (int axis = 0; axis < src.ndim(); ++axis) {
    const bool folds_it = folded[static_cast<size_t>(axis)];
    Loop loop;
    loop.n = src.shape()[axis];
    loop.step[kSrc] = src.strides()[axis];
    loop.step[kMask] = mask[static_cast<size_t>(axis)];
    const int64_t expected = folds_it ? 1 : loop.n;
    if ((keeps || !folds_it) && dst.shape()[to] != expected) {
      fail("axis " + std::to_string(to) + " of the destination has size " +
           std::to_string(dst.shape()[to]) + ", the result has " + std::to_string(expected));
    }
    if (folds_it) {
      walks.items *= loop.n;
      if (loop.n != 1) walks.folds.push_back(loop);
    } else {
      loop.step[kDst] = dst.strides()[to];
      walks.kept.loops.push_back(loop);
    }
    to += keeps || !folds_it;
  }
  for (std::vector<Loop>* loops : {&walks.folds, &walks.kept.loops}) {
    int64_t index = 1;
    for (size_t k = loops->size(); k-- > 0; index *= (*loops)[k].n) {
      (*loops)[k].step[kIndex] = index;
    }
  }
  return walks;
}

Loop loop_over_parts(int64_t size) {
  Loop loop;
  loop.n = 2;
  loop.step[kSrc] = size;
  return loop;
}

// Nobody asks for them, and loops coalesce the better for it.
void forget_index(Walks& walks, bool of_folds, bool of_results) {
  for (Loop& loop : walks.folds) loop.step[kIndex] *= of_folds;
  for (Loop& loop : walks.kept.loops) loop.step[kIndex] *= of_results;
}

uint64_t distance(const Loop& loop) {
  const int64_t step = loop.step[kSrc];
  return step < 0 ? 0 - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
}

// Folded axes that need not keep their order walk forward, in order of memory.
void simplify_folds(Walks& walks, Order order) {
  if (order == Order::kTree) return;
  LoopNest nest;
  nest.loops = std::move(walks.folds);
  if (order == Order::kVoid) {
    flip_negative(nest, kSrc);
    sort_by_step(nest);
  }
  coalesce(nest);
  walks.kept.offset[kSrc] += nest.offset[kSrc];
  walks.kept.offset[kMask] += nest.offset[kMask];
  walks.folds = std::move(nest.loops);
}

// --- the way through memory ----------------------------------------------------------------------

// How many fit side by side, of items of the program's size.
int64_t most_beside(const ReduceProgram& program) {
  return std::clamp<int64_t>(kBesideBytes / program.item_size, 1, kMostBeside);
}

bool is_packed(const ReduceProgram& program, const Loop& loop) {
  return loop.step[kSrc] == program.load.src_size || loop.n == 1;
}

// The kept loop that lies closest in memory becomes the last.
bool bring_nearest_inward(std::vector<Loop>& loops) {
  const auto nearest =
      std::min_element(loops.begin(), loops.end(),
                       [](const Loop& a, const Loop& b) { return distance(a) < distance(b); });
  if (nearest == loops.end()) return false;
  std::rotate(nearest, nearest + 1, loops.end());
  return true;
}

// Whether what `side` walks is better met across than `fold` along.
bool is_nearer(const Loop& side, const Loop& fold) {
  return distance(side) < distance(fold) || (fold.n < kShortFold && side.n >= 8);
}

// Both walk like one loop of side.n * inner.n turns.
bool continues(const Loop& side, const Loop& inner) {
  return side.step[kSrc] == inner.n * inner.step[kSrc] &&
         side.step[kMask] == inner.n * inner.step[kMask];
}

// Items of one result that lie side by side get states of their own. Of runs that are long enough
// for themselves there is no need.
bool choose_spread(ReduceProgram& program, const LoopNest& kept) {
  std::vector<Loop>& axes = program.axes;
  if (axes.size() < 2 || program.folds[0].kernel->join == nullptr) return false;
  const auto nearest = std::min_element(axes.begin(), axes.end(), [](const Loop& a, const Loop& b) {
    return distance(a) < distance(b);
  });
  const bool is_last = nearest + 1 == axes.end();
  if (!is_packed(program, *nearest)) return false;
  if (is_last && nearest->n * program.item_size > kSpreadBytes) return false;
  program.spread = *nearest;
  axes.erase(nearest);
  program.way = FoldWay::kSpread;
  program.beside = std::min(program.spread.n, most_beside(program));
  if (!kept.loops.empty() && continues(kept.loops.back(), program.spread)) {
    const int64_t most = most_beside(program) / program.spread.n;
    if (most > 1) {
      program.columns = std::min(kept.loops.back().n, most);
      program.beside = program.columns * program.spread.n;
    }
  }
  return true;
}

void choose_way(ReduceProgram& program, LoopNest& kept) {
  const bool keeps = bring_nearest_inward(kept.loops);
  const Loop& fold = program.axes.back();
  const bool tree = program.order == Order::kTree;
  const Loop* const outer = tree && program.axes.size() > 1 ? &*(program.axes.end() - 2) : nullptr;
  const Loop* const column = keeps ? &kept.loops.back() : nullptr;
  const auto beside = [&](const Loop& side) { return std::min(side.n, most_beside(program)); };

  const bool outer_nearer = outer != nullptr && is_nearer(*outer, fold) &&
                            (column == nullptr || distance(*outer) < distance(*column));
  if (outer_nearer) {
    program.way = FoldWay::kAcross;
    program.turns_beside = true;
    program.beside = beside(*outer);
    return;
  }
  // Short runs of items that follow each other from result to result are one long row.
  const bool one_row = column != nullptr && continues(*column, fold);
  if (!tree && one_row && choose_spread(program, kept)) return;
  if (column != nullptr && is_nearer(*column, fold)) {
    program.way = FoldWay::kAcross;
    program.columns = program.beside = beside(*column);
    return;
  }
  if (!tree && choose_spread(program, kept)) return;
  program.way = FoldWay::kAlong;
  // Results of one call; or turns of the next axis, where there are few results.
  if (outer != nullptr && (column == nullptr || column->n < 8)) {
    program.turns_beside = true;
    program.beside = beside(*outer);
  } else if (column != nullptr && (tree || program.axes.size() == 1)) {
    program.columns = program.beside = beside(*column);
  }
}

// --- what items pass -----------------------------------------------------------------------------

Element packed_element(DType type) {
  const TypeFacts& facts = type_facts(type);
  return Element{"", type, facts.size > 1 ? kHostOrder : ByteOrder::kNone, facts.size,
                 facts.swap_unit};
}

Element element_of(const Field& field) {
  return Element{"", field.type, field.order, field.itemsize, field.swap_unit};
}

void choose_load(const KernelTable& table, ReduceProgram& program, const Field& from,
                 const Folding& folding) {
  Element source = element_of(from);
  if (folding.parts) {
    source.type = folding.item;
    source.size = source.swap_unit = type_facts(folding.item).size;
  }
  // Times are zero as integers are.
  const bool as_integers =
      program.item == DType::kInt64 && type_facts(from.type).kind == Kind::kTime;
  if (as_integers) source.type = DType::kInt64;
  ConvertRules rules;
  if (folding.magnitudes) rules.complex_to_real = ComplexToReal::kMagnitude;
  program.load = make_program(table, source, packed_element(program.item), rules);
  // What the kernels take is packed, and so may be what they come from.
  if (program.load.staged()) program.load.move_out = nullptr;
  const bool native = from.itemsize == 1 || from.order == kHostOrder;
  program.load_packed = program.load;
  if (program.load.staged() && native) program.load_packed.move_in = nullptr;
  program.packed = native;
  program.direct = native && source.type == program.item && !program.selects();
}

bool takes_every_second(const ReduceProgram& program) {
  const auto takes_it = [](const Fold& fold) { return fold.kernel->every_second != 0; };
  return program.axes.back().step[kSrc] == 2 * program.item_size &&
         std::ranges::all_of(program.folds, takes_it) &&
         std::ranges::all_of(program.deviations, takes_it);
}

// Whether the kernels can read the source where it lies; known when the loops are.
bool reads_directly(const ReduceProgram& program, const LoopNest& kept) {
  switch (program.way) {
    case FoldWay::kAlong:
      return is_packed(program, program.axes.back()) || takes_every_second(program);
    case FoldWay::kSpread:
      return true;
    case FoldWay::kAcross:
      return is_packed(program,
                       program.turns_beside ? *(program.axes.end() - 2) : kept.loops.back());
  }
  return false;
}

void choose_selection(const KernelTable& table, ReduceProgram& program, const Layout* where,
                      bool skipna) {
  program.masked = where != nullptr;
  const sc_entry& not_nan = table.not_nan[static_cast<int>(program.item)];
  if (skipna && not_nan.run != nullptr) program.not_nan = &not_nan;
  if (!program.selects()) return;
  const int size = kernels::move_index(program.item_size);
  program.move_mask = &table.move[0];
  program.clear = &table.clear_unselected[size];
  program.clear_byte = &table.clear_unselected[0];
  program.invert = &table.lookup[0];
  program.select = &table.move_where[size];
  program.passes_mask = is_index(program.op);
}

Fold count_of_bytes(const KernelTable& table) {
  Fold fold;
  fold.kernel = &table.reduce[kernels::kReduceCount][static_cast<int>(DType::kUint8)];
  fold.again = &table.reduce[kernels::kReduceSum][static_cast<int>(DType::kInt64)];
  fold.result = DType::kInt64;
  fold.result_size = sizeof(int64_t);
  fold.counts = true;
  return fold;
}

void check_mask(const Layout* where) {
  if (where == nullptr) return;
  const Field* item = where->format().scalar();
  if (item == nullptr ||
      (item->type != DType::kBool && item->type != DType::kInt8 && item->type != DType::kUint8)) {
    throw Error(ErrorCode::kNoConversion,
                "the mask must have the format '?' or be of one-byte integers, not '" +
                    where->format().text() + "'");
  }
  refuse_suboffsets(*where, "the mask of a reduction");
}

// One element of `from`, as one of `to`.
std::vector<unsigned char> converted(const KernelTable& table, const unsigned char* item,
                                     DType from, DType to) {
  std::vector<unsigned char> result(static_cast<size_t>(type_facts(to).size));
  if (from == to) {
    std::memcpy(result.data(), item, result.size());
    return result;
  }
  alignas(16) unsigned char buffers[2][64] = {};
  const auto size = static_cast<size_t>(type_facts(from).size);
  std::memcpy(buffers[0], item, size);
  const Route route = find_route(table, from, to, ConvertRules{});
  std::memcpy(result.data(),
              run_packed(route, static_cast<int64_t>(size), 1, buffers[0], buffers[1]),
              result.size());
  return result;
}

void choose_initial(const KernelTable& table, ReduceProgram& program, const ReduceOptions& options,
                    DType to, DType result) {
  if (options.initial.size == 0) return;
  if (options.initial.size != type_facts(to).size) {
    fail("initial has " + std::to_string(options.initial.size) +
         " bytes, an item of the destination has " + std::to_string(type_facts(to).size));
  }
  const auto* item = reinterpret_cast<const unsigned char*>(options.initial.bytes.data());
  program.initial = converted(table, item, to, result);
}

void choose_nan(const KernelTable& table, ReduceProgram& program, DType result) {
  if (type_facts(result).kind == Kind::kTime) {
    constexpr int64_t kNat = std::numeric_limits<int64_t>::min();
    program.nan.resize(sizeof kNat);
    std::memcpy(program.nan.data(), &kNat, sizeof kNat);
    return;
  }
  const double nan[2] = {std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::quiet_NaN()};
  program.nan = converted(table, reinterpret_cast<const unsigned char*>(nan),
                          is_complex(result) ? DType::kComplexFloat64 : DType::kFloat64, result);
}

// The run as one call of a kernel that folds whole columns, of a plan that is small and of which
// the kernel's results are the destination's items.
OneCall whole_call_of(const Plan::Impl& plan) {
  const ReduceProgram& program = *plan.reduce;
  const Ending& ending = program.ending;
  const bool alone = program.folds.size() == 1 && program.deviations.empty() &&
                     ending.quotient == nullptr && !ending.wide_mean && !program.may_fail() &&
                     program.initial.empty();
  const bool whole = program.way == FoldWay::kAlong && program.direct && program.axes.size() == 1 &&
                     program.axes[0].n > 0 && program.folds[0].kernel->whole != nullptr;
  const bool stays = !program.store.staged() && !program.store.swaps_in;
  const std::vector<Loop>& kept = plan.nest.loops;
  const bool packed =
      kept.empty() || (kept.size() == 1 && kept[0].step[kDst] == program.result_size);
  if (!alone || !whole || !stays || !packed || plan.bytes_moved > kOneCallPackedBytes) return {};
  const Loop column = kept.empty() ? Loop{} : kept[0];
  OneCall call;
  call.kernel = program.folds[0].kernel->whole;
  call.calculates = true;
  call.src_offset = plan.nest.offset[kSrc];
  call.dst_offset = plan.nest.offset[kDst];
  call.run.struct_size = sizeof(sc_run);
  call.run.n[0] = program.axes[0].n;
  call.run.n[1] = column.n;
  call.run.src_step[0] = program.axes[0].n == 1 ? program.item_size : program.axes[0].step[kSrc];
  call.run.src_step[1] = column.step[kSrc];
  call.run.dst_step[1] = program.result_size;
  call.run.index_step[0] = program.axes[0].step[kIndex];
  return call;
}

}  // namespace

std::shared_ptr<const Plan::Impl> plan_reduce(const Layout& src, const Layout& dst,
                                              const Layout* where, const ReduceOptions& options) {
  auto impl = std::make_shared<Plan::Impl>(PlanKind::kReduce, src, dst, active_table());
  const KernelTable& table = *impl->table;
  check_mask(where);
  const bool packed =
      std::ranges::find(src.strides(), src.format().itemsize()) != src.strides().end();
  Folding folding = find_folding(table, src.format(), dst.format(), options,
                                 where != nullptr || options.skipna, packed);
  refuse_suboffsets(src, "the source of a reduction");
  refuse_suboffsets(dst, "the destination of a reduction");
  refuse_self_overlap(dst);
  const int first = options.op == ReduceOp::kMinMax ? 1 : 0;
  if (first > dst.ndim() || (first == 1 && dst.shape()[0] != 2)) {
    fail("the destination of minmax needs an axis of size 2 in front");
  }
  Walks walks = separate_axes(src, dst, where, first, folded_axes(src, options.axes));
  const bool bounded = options.initial.size != 0;
  if (!has_identity(options.op) && !bounded && dst.size() > 0 && src.size() == 0) {
    fail(std::string(reduce_name(options.op)) +
         " of no elements is not defined: a folded axis has size 0" +
         (takes_initial(options.op) ? "; give an initial value" : ""));
  }
  if (where != nullptr) impl->where = *where;
  impl->empty = dst.size() == 0;
  if (impl->empty) return impl;

  auto program = std::make_unique<ReduceProgram>();
  const Field &from = *src.format().scalar(), &to = *dst.format().scalar();
  program->op = options.op;
  program->folds = std::move(folding.folds);
  program->deviations = std::move(folding.deviations);
  program->ending = folding.ending;
  program->order = folding.order;
  program->item = folding.item;
  program->item_size = type_facts(folding.item).size;
  program->result_size = type_facts(folding.result).size;
  program->items = walks.items;
  if (first == 1) program->dst_step = dst.strides()[0];
  choose_selection(table, *program, where, options.skipna);
  choose_load(table, *program, from, folding);
  choose_initial(table, *program, options, to.type, folding.result);
  Ending& ending = program->ending;
  if (program->selects() && !has_identity(options.op) && !bounded) {
    ending.nan_when_empty = program->not_nan != nullptr && !is_index(options.op);
    ending.fails_when_empty = !ending.nan_when_empty;
    if (ending.nan_when_empty) choose_nan(table, *program, folding.result);
  }
  const bool counts = ending.counts || ending.wide_mean || ending.nan_when_empty ||
                      (ending.fails_when_empty && !is_index(options.op));
  if (program->selects() && counts) program->folds.push_back(count_of_bytes(table));

  if (folding.parts) walks.folds.push_back(loop_over_parts(program->item_size));
  forget_index(walks, is_index(options.op), program->may_fail());
  simplify_folds(walks, program->order);
  program->axes = std::move(walks.folds);
  if (src.size() == 0) program->axes.clear();
  if (program->axes.empty()) program->axes.emplace_back();
  if (src.size() == 0) program->axes[0].n = 0;

  impl->may_fail = program->may_fail();
  impl->nest = std::move(walks.kept);
  drop_size_one(impl->nest);
  flip_negative(impl->nest);
  sort_by_step(impl->nest);
  coalesce(impl->nest);
  choose_way(*program, impl->nest);
  program->direct = program->direct && reads_directly(*program, impl->nest);

  program->store =
      make_program(table, packed_element(folding.result), element_of(to), ConvertRules{});
  if (program->store.staged()) program->store.move_in = nullptr;
  impl->reduce = std::move(program);
  impl->bytes_moved = src.size() * from.itemsize;
  impl->one_call = whole_call_of(*impl);
  return impl;
}

}  // namespace stridecast::internal
