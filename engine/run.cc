// The run: what is checked before the first byte, the order of operands that overlap, threads. The
// only file with OpenMP.
//
// Kernels report errors as bits and never stop. A run that saw bits stops at its next chunk, and
// check_pass.h then names the first bad element; so the answer does not depend on threads, chunks
// or loop order.

#include "engine/run.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <numeric>
#include <optional>

#include "engine/check_pass.h"
#include "engine/first_failure.h"
#include "engine/indirect.h"
#include "engine/overlap.h"
#include "engine/pipeline.h"
#include "engine/planner.h"
#include "engine/reduce_run.h"
#include "engine/runtime.h"
#include "kernels/fp_environment.h"
#include "stridecast/ops.h"

namespace stridecast::internal {
namespace {

// From this size on a destination outgrows the caches that its reader could find it in. A
// transposed one costs more when it does: its lines come back for every panel.
constexpr int64_t kStreamBytes = int64_t{16} << 20;
constexpr int64_t kStreamTileBytes = int64_t{12} << 20;
// Waking a thread costs some microseconds: a share below this is not worth it.
constexpr int64_t kMinThreadBytes = int64_t{256} << 10;
// Steps of the search for a byte that two operands share: some ten microseconds at most.
constexpr int64_t kOverlapWork = 1000;

std::atomic<int64_t> g_test_chunk_items{0};
std::atomic<int64_t> g_test_min_thread_bytes{0};
std::atomic<int> g_threads_in_use{0};

// --- threads -------------------------------------------------------------------------------------

// Where the work is cut for threads.
struct Cut {
  size_t which;   // of the nest's loops
  int64_t grain;  // turns that stay together
};

// The loop that walks the destination in the largest steps and has enough turns, so that every
// thread writes a part of its own; cut at multiples of a page if there are many pages, else of a
// line, so that threads share no line.
Cut choose_cut(const LoopNest& nest, int threads) {
  constexpr int64_t kPage = 4096, kLine = 64;
  const auto reach = [](const Loop& loop) {
    return loop.step[kDst] < 0 ? 0 - static_cast<uint64_t>(loop.step[kDst])
                               : static_cast<uint64_t>(loop.step[kDst]);
  };
  const std::vector<Loop>& loops = nest.loops;
  size_t which = 0;
  for (size_t k = 1; k < loops.size(); ++k) {
    const bool enough = loops[k].n >= int64_t{4} * threads;
    const bool had_enough = loops[which].n >= int64_t{4} * threads;
    const bool better = enough == had_enough ? (enough ? reach(loops[k]) > reach(loops[which])
                                                       : loops[k].n > loops[which].n)
                                             : enough;
    if (better) which = k;
  }
  const auto step = static_cast<int64_t>(std::min<uint64_t>(reach(loops[which]), INT64_MAX));
  for (const int64_t unit : {kPage, kLine}) {
    const int64_t grain = unit / std::gcd(step, unit);
    if (loops[which].n / grain >= int64_t{16} * threads) return {which, grain};
  }
  return {which, 1};
}

uint32_t run_part(const Plan::Impl& plan, const LoopNest& nest, const Cursor& at,
                  const RunContext& context) {
  const uint32_t errors = run_nest(plan, nest, at, context);
  if ((context.flags & SC_RUN_STREAM) != 0) plan.table->flush_streams();
  return errors;
}

uint32_t run_parallel(const Plan::Impl& plan, int threads, const Cursor& at, uint32_t flags,
                      const RunOptions& options) {
  const Cut cut = choose_cut(plan.nest, threads);
  const int64_t n = plan.nest.loops[cut.which].n;
  const int64_t grains = (n + cut.grain - 1) / cut.grain;
  const int parts = static_cast<int>(std::min<int64_t>(threads, grains));
  std::atomic<uint32_t> errors{0};
  run_tasks(options, parts, parts, [&](int part) {
    const int64_t begin = grains * part / parts * cut.grain;
    const int64_t end = std::min(n, grains * (part + 1) / parts * cut.grain);
    const uint32_t bits = run_part(plan, split(plan.nest, cut.which, begin, end), at,
                                   RunContext{.flags = flags, .errors = &errors});
    if (bits != 0) errors.fetch_or(bits, std::memory_order_relaxed);
  });
  return errors.load();
}

// --- before the first byte -----------------------------------------------------------------------

bool inside(const Extent& extent, const Operand& operand) {
  return extent.lowest >= operand.lowest && extent.highest <= operand.highest;
}

// By extents alone. Distances between unrelated pointers, as integers.
bool apart(const Layout& a, const void* a_data, const Layout& b, const void* b_data) {
  const auto from = reinterpret_cast<intptr_t>(a_data), to = reinterpret_cast<intptr_t>(b_data);
  const Extent p = a.extent(), q = b.extent();
  if (p.lowest == p.highest || q.lowest == q.highest) return true;  // nothing there to share
  return from + p.highest <= to + q.lowest || to + q.highest <= from + p.lowest;
}

Items items_of(const Layout& layout, const void* data) {
  return {reinterpret_cast<intptr_t>(data) + layout.offset(), layout.shape(), layout.strides(),
          layout.format().itemsize()};
}

// By items.
bool shares(const Layout& a, const void* a_data, const Layout& b, const void* b_data) {
  return !apart(a, a_data, b, b_data) &&
         share_memory(items_of(a, a_data), items_of(b, b_data), kOverlapWork) != Answer::kNo;
}

// Equal shapes and strides, axes of size 1 left out.
bool same_walk(const Layout& a, const Layout& b) {
  const auto next = [](const Layout& layout, int axis) {
    while (axis < layout.ndim() && layout.shape()[axis] == 1) ++axis;
    return axis;
  };
  int i = next(a, 0), k = next(b, 0);
  while (i < a.ndim() && k < b.ndim()) {
    if (a.shape()[i] != b.shape()[k] || a.strides()[i] != b.strides()[k]) return false;
    i = next(a, i + 1);
    k = next(b, k + 1);
  }
  return i == a.ndim() && k == b.ndim();
}

bool same_memory(const Plan::Impl& plan, const char* src, const char* dst) {
  return src + plan.src.offset() == dst + plan.dst.offset() && same_walk(plan.src, plan.dst);
}

// --- operands that share memory ------------------------------------------------------------------

// All loops the other way round.
void reverse(LoopNest& nest) {
  for (Loop& loop : nest.loops) {
    for (int k = 0; k < kNumOperands; ++k) {
      nest.offset[k] += loop.step[k] * (loop.n - 1);
      loop.step[k] = -loop.step[k];
    }
  }
}

// The rows of the plan in an order in which every item is read before it is overwritten; false if
// there is none.
bool find_safe_order(const Plan::Impl& plan, const Cursor& at, LoopNest& nest) {
  if (plan.where) return false;
  nest = nest_of_rows(plan);
  int64_t src_size = plan.src.format().itemsize(), dst_size = plan.dst.format().itemsize();
  intptr_t src_first = reinterpret_cast<intptr_t>(at.src) + nest.offset[kSrc];
  intptr_t dst_first = reinterpret_cast<intptr_t>(at.dst) + nest.offset[kDst];
  if (plan.leaves.size() == 1) {  // its elements are the items of these loops
    const LeafProgram& leaf = plan.leaves[0];
    if (leaf.zero) return true;
    src_size = leaf.src_size;
    dst_size = leaf.dst_size;
    src_first += leaf.src_offset;
    dst_first += leaf.dst_offset;
  }
  const SafeOrder order = safe_order(nest, src_first, src_size, dst_first, dst_size);
  if (order == SafeOrder::kBackward) reverse(nest);
  return order != SafeOrder::kNone;
}

// A source of its own: no larger than what it stands for, axes without a stride once.
Array copy_of_source(const Layout& src, const void* data) {
  std::vector<int64_t> shape(src.shape().begin(), src.shape().end());
  for (int axis = 0; axis < src.ndim(); ++axis) {
    if (src.strides()[axis] == 0 && shape[axis] > 1) shape[axis] = 1;
  }
  const Layout once = Layout::strided(src.format(), shape,
                                      {src.strides().begin(), src.strides().end()}, src.offset());
  return copy(once, data, Order::kKeep);
}

// The copy as the source was: axes without a stride at their full length again.
Layout layout_of_copy(const Layout& src, const Layout& once) {
  std::vector<int64_t> strides(once.strides().begin(), once.strides().end());
  for (int axis = 0; axis < src.ndim(); ++axis) {
    if (src.shape()[axis] != once.shape()[axis]) strides[axis] = 0;
  }
  return Layout::strided(src.format(), {src.shape().begin(), src.shape().end()}, strides);
}

RunStatus run_from_copy(const Plan::Impl& plan, const Cursor& at, const Operand& where,
                        RunOptions options) {
  options.overlap = OverlapPolicy::kRefuse;  // the copy shares nothing
  const Array array = copy_of_source(plan.src, at.src);
  const Layout layout = layout_of_copy(plan.src, array.layout);
  const auto replan = [&] {
    if (plan.kind == PlanKind::kByteswap) return plan_byteswap(layout, plan.dst);
    if (const auto& scaled = plan.leaves[0].scaling; scaled != nullptr) {
      return plan_scaled(scaled->way, layout, plan.dst, scaled->scaling, plan.options);
    }
    if (const auto& epoch = plan.leaves[0].epoch; epoch != nullptr) {
      return plan_epoch(epoch->decodes, layout, plan.dst, epoch->units, epoch->missing,
                        plan.options);
    }
    return plan_convert(layout, plan.dst, plan.where ? &*plan.where : nullptr, plan.options);
  };
  const auto inner = replan();
  const int64_t first_item = plan.draws > 0 ? at.index / plan.draws - plan.options.index_offset : 0;
  return run_plan(*inner, {array.data.get()}, {at.dst}, where, options, first_item);
}

// --- conversions ---------------------------------------------------------------------------------

bool streams(const Plan::Impl& plan, Stream option) {
  if (option != Stream::kAuto) return option == Stream::kAlways;
  const bool tiles = plan.leaves.size() == 1 && plan.leaves[0].shape == Shape::kTiles;
  return plan.dst.size() * plan.dst.format().itemsize() >=
         (tiles ? kStreamTileBytes : kStreamBytes);
}

// Of a run that a kernel ended with SC_ERR_STOP: what is known without asking it again.
RunStatus stopped_status(const Plan::Impl& plan, uint32_t errors) {
  RunStatus status = failure(StatusCode::kDataError);
  status.error_bits = errors;
  if (plan.dst.size() == 1) status.index = plan.options.index_offset;
  const auto asks = [](const LeafProgram& leaf) { return leaf.route.needs_gil(); };
  if (std::ranges::count_if(plan.leaves, asks) == 1) {
    status.field = static_cast<int>(std::ranges::find_if(plan.leaves, asks) - plan.leaves.begin());
  }
  return status;
}

// Whether kernels run that calculate, rather than moves alone.
bool calculates(const Plan::Impl& plan) {
  return std::ranges::any_of(plan.leaves, &LeafProgram::staged);
}

// Of a run that gave these error bits.
RunStatus failed_status(const Plan::Impl& plan, const Cursor& at, uint32_t errors) {
  if ((errors & SC_ERR_STOP) != 0) return stopped_status(plan, errors);
  RunStatus status = check_only(plan, at);
  if (status.ok()) {
    // Somebody else changed the source meanwhile: the run stopped all the same.
    status.code = StatusCode::kDataError;
    status.error_bits = errors;
  }
  return status;
}

// Operands apart, one thread, stores as they come.
uint32_t run_one_call(const OneCall& call, const Cursor& at) {
  const char* const src = at.src + call.src_offset;
  char* const dst = at.dst + call.dst_offset;
  if (call.copied > 0) {
    std::memcpy(dst, src, static_cast<size_t>(call.copied));
    return 0;
  }
  sc_run run = call.run;
  run.src = src;
  run.dst = dst;
  if (!call.calculates) return call.kernel(&run);
  const kernels::DefaultFloatEnvironment environment;
  return call.kernel(&run);
}

RunStatus run_convert(const Plan::Impl& plan, const Cursor& at, const Operand& where,
                      const RunOptions& options) {
  bool overlap =
      !apart(plan.src, at.src, plan.dst, at.dst) && shares(plan.src, at.src, plan.dst, at.dst);
  const bool in_place = overlap && plan.same_memory_ok && same_memory(plan, at.src, at.dst);
  LoopNest rows;
  if (overlap && !in_place && !find_safe_order(plan, at, rows)) {
    if (options.overlap == OverlapPolicy::kRefuse) return failure(StatusCode::kOverlap);
    return run_from_copy(plan, at, where, options);
  }
  std::optional<kernels::DefaultFloatEnvironment> environment;
  if (calculates(plan)) environment.emplace();
  // A bad element could be overwritten before it is named: look first.
  if (overlap && plan.may_fail) {
    if (const RunStatus status = check_only(plan, at); !status.ok()) return status;
  }
  uint32_t errors = 0;
  if (overlap && !in_place) {
    errors = run_nest(plan, rows, at, RunContext{.way = Way::kApart});
  } else {
    uint32_t flags = in_place ? SC_RUN_IN_PLACE : 0;
    if (!in_place && streams(plan, options.stream)) flags |= SC_RUN_STREAM;
    const int threads = plan.needs_gil ? 1 : thread_count(options, plan.bytes_moved);
    errors = threads > 1 && !plan.nest.loops.empty()
                 ? run_parallel(plan, threads, at, flags, options)
                 : run_part(plan, plan.nest, at, RunContext{.flags = flags});
  }
  return errors == 0 ? RunStatus{} : failed_status(plan, at, errors);
}

}  // namespace

RunStatus run_plan(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                   const Operand& where, const RunOptions& options, int64_t first_item) noexcept {
  if (plan.indirect != nullptr) return run_indirect(plan, src, dst, where, options);
  if (!inside(plan.src.extent(), src)) return failure(StatusCode::kTooSmall, 0);
  if (!inside(plan.dst.extent(), dst)) return failure(StatusCode::kTooSmall, 1);
  if (plan.empty) return RunStatus{};
  if (plan.where && (where.data == nullptr || !inside(plan.where->extent(), where))) {
    return failure(StatusCode::kTooSmall, 2);
  }
  Cursor at;
  at.src = static_cast<const char*>(src.data);
  at.dst = static_cast<char*>(dst.data);
  at.index = (plan.options.index_offset + first_item) * plan.draws;
  try {
    if (plan.one_call.kernel != nullptr && options.threads <= 1 &&
        options.stream != Stream::kAlways && apart(plan.src, at.src, plan.dst, at.dst)) {
      const uint32_t errors = run_one_call(plan.one_call, at);
      return errors == 0 ? RunStatus{} : failed_status(plan, at, errors);
    }
    if (plan.where) {
      at.mask = static_cast<const char*>(where.data);
      if (shares(*plan.where, at.mask, plan.dst, at.dst)) return failure(StatusCode::kOverlap, 2);
    }
    if (plan.kind == PlanKind::kTimeFields && !apart(plan.src, at.src, plan.dst, at.dst)) {
      return failure(StatusCode::kOverlap);
    }
    if (plan.kind == PlanKind::kReduce) {
      if (!apart(plan.src, at.src, plan.dst, at.dst)) return failure(StatusCode::kOverlap);
      return run_reduce(plan, at, options);
    }
    return run_convert(plan, at, where, options);
  } catch (const std::bad_alloc&) {
    return failure(StatusCode::kOutOfMemory);
  } catch (const Error&) {  // of a plan or an array that run_from_copy makes
    return failure(StatusCode::kOutOfMemory);
  } catch (...) {
    return failure(StatusCode::kPoolFailed);
  }
}

int thread_count(const RunOptions& options, int64_t bytes) {
  if (options.threads <= 1 || in_forked_child()) return 1;
  const int64_t forced = g_test_min_thread_bytes.load(std::memory_order_relaxed);
  const int64_t share = forced > 0 ? forced : kMinThreadBytes;
  return static_cast<int>(std::clamp<int64_t>(bytes / share, 1, options.threads));
}

namespace {

// The runs of one process share the maximum: a run takes at most what the others leave, at least
// one.
int take_threads(int wanted) {
  const int limit = std::max(openmp_max_threads(), wanted);
  int used = g_threads_in_use.load(std::memory_order_relaxed);
  int granted;
  do {
    granted = std::clamp(limit - used, 1, wanted);
  } while (
      !g_threads_in_use.compare_exchange_weak(used, used + granted, std::memory_order_relaxed));
  return granted;
}

struct PoolFailed {};

}  // namespace

void run_tasks(const RunOptions& options, int threads, int count,
               const std::function<void(int)>& task) {
  std::atomic<bool> out_of_memory{false};
  const auto guarded = [&](int i) {
    const kernels::DefaultFloatEnvironment environment;
    try {
      task(i);
    } catch (const std::bad_alloc&) {
      out_of_memory.store(true, std::memory_order_relaxed);
    }
  };
  if (options.parallel_for) {
    try {
      options.parallel_for(count, guarded);
    } catch (...) {
      throw PoolFailed();  // whatever it was, it is not ours
    }
  } else {
    const int granted = take_threads(threads);
#pragma omp parallel for schedule(dynamic, 1) num_threads(granted)
    for (int i = 0; i < count; ++i) guarded(i);
    g_threads_in_use.fetch_sub(granted, std::memory_order_relaxed);
  }
  if (out_of_memory.load()) throw std::bad_alloc();
}

int openmp_max_threads() noexcept { return omp_get_max_threads(); }
int openmp_version() noexcept { return _OPENMP; }

void set_test_chunk_items(int64_t items) { g_test_chunk_items.store(items); }
int64_t test_chunk_items() { return g_test_chunk_items.load(std::memory_order_relaxed); }
void set_test_min_thread_bytes(int64_t bytes) { g_test_min_thread_bytes.store(bytes); }

}  // namespace stridecast::internal
