// The run: loops, chunks, threads, and the search for the first bad element. The only file with
// OpenMP.
//
// A leaf without stages hands whole rectangles to one move kernel. A leaf with stages passes chunks
// of a few hundred items through move_in -> stages -> move_out, ping-pong between two scratch
// buffers that stay in L1; where the source or the destination lies packed, the stage next to it
// reads or writes it in place, and one stage between two packed sides gets the whole run at once.
//
// Kernels report errors as bits and never stop. A run that saw bits stops at its next chunk and
// then walks the source once more in logical order, with scratch for a destination, to name the
// first bad element; so the answer does not depend on threads, chunks or loop order.

#include "engine/run.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "dtypes/scalar_text.h"
#include "engine/reduce_run.h"
#include "engine/runtime.h"
#include "engine/walk.h"
#include "kernels/fp_environment.h"

namespace stridecast::internal {
namespace {

constexpr int64_t kMaxItemBytes = 8;  // of an arithmetic element
constexpr int64_t kScratchItems = 512;
// Items of structs that are converted leaf after leaf while their bytes are in L1.
constexpr int64_t kStructItems = 256;
// From this size on a destination outgrows the caches that its reader could find it in.
constexpr int64_t kStreamBytes = int64_t{16} << 20;
// Waking a thread costs some microseconds: a share below this is not worth it.
constexpr int64_t kMinThreadBytes = int64_t{256} << 10;

std::atomic<int64_t> g_test_chunk_items{0};
std::atomic<int64_t> g_test_min_thread_bytes{0};
std::atomic<int> g_threads_in_use{0};

struct Scratch {
  alignas(64) char bytes[2][kScratchItems * kMaxItemBytes];
};

sc_run make_run(int64_t rows, int64_t columns, const void* src, const Loop& row, const Loop& column,
                void* dst) {
  sc_run run = {};
  run.struct_size = sizeof(sc_run);
  run.n[0] = rows;
  run.n[1] = columns;
  run.src = src;
  run.src_step[0] = row.step[kSrc];
  run.src_step[1] = column.step[kSrc];
  run.dst = dst;
  run.dst_step[0] = row.step[kDst];
  run.dst_step[1] = column.step[kDst];
  return run;
}

// One leaf's stages with the runs that live across chunks. kCheck: every item is gathered, nothing
// is written, and the stages end with the last one that can fail.
template <bool kCheck>
class Pipeline {
 public:
  Pipeline(const LeafProgram& leaf, const Loop& row, const Loop& column, Scratch& scratch,
           const RunContext& context)
      : leaf_(leaf),
        scratch_(scratch),
        move_in_(kCheck ? leaf.gather : leaf.move_in),
        move_out_(kCheck ? nullptr : leaf.move_out),
        stages_(leaf.route.count),
        flags_(context.flags) {
    const auto one_run = [&](Operands side) {
      return row.step[side] == Rectangle::one_past(column, side);
    };
    rectangles_ =
        (move_in_ != nullptr || one_run(kSrc)) && (kCheck || move_out_ != nullptr || one_run(kDst));
    if (kCheck) {
      while (stages_ > 0 && !leaf.route.stages[stages_ - 1].may_fail()) --stages_;
    }
    if (move_in_ != nullptr) {
      in_ = make_run(1, 1, nullptr, row, column, nullptr);
      in_.dst_step[1] = leaf.src_size;
      in_.src_size = in_.dst_size = leaf.src_size;
      in_.params = &leaf.swap_in;
    }
    stage_.struct_size = sizeof(sc_run);
    stage_.n[0] = 1;
    if (move_out_ != nullptr) {
      out_ = make_run(1, 1, nullptr, row, column, nullptr);
      out_.src_step[1] = leaf.dst_size;
      out_.src_size = out_.dst_size = leaf.dst_size;
      out_.params = &leaf.swap_out;
    }
  }

  // Items that may pass in one chunk(): all of a row if no scratch is needed.
  int64_t limit(int64_t columns) const {
    const bool no_scratch = move_in_ == nullptr && move_out_ == nullptr && stages_ == 1;
    return no_scratch ? columns : leaf_.chunk_items;
  }
  // Several rows may pass as one chunk: each side is moved, or its rows follow each other.
  bool takes_rectangles() const { return rectangles_; }

  uint32_t chunk(int64_t rows, int64_t columns, const char* src, char* dst) {
    int turn = 0;
    const void* at = src;
    if (move_in_ != nullptr) {
      in_.n[0] = rows;
      in_.n[1] = columns;
      in_.src = src;
      in_.dst = scratch_.bytes[turn];
      in_.dst_step[0] = columns * leaf_.src_size;
      move_in_->run(&in_);
      at = scratch_.bytes[turn];
      turn ^= 1;
    }
    uint32_t errors = 0;
    int64_t size = leaf_.src_size;
    for (int k = 0; k < stages_; ++k) {
      const Stage& stage = leaf_.route.stages[k];
      const int64_t out_size = type_facts(stage.out).size;
      const bool last = k + 1 == leaf_.route.count && move_out_ == nullptr && !kCheck;
      // Streaming past the caches is for the destination, never for scratch.
      stage_.flags = last ? flags_ : flags_ & ~uint32_t{SC_RUN_STREAM};
      stage_.n[1] = rows * columns;
      stage_.src = at;
      stage_.src_step[1] = stage_.src_size = size;
      stage_.dst = last ? static_cast<void*>(dst) : scratch_.bytes[turn];
      stage_.dst_step[1] = stage_.dst_size = out_size;
      stage_.params = &stage.limits;
      errors |= stage.entry->run(&stage_);
      if (!stage.writes()) continue;
      at = stage_.dst;
      size = out_size;
      turn ^= 1;
    }
    if (move_out_ != nullptr) {
      out_.n[0] = rows;
      out_.n[1] = columns;
      out_.src = at;
      out_.src_step[0] = columns * leaf_.dst_size;
      out_.dst = dst;
      move_out_->run(&out_);
    }
    return errors;
  }

 private:
  const LeafProgram& leaf_;
  Scratch& scratch_;
  const sc_entry* move_in_;
  const sc_entry* move_out_;
  int stages_;
  uint32_t flags_;
  bool rectangles_;
  sc_run in_, stage_ = {}, out_;
};

template <bool kCheck>
uint32_t run_stages(const LeafProgram& leaf, std::span<const Loop> loops, const char* src,
                    char* dst, const RunContext& context) {
  Scratch scratch;
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  Pipeline<kCheck> pipeline(leaf, rect.row, rect.column, scratch, context);
  const int64_t limit = pipeline.limit(rect.column.n);
  const bool whole_rows = pipeline.takes_rectangles() && rect.column.n <= limit;
  const int64_t rows = whole_rows ? std::max<int64_t>(limit / rect.column.n, 1) : 1;
  uint32_t errors = 0;
  walk(rect.outer, {src, dst}, [&](const Cursor& at) {
    for (int64_t r = 0; r < rect.row.n; r += rows) {
      const int64_t height = std::min(rows, rect.row.n - r);
      const char* row_src = at.src + r * rect.row.step[kSrc];
      char* row_dst = kCheck ? nullptr : at.dst + r * rect.row.step[kDst];
      for (int64_t c = 0; c < rect.column.n; c += limit) {
        const int64_t width = std::min(limit, rect.column.n - c);
        errors |= pipeline.chunk(height, width, row_src + c * rect.column.step[kSrc],
                                 kCheck ? nullptr : row_dst + c * rect.column.step[kDst]);
        if (errors != 0 || context.stopped()) return false;
      }
    }
    return true;
  });
  return errors;
}

uint32_t run_move(const LeafProgram& leaf, std::span<const Loop> loops, const char* src, char* dst,
                  const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  sc_run run = make_run(rect.row.n, rect.column.n, src, rect.row, rect.column, dst);
  run.flags = context.flags;
  run.src_size = run.dst_size = leaf.src_size;
  run.params = &leaf.swap_out;
  const sc_kernel kernel = leaf.move_out->run;
  walk(rect.outer, {src, dst}, [&](const Cursor& at) {
    run.src = at.src;
    run.dst = at.dst;
    kernel(&run);
    return true;
  });
  return 0;
}

// Structs: rectangles of items, every leaf in turn, so that an item's bytes are read once from
// memory.
uint32_t run_structs(const Plan::Impl& plan, std::span<const Loop> loops, const char* src,
                     char* dst, const RunContext& context) {
  const Rectangle rect(loops, plan.src.format().itemsize(), plan.dst.format().itemsize());
  uint32_t errors = 0;
  std::vector<Loop> leaf_loops;
  leaf_loops.reserve(kMaxLoops);
  walk(rect.outer, {src, dst}, [&](const Cursor& at) {
    for (int64_t r = 0; r < rect.row.n; ++r) {
      for (int64_t c = 0; c < rect.column.n; c += kStructItems) {
        const char* at_src = at.src + r * rect.row.step[kSrc] + c * rect.column.step[kSrc];
        char* at_dst = at.dst + r * rect.row.step[kDst] + c * rect.column.step[kDst];
        for (const LeafProgram& leaf : plan.leaves) {
          leaf_loops.assign(1, rect.column);
          leaf_loops[0].n = std::min(kStructItems, rect.column.n - c);
          leaf_loops.insert(leaf_loops.end(), leaf.inner.begin(), leaf.inner.end());
          errors |= run_leaf(leaf, leaf_loops, at_src + leaf.src_offset, at_dst + leaf.dst_offset,
                             context);
        }
        if (errors != 0 || context.stopped()) return false;
      }
    }
    return true;
  });
  return errors;
}

uint32_t run_window(const Plan::Impl& plan, const LoopNest& nest, const char* src, char* dst,
                    const RunContext& context) {
  src += nest.offset[kSrc];
  dst += nest.offset[kDst];
  if (plan.leaves.size() != 1) return run_structs(plan, nest.loops, src, dst, context);
  const LeafProgram& leaf = plan.leaves[0];
  return run_leaf(leaf, nest.loops, src + leaf.src_offset, dst + leaf.dst_offset, context);
}

// Where the work is cut for threads: the outermost loop that has enough turns, else the longest. A
// cut through the innermost loop falls on multiples of 64 items, so that threads share no
// destination line.
struct Cut {
  size_t which;
  int64_t grain;
};

Cut choose_cut(const LoopNest& nest, int threads) {
  size_t which = 0;
  for (size_t k = 0; k < nest.loops.size(); ++k) {
    if (nest.loops[k].n >= int64_t{4} * threads) {
      which = k;
      break;
    }
    if (nest.loops[k].n > nest.loops[which].n) which = k;
  }
  const bool innermost = which + 1 == nest.loops.size();
  return Cut{which, innermost ? 64 : 1};
}

uint32_t run_parallel(const Plan::Impl& plan, int threads, const char* src, char* dst,
                      uint32_t flags, const RunOptions& options) {
  const Cut cut = choose_cut(plan.nest, threads);
  const int64_t n = plan.nest.loops[cut.which].n;
  const int64_t grains = (n + cut.grain - 1) / cut.grain;
  const int parts = static_cast<int>(std::min<int64_t>(threads, grains));
  std::atomic<uint32_t> errors{0};
  run_tasks(options, parts, parts, [&](int part) {
    const int64_t begin = grains * part / parts * cut.grain;
    const int64_t end = std::min(n, grains * (part + 1) / parts * cut.grain);
    const RunContext context{flags, &errors};
    const uint32_t bits =
        run_window(plan, split(plan.nest, cut.which, begin, end), src, dst, context);
    if (bits != 0) errors.fetch_or(bits, std::memory_order_relaxed);
  });
  return errors.load();
}

// --- the check-only pass -------------------------------------------------------------------------

uint32_t check_items(const LeafProgram& leaf, int64_t n, const Loop& items, const char* src) {
  std::vector<Loop> loops(1, items);
  loops[0].n = n;
  loops.insert(loops.end(), leaf.inner.begin(), leaf.inner.end());
  return run_stages<true>(leaf, loops, src + leaf.src_offset, nullptr, {});
}

// The first bad element of one item, whose leaf is known to hold one.
void describe_bad_element(const LeafProgram& leaf, const char* item, RunStatus& status) {
  walk(leaf.inner, {item + leaf.src_offset}, [&](const Cursor& at) {
    status.error_bits = run_stages<true>(leaf, {}, at.src, nullptr, {});
    if (status.error_bits == 0) return true;
    format_value(leaf.src_type, leaf.src_order, at.src, status.value, sizeof(status.value));
    return false;
  });
}

bool find_bad_item(const Plan::Impl& plan, const Loop& items, const char* src, int64_t index,
                   RunStatus& status) {
  for (int64_t i = 0; i < items.n; ++i) {
    const char* item = src + i * items.step[kSrc];
    for (size_t k = 0; k < plan.leaves.size(); ++k) {
      const LeafProgram& leaf = plan.leaves[k];
      if (!leaf.may_fail() || check_items(leaf, 1, items, item) == 0) continue;
      status.code = StatusCode::kDataError;
      status.index = plan.index_offset + index + i * items.step[kIndex];
      status.field = static_cast<int>(k);
      describe_bad_element(leaf, item, status);
      return true;
    }
  }
  return false;
}

// Names the first bad element of the source in its C order; ok if there is none.
RunStatus check_only(const Plan::Impl& plan, const char* src) {
  RunStatus status;
  const LoopNest& nest = plan.logical_nest;
  Loop items;
  std::span<const Loop> outer = nest.loops;
  if (!outer.empty()) {
    items = outer.back();
    outer = outer.first(outer.size() - 1);
  }
  walk(outer, {src + nest.offset[kSrc]}, [&](const Cursor& row) {
    for (int64_t i = 0; i < items.n; i += kStructItems) {
      Loop part = items;
      part.n = std::min(kStructItems, items.n - i);
      const char* at = row.src + i * items.step[kSrc];
      const bool bad =
          std::any_of(plan.leaves.begin(), plan.leaves.end(), [&](const LeafProgram& leaf) {
            return leaf.may_fail() && check_items(leaf, part.n, part, at) != 0;
          });
      if (bad && find_bad_item(plan, part, at, row.index + i * items.step[kIndex], status))
        return false;
    }
    return true;
  });
  return status;
}

// --- before the first byte -----------------------------------------------------------------------

bool inside(const Extent& extent, const Operand& operand) {
  return extent.lowest >= operand.lowest && extent.highest <= operand.highest;
}

// Distances between unrelated pointers, as integers.
bool disjoint(const Plan::Impl& plan, const Operand& src, const Operand& dst) {
  const auto from = reinterpret_cast<intptr_t>(src.data), to = reinterpret_cast<intptr_t>(dst.data);
  const Extent a = plan.src.extent(), b = plan.dst.extent();
  if (a.lowest == a.highest || b.lowest == b.highest) return true;  // nothing there to share
  return from + a.highest <= to + b.lowest || to + b.highest <= from + a.lowest;
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

bool same_memory(const Plan::Impl& plan, const Operand& src, const Operand& dst) {
  return static_cast<const char*>(src.data) + plan.src.offset() ==
             static_cast<const char*>(dst.data) + plan.dst.offset() &&
         same_walk(plan.src, plan.dst);
}

RunStatus failure(StatusCode code, int64_t index = -1) {
  RunStatus status;
  status.code = code;
  status.index = index;
  return status;
}

RunStatus run_convert(const Plan::Impl& plan, const char* src, char* dst, bool in_place,
                      const RunOptions& options) {
  const kernels::DefaultFloatEnvironment environment;
  // In place a bad element could be overwritten before it is named: look first.
  if (in_place && plan.may_fail) {
    if (const RunStatus status = check_only(plan, src); !status.ok()) return status;
  }
  uint32_t flags = in_place ? SC_RUN_IN_PLACE : 0;
  if (!in_place && plan.dst.size() * plan.dst.format().itemsize() >= kStreamBytes) {
    flags |= SC_RUN_STREAM;
  }
  const int threads = thread_count(options, plan.bytes_moved);
  const uint32_t errors = threads > 1 && !plan.nest.loops.empty()
                              ? run_parallel(plan, threads, src, dst, flags, options)
                              : run_window(plan, plan.nest, src, dst, RunContext{flags});
  if (errors == 0) return RunStatus{};
  RunStatus status = check_only(plan, src);
  if (status.ok()) {
    // Somebody else changed the source meanwhile: the run stopped all the same.
    status.code = StatusCode::kDataError;
    status.error_bits = errors;
  }
  return status;
}

}  // namespace

uint32_t run_leaf(const LeafProgram& leaf, std::span<const Loop> loops, const char* src, char* dst,
                  const RunContext& context) {
  return leaf.staged() ? run_stages<false>(leaf, loops, src, dst, context)
                       : run_move(leaf, loops, src, dst, context);
}

RunStatus run_plan(const Plan::Impl& plan, const Operand& src, const Operand& dst,
                   const RunOptions& options) noexcept {
  if (!inside(plan.src.extent(), src)) return failure(StatusCode::kTooSmall, 0);
  if (!inside(plan.dst.extent(), dst)) return failure(StatusCode::kTooSmall, 1);
  if (plan.empty) return RunStatus{};
  bool in_place = false;
  if (!disjoint(plan, src, dst)) {
    in_place = plan.same_memory_ok && same_memory(plan, src, dst);
    if (!in_place) return failure(StatusCode::kOverlap);
  }
  const char* from = static_cast<const char*>(src.data);
  char* to = static_cast<char*>(dst.data);
  try {
    return plan.kind == PlanKind::kReduce ? run_reduce(plan, from, to, options)
                                          : run_convert(plan, from, to, in_place, options);
  } catch (const std::bad_alloc&) {
    return failure(StatusCode::kOutOfMemory);
  } catch (...) {
    return failure(StatusCode::kPoolFailed);  // nothing else throws but the host's parallel_for
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
    options.parallel_for(count, guarded);
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
