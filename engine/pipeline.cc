// Leaves at work.
//
// A leaf without stages hands whole rectangles to one move kernel, or blocks of them to a tile
// kernel. A leaf with stages passes chunks of a few hundred items through move_in -> stages ->
// move_out, ping-pong between two scratch buffers that stay in L1; where the source or the
// destination lies packed, the stage next to it reads or writes it in place, and one stage between
// two packed sides gets the whole run at once. Masks, overlapping operands and tiles past the
// caches put another kernel at an end of the same pipeline.

#include "engine/pipeline.h"

#include <algorithm>
#include <vector>

#include "engine/blocks.h"
#include "engine/chunk.h"
#include "engine/struct_program.h"

namespace stridecast::internal {
namespace {

// What a struct without a field is read from.
alignas(64) constexpr char kZeros[64] = {};

// --- rows ----------------------------------------------------------------------------------------

// The move of a rectangle, without pointers.
sc_run move_of(const LeafProgram& leaf, const Rectangle& rect) {
  sc_run run = strided_run(rect.row, rect.column);
  run.n[0] = rect.row.n;
  run.n[1] = rect.column.n;
  run.src_size = run.dst_size = leaf.src_size;
  run.params = &leaf.swap_out;
  return run;
}

uint32_t run_move(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
                  const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  sc_run run = move_of(leaf, rect);
  run.flags = context.flags;
  const bool select = start.mask != nullptr;
  const sc_kernel kernel = select ? leaf.select->run : leaf.move_out->run;
  walk(rect.outer, start, [&](const Cursor& at) {
    run.src = at.src;
    run.dst = at.dst;
    run.aux[0] = at.mask;
    kernel(&run);
    return true;
  });
  return 0;
}

// Whether run_stage does the leaf.
bool is_direct(const LeafProgram& leaf) {
  const bool no_moves =
      leaf.route.count == 1 && leaf.move_in == nullptr && leaf.move_out == nullptr;
  return no_moves || leaf.fused != nullptr;
}

sc_kernel kernel_of_stage(const LeafProgram& leaf) {
  return leaf.fused != nullptr ? leaf.fused->run : leaf.route.stages[0].entry->run;
}

// The stage of one row of a rectangle, without pointers.
sc_run stage_of(const LeafProgram& leaf, const Rectangle& rect) {
  const Stage& stage = leaf.route.stages[0];
  sc_run run = {};
  run.struct_size = sizeof(sc_run);
  run.n[0] = stage.rows;
  run.n[1] = rect.column.n * stage.lanes;
  run.src_size = leaf.src_size / stage.lanes;
  run.src_step[1] = leaf.fused != nullptr ? rect.column.step[kSrc] : run.src_size;
  run.dst_step[0] = leaf.row_step;
  run.dst_step[1] = run.dst_size = leaf.dst_size / stage.lanes;
  run.params = stage.params();
  return run;
}

// One stage between two sides that lie packed in rows, or a fused one from items at any step: no
// scratch, the kernel gets whole rows.
uint32_t run_stage(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
                   const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  const Stage& stage = leaf.route.stages[0];
  const sc_kernel kernel = kernel_of_stage(leaf);
  sc_run run = stage_of(leaf, rect);
  run.flags = context.flags;
  if ((run.flags & SC_RUN_STREAM) != 0) run.flags |= SC_RUN_FETCH;
  if (leaf.draws > 0 && (stage.entry->needs & SC_NEEDS_INDEX) != 0) {
    number_items(run, {1, 0}, {rect.column.n, rect.column.step[kIndex]}, stage.lanes);
  }
  uint32_t errors = 0;
  walk(rect.outer, start, [&](const Cursor& outer) {
    Cursor at = outer;
    for (int64_t r = 0; r < rect.row.n; ++r) {
      run.src = at.src + leaf.fused_offset;
      run.dst = at.dst;
      run.index = at.index;
      if (stage.scales()) leaf.scaling->aim(run, at.param, 0, rect.column.step[kParam]);
      errors |= kernel(&run);
      if (errors != 0 || context.stopped()) return false;
      if (r + 1 < rect.row.n) at.advance(rect.row, 1);
    }
    return true;
  });
  return errors;
}

uint32_t run_rows(const LeafProgram& leaf, const Ends& ends, std::span<const Loop> loops,
                  const Cursor& start, const Buffers& buffers, const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  Pipeline pipeline(leaf, ends, rect.row, rect.column, buffers, context);
  const int64_t limit = pipeline.limit(rect.column.n);
  const bool whole_rows = pipeline.takes_rectangles() && rect.column.n <= limit;
  const int64_t rows = whole_rows ? std::max<int64_t>(limit / rect.column.n, 1) : 1;
  uint32_t errors = 0;
  walk(rect.outer, start, [&](const Cursor& outer) {
    for (int64_t r = 0; r < rect.row.n; r += rows) {
      Cursor at = outer;
      at.advance(rect.row, r);
      const int64_t height = std::min(rows, rect.row.n - r);
      for (int64_t c = 0; c < rect.column.n; c += limit) {
        const int64_t width = std::min(limit, rect.column.n - c);
        errors |= pipeline.chunk(height, width, at);
        if (errors != 0 || context.stopped()) return false;
        if (c + width < rect.column.n) at.advance(rect.column, width);
      }
    }
    return true;
  });
  return errors;
}

// --- structs -------------------------------------------------------------------------------------

// From this size on items come from memory: the next block is fetched while one is written.
constexpr int64_t kFetchBytes = int64_t{2} << 20;

// Rectangles of items in blocks, so that an item's bytes are read once from memory: the fields that
// the plan takes together, and every other leaf in turn. Items that overlap the destination are
// taken out of its way first, a block at a time, and go leaf after leaf.
class StructWalk {
 public:
  StructWalk(const Plan::Impl& plan, const RunContext& context)
      : plan_(plan), context_(context), item_(plan.src.format().itemsize()) {
    loops_.reserve(kMaxLoops);
    if (context.way == Way::kApart) {
      const int64_t capacity = std::max(item_, kBlockBytes);
      block_items_ = std::min(kStructItems, capacity / item_);
      apart_memory_ = Workspace(Room::kApart, capacity);
      apart_ = apart_memory_.data();
      context_.way = Way::kPlanned;
    } else if (plan.together != nullptr &&
               ((context.flags & SC_RUN_IN_PLACE) == 0 || plan.together->in_place_ok)) {
      together_ = plan.together.get();
      block_items_ = together_->items;
      if (together_->scratch_bytes > 0) {
        columns_memory_ = Workspace(Room::kColumns, together_->scratch_bytes);
        columns_ = columns_memory_.data();
      }
      if (plan.bytes_moved >= kFetchBytes) fetches_ = fetching_pass(*together_);
    }
  }

  uint32_t run(std::span<const Loop> loops, const Cursor& start) {
    const Rectangle rect(loops, item_, plan_.dst.format().itemsize());
    uint32_t errors = 0;
    walk(rect.outer, start, [&](const Cursor& outer) {
      for (int64_t r = 0; r < rect.row.n; ++r) {
        for (int64_t c = 0; c < rect.column.n; c += block_items_) {
          Cursor at = outer;
          at.advance(rect.row, r);
          at.advance(rect.column, c);
          Loop items = rect.column;
          items.n = std::min(block_items_, rect.column.n - c);
          errors |= run_items(items, at);
          if (errors != 0 || context_.stopped()) return false;
        }
      }
      return true;
    });
    return errors;
  }

 private:
  // The one that fetches: the first that takes source items to the destination; where everything is
  // converted, the first that takes them to columns.
  static const ShufflePass* fetching_pass(const StructProgram& program) {
    const ShufflePass& join = program.join.front();
    return join.from[0].column < 0 ? &join : &program.split.front();
  }

  uint32_t run_items(Loop items, Cursor at) {
    if (apart_ != nullptr) {
      const Loop none = {};
      sc_run move = strided_run(none, items);
      move.n[0] = 1;
      move.n[1] = items.n;
      move.src = at.src;
      move.dst = apart_;
      move.dst_step[1] = move.src_size = move.dst_size = item_;
      plan_.table->move[kernels::move_index(item_)].run(&move);
      at.src = apart_;
      items.step[kSrc] = item_;
    }
    uint32_t errors = 0;
    if (together_ != nullptr) {
      errors = run_together(items, at);
      for (const size_t k : together_->others) errors |= run_one(plan_.leaves[k], items, at);
    } else {
      for (const LeafProgram& leaf : plan_.leaves) errors |= run_one(leaf, items, at);
    }
    return errors;
  }

  uint32_t run_one(const LeafProgram& leaf, const Loop& items, const Cursor& at) {
    loops_.assign(1, items);
    loops_.insert(loops_.end(), leaf.inner.begin(), leaf.inner.end());
    Cursor element = at;
    element.src = leaf.zero ? kZeros : at.src + leaf.src_offset;
    element.dst = at.dst + leaf.dst_offset;
    element.index += leaf.first_draw;
    if (leaf.zero) loops_[0].step[kSrc] = 0;
    return run_leaf(leaf, loops_, element, context_);
  }

  uint32_t run_together(const Loop& items, const Cursor& at) {
    uint32_t errors = 0;
    for (const ShufflePass& pass : together_->split) shuffle(pass, items, at);
    for (const Column& column : together_->columns) {
      Loop elements;
      elements.n = items.n * column.elements;
      elements.step[kSrc] = column.leaf.src_size;
      elements.step[kDst] = column.leaf.dst_size;
      Cursor packed;
      packed.src = columns_ + column.in;
      packed.dst = columns_ + column.out;
      errors |= run_leaf(column.leaf, {&elements, 1}, packed, RunContext{});
    }
    if (errors != 0) return errors;  // what a column holds then is no value
    for (const ShufflePass& pass : together_->join) shuffle(pass, items, at);
    return errors;
  }

  void shuffle(const ShufflePass& pass, const Loop& items, const Cursor& at) const {
    const auto source = [&](const Stream& from) {
      return from.column < 0 ? at.src + from.offset
                             : columns_ + together_->columns[static_cast<size_t>(from.column)].out +
                                   from.offset;
    };
    sc_run run = {};
    run.struct_size = sizeof(sc_run);
    if (&pass == fetches_) run.flags = SC_RUN_FETCH;
    run.n[0] = 1;
    run.n[1] = items.n;
    run.src = source(pass.from[0]);
    run.src_step[1] = pass.from[0].step;
    for (int k = 1; k < pass.params.num_sources; ++k) {
      run.aux[k - 1] = source(pass.from[k]);
      run.aux_step[k - 1][1] = pass.from[k].step;
    }
    run.dst = pass.to.column < 0
                  ? at.dst + pass.to.offset
                  : columns_ + together_->columns[static_cast<size_t>(pass.to.column)].in +
                        pass.to.offset;
    run.dst_step[1] = pass.to.step;
    run.params = &pass.params;
    plan_.table->shuffle.run(&run);
  }

  const Plan::Impl& plan_;
  RunContext context_;
  int64_t item_, block_items_ = kStructItems;
  Workspace apart_memory_, columns_memory_;
  char* apart_ = nullptr;
  const StructProgram* together_ = nullptr;
  const ShufflePass* fetches_ = nullptr;
  char* columns_ = nullptr;
  std::vector<Loop> loops_;
};

}  // namespace

uint32_t run_leaf(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& at,
                  const RunContext& context) {
  const bool masked = at.mask != nullptr;
  if (context.way == Way::kPlanned) {
    if (leaf.shape != Shape::kRows) return run_blocks(leaf, loops, at, context);
    if (!leaf.staged() && !(masked && leaf.swaps_in)) return run_move(leaf, loops, at, context);
    if (is_direct(leaf) && !masked) return run_stage(leaf, loops, at, context);
  }
  const Ends ends = ends_of(leaf, context.way, masked);
  if (leaf.widest * kMinChunk <= kRowScratch) {
    RowBuffers scratch;
    return run_rows(leaf, ends, loops, at, scratch.view(), context);
  }
  const BlockBuffers scratch(std::max(leaf.widest, kBlockBytes));
  return run_rows(leaf, ends, loops, at, scratch.buffers, context);
}

OneCall one_call_of(const Plan::Impl& plan) {
  if (plan.bytes_moved > kOneCallPackedBytes || plan.leaves.size() != 1 || plan.where) return {};
  const LeafProgram& leaf = plan.leaves[0];
  // What takes more than a row's kernel, and what every row would be given anew: an index that
  // counts random numbers, parameters.
  if (leaf.shape != Shape::kRows || leaf.zero || leaf.draws > 0 || leaf.scaling != nullptr) {
    return {};
  }
  const Rectangle rect(plan.nest.loops, leaf.src_size, leaf.dst_size);
  const bool one_row = plan.nest.loops.size() <= 1;
  const bool packed =
      one_row && rect.column.step[kSrc] == leaf.src_size && rect.column.step[kDst] == leaf.dst_size;
  if (plan.bytes_moved > kOneCallBytes && !packed) return {};
  OneCall call;
  if (!leaf.staged() && rect.outer.empty()) {
    call.kernel = leaf.move_out->run;
    call.run = move_of(leaf, rect);
    if (packed && !leaf.swaps_in) call.copied = rect.column.n * leaf.src_size;
  }
  // Of numbers: a kernel of a user's may take any time.
  const bool numbers = is_number(leaf.src_type) && is_number(leaf.dst_type);
  if (leaf.staged() && numbers && one_row && is_direct(leaf)) {
    call.kernel = kernel_of_stage(leaf);
    call.run = stage_of(leaf, rect);
    call.calculates = true;
  }
  const int64_t fused_offset = call.calculates ? leaf.fused_offset : 0;
  call.src_offset = plan.nest.offset[kSrc] + leaf.src_offset + fused_offset;
  call.dst_offset = plan.nest.offset[kDst] + leaf.dst_offset;
  return call;
}

uint32_t run_nest(const Plan::Impl& plan, const LoopNest& nest, Cursor at,
                  const RunContext& context) {
  at.src += nest.offset[kSrc];
  at.dst += nest.offset[kDst];
  if (at.mask != nullptr) at.mask += nest.offset[kMask];
  at.index += nest.offset[kIndex];
  at.param += nest.offset[kParam];
  if (plan.leaves.size() != 1) return StructWalk(plan, context).run(nest.loops, at);
  const LeafProgram& leaf = plan.leaves[0];
  at.src = leaf.zero ? kZeros : at.src + leaf.src_offset;
  at.dst += leaf.dst_offset;
  at.index += leaf.first_draw;
  return run_leaf(leaf, nest.loops, at, context);
}

}  // namespace stridecast::internal
